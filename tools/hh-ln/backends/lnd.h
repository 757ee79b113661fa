// lnd over REST: POST /v2/router/send, GET /v2/router/track/{hash}, /v1/getinfo, /v1/payments, /v1/channels,
// /v1/balance/blockchain, /v1/balance/channels, and nothing else. [lnd 0.18 or later]
//
// Macaroon with exactly these rights: lncli bakemacaroon uri:/routerrpc.Router/SendPaymentV2 uri:/routerrpc.Router/TrackPaymentV2
//   uri:/lnrpc.Lightning/GetInfo uri:/lnrpc.Lightning/ListPayments uri:/lnrpc.Lightning/ListChannels
//   uri:/lnrpc.Lightning/WalletBalance uri:/lnrpc.Lightning/ChannelBalance (these two only for `hh-ln serve`)
#pragma once
#include "backends/backend.h"
#include "http/client.h"

namespace hh::ln {

struct LndConfig {
  std::string url;          // https://127.0.0.1:8080
  std::string macaroon;     // hex; a secret
  std::string tls_cert;     // file; pinned
  int64_t timeout_seconds = 60;  // how long lnd may look for routes; HTLCs may take longer
  int64_t max_parts = 16;
  int64_t answer_ms = 30'000;    // for everything but sending
  int64_t patience_ms = 15'000;  // how much longer than timeout_seconds the answer to a send is awaited
};

// The content of a macaroon file as lnd wants it in its header. lnd's own files are binary; `lncli bakemacaroon` prints hex, and editors and shells
// put a newline behind it. A binary macaroon starts with byte 2, the version of its format, and is taken as it is, whatever its last byte is;
// anything else must be hex. Throws Error(config).
std::string macaroon_in_hex(std::string_view content);

class LndBackend : public Backend {
 public:
  explicit LndBackend(LndConfig config);  // throws Error(config): url or macaroon malformed
  const char* name() const override { return "lnd"; }
  Identity identify() override;
  Report send(const Outgoing& payment) override;
  Report track(const PaymentHash& hash) override;
  bool has_htlc(const PaymentHash& hash) override;
  void list(uint64_t after, const std::function<void(const Listed&)>& each) override;
  std::optional<Balances> balances() override;
  std::string refuse_offers() const override { return "lnd cannot pay offers (BOLT 12): pay this line through Core Lightning, or ask for an invoice"; }
  std::vector<PaidOnChain> paid_on_chain() override;

 protected:
  http::Request request(const std::string& path) const;
  std::string get(const std::string& path);
  // POST, or another method with a body, once. Throws as get() does, and Error(temp_fail) where the request may or may not have been carried out.
  std::string change(const char* method, const std::string& path, const std::string& body);
  http::Client client_;

 private:
  std::string checked(const http::Result& result, const std::string& path);
  Report stream(http::Request& request, const std::string& hash, bool tracking);
  LndConfig config_;
};

}  // namespace hh::ln

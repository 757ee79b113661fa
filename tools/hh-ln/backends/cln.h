// Core Lightning over clnrest: POST /v1/{getinfo, fetchinvoice, xpay, listpays, listsendpays, listpeerchannels}, and nothing else. [Core Lightning 26.06 or later]
//
// Rune with exactly these rights, and a limit on the amount of one payment in msat: lightning-cli createrune
//   restrictions='[["method=getinfo","method=fetchinvoice","method=xpay","method=listpays","method=listsendpays","method=listpeerchannels"],
//                  ["method/xpay","pinvinvstring_amount<LIMIT"]]'
//
// What makes sending the same invoice again safe: lightningd itself lets one group of parts of a payment hash be under way at a time, and none once the hash
// is paid. keysend is not used, because Core Lightning chooses its preimage: two of them would be two payments. An offer is not given to xpay either: that would
// ask for an invoice and pay it in one go. The invoice is asked for, checked and stored first (fetchinvoice), and then that one is paid.
#pragma once
#include "backends/backend.h"
#include "backends/cln_answers.h"
#include "http/client.h"

namespace hh::ln {

struct ClnConfig {
  std::string url;               // https://127.0.0.1:3010
  std::string rune;              // a secret
  std::string tls_ca;            // file: clnrest's ca.pem
  int64_t timeout_seconds = 60;  // how long xpay may look for routes (retry_for); HTLCs may take longer
  int64_t answer_ms = 30'000;    // for everything but sending
  int64_t patience_ms = 15'000;  // how much longer than timeout_seconds the answer to a send is awaited
};

// The content of a file with a rune: base64url as createrune prints it. Throws Error(config).
std::string rune_of(std::string_view content);

class ClnBackend : public Backend {
 public:
  explicit ClnBackend(ClnConfig config);  // throws Error(config): url malformed
  const char* name() const override { return "cln"; }
  Identity identify() override;
  Report send(const Outgoing& payment) override;
  Report track(const PaymentHash& hash) override;
  bool has_htlc(const PaymentHash& hash) override;
  void list(uint64_t after, const std::function<void(const Listed&)>& each) override;
  std::string refuse_keysend() const override;
  std::string refuse_offers() const override { return {}; }
  std::string invoice_of_offer(const lightning::Offer& offer, Msat amount, const std::string& note) override;

 protected:
  http::Result call(const char* method, const json::Json& parameters, bool repeatable, int64_t answer_ms);
  int64_t answer_ms() const { return config_.answer_ms; }

 private:
  std::vector<Part> parts_after(uint64_t index);
  std::vector<Part> ask_parts(const json::Json& which);
  ClnConfig config_;
  http::Client client_;
};

}  // namespace hh::ln

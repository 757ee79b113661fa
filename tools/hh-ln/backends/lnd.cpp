#include "backends/lnd.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/base64url.h"
#include "http/url.h"
#include "onchain/lnd_wallet_answers.h"
#include "json/strict.h"
#include "backends/lnd_answers.h"

namespace hh::ln {
namespace {

constexpr int64_t page_size = 200;
constexpr const char* keysend_record = "5482373484";  // TLV type of the preimage [bLIP 3]

bool is_final_evidence(Evidence e) { return e != Evidence::in_flight; }

json::Json send_body(const Outgoing& p, const LndConfig& config) {
  // int64 as text: the gateway takes both, and no JSON reader on the way can round it.
  json::Json body{{"timeout_seconds", config.timeout_seconds}, {"fee_limit_msat", std::to_string(p.fee_limit.count())}, {"no_inflight_updates", false}};
  if (p.circle) {
    body["outgoing_chan_ids"] = {p.circle->out_channel};
    body["last_hop_pubkey"] = crypto::to_base64(p.circle->last_hop);
    body["allow_self_payment"] = true;
  }
  if (!p.invoice.empty()) {
    body["payment_request"] = p.invoice;
    body["max_parts"] = config.max_parts;
    return body;
  }
  body["dest"] = crypto::to_base64(p.node);
  body["amt_msat"] = std::to_string(p.amount.count());
  body["payment_hash"] = crypto::to_base64(p.hash);
  body["dest_custom_records"] = {{keysend_record, crypto::to_base64(p.preimage)}};
  body["max_parts"] = 1;
  return body;
}

constexpr char binary_macaroon_version = 2;  // the first byte: version 2 of libmacaroons' binary format, the only one that lnd writes

}  // namespace

std::string macaroon_in_hex(std::string_view content) {
  std::string hex;
  if (content.starts_with(binary_macaroon_version)) {
    hex = to_hex(as_bytes(content));
  } else {
    const size_t first = content.find_first_not_of(" \t\r\n"), last = content.find_last_not_of(" \t\r\n");
    if (first != std::string_view::npos) hex = content.substr(first, last - first + 1);
    const auto bytes = from_hex(hex);
    if (!bytes || bytes->empty())
      throw Error(Exit::config, "lnd.macaroon must hold a macaroon: one of lnd's .macaroon files, or the hex that `lncli bakemacaroon` prints");
  }
  log::hide(hex);
  return hex;
}

LndBackend::LndBackend(LndConfig config) : config_(std::move(config)) {
  const auto url = http::parse_url(config_.url);
  if (!url || !url->query.empty()) throw Error(Exit::config, "lnd.url must be the address of lnd's REST server, such as https://127.0.0.1:8080");
  if (url->scheme != "https" && !http::is_loopback(url->host)) throw Error(Exit::config, "lnd.url must start with https://");
  while (config_.url.ends_with('/')) config_.url.pop_back();
  client_.stop_when([] { return stop_requested(); });
}

http::Request LndBackend::request(const std::string& path) const {
  http::Request r;
  r.url = config_.url + path;
  r.headers = {{"Grpc-Metadata-macaroon", config_.macaroon}};
  r.tls.pinned_cert_file = config_.tls_cert;
  r.timeouts = {.connect_ms = 10'000, .total_ms = config_.answer_ms, .idle_ms = 0};
  r.max_response = 64u << 20;
  return r;
}

std::string LndBackend::checked(const http::Result& result, const std::string& path) {
  const long status = result.response.status;
  const std::string what = path.substr(0, path.find('?'));
  if (status == 401 || status == 403) throw Error(Exit::config, fmt::format("lnd refuses the macaroon for {} (HTTP status {})", what, status));
  if (status >= 200 && status <= 299) return result.response.body;
  const std::string reason = read_error(result.response.body, status, false).reason;
  // A macaroon without the right is gRPC code 2 or 16 with such a text, and HTTP status 500.
  if (reason.find("permission denied") != std::string::npos || reason.find("macaroon") != std::string::npos)
    throw Error(Exit::config, fmt::format("lnd refuses the macaroon for {}: {}", what, reason));
  throw Error(Exit::unavailable, fmt::format("lnd: {}", reason));
}

std::vector<PaidOnChain> LndBackend::paid_on_chain() try {
  constexpr int64_t looked_back = 30 * 144;  // blocks
  const int64_t height = read_block_height(get("/v1/getinfo"));
  std::vector<PaidOnChain> out;
  for (const WalletTransaction& t : read_transactions(get(fmt::format("/v1/transactions?start_height={}&end_height=-1", std::max<int64_t>(height - looked_back, 0))))) {
    if (t.label != wallet_label) continue;
    out.push_back({t.txid, {}, t.time_ms});
    for (const auto& o : t.outputs) out.back().amounts.push_back(o.value);
  }
  return out;
} catch (const Error& e) {
  if (e.code() != Exit::config) throw;
  return {};  // a macaroon without the right pays nothing on chain either
}

std::string LndBackend::get(const std::string& path) {
  http::Request r = request(path);
  r.repeatable = true;
  const http::Result result = client_.send(r);
  if (result.outcome != http::Outcome::ok) throw Error(Exit::unavailable, fmt::format("lnd cannot be reached: {}", result.error));
  return checked(result, path);
}

std::string LndBackend::change(const char* method, const std::string& path, const std::string& body) {
  http::Request r = request(path);
  r.method = method;
  r.headers.emplace_back("Content-Type", "application/json");
  r.body = body;
  const http::Result result = client_.send(r);
  if (result.outcome == http::Outcome::not_sent) throw Error(Exit::unavailable, fmt::format("lnd cannot be reached: {}", result.error));
  if (result.outcome == http::Outcome::unknown)
    throw Error(Exit::temp_fail, fmt::format("lnd did not answer, and may have done it or not: look before trying again ({})", result.error));
  return checked(result, path);
}

Identity LndBackend::identify() {
  const GetInfo info = read_getinfo(get("/v1/getinfo"));
  if (!info.synced) log::warn("lnd_not_synced", {{"node", info.identity.node}});
  return info.identity;
}

// Reads JSON lines until one is final, the stream ends or the time is up. What was last proven counts: a stream that breaks after IN_FLIGHT is
// in flight.
// Tracking reads only the first line, which is the state as it is now.
Report LndBackend::stream(http::Request& r, const std::string& hash, bool tracking) {
  Report last{.evidence = Evidence::unknown, .reason = "the node's answer is empty", .preimage = {}, .amount = {}, .fee = {}};
  bool any = false;
  http::LineSplitter lines([&](std::string_view line) {
    const Report now = read_stream_line(line, hash, tracking);
    if (now.evidence != Evidence::unknown || !any) last = now;
    any = true;
    return !tracking && !is_final_evidence(now.evidence);
  });
  r.on_data = [&](std::string_view piece) { return lines(piece); };
  const http::Result result = client_.send(r);
  if (!result.response.cancelled) lines.flush();
  if (any) return last;
  if (result.outcome != http::Outcome::ok)
    return {.evidence = result.outcome == http::Outcome::not_sent ? Evidence::not_sent : Evidence::unknown, .reason = result.error, .preimage = {}, .amount = {}, .fee = {}};
  return result.is_success() ? last : read_error(result.response.body, result.response.status, tracking);
}

Report LndBackend::send(const Outgoing& payment) {
  http::Request r = request("/v2/router/send");
  r.method = "POST";
  r.headers.emplace_back("Content-Type", "application/json");
  r.body = json::to_line(send_body(payment, config_));
  r.timeouts.total_ms = config_.timeout_seconds * 1000 + config_.patience_ms;
  return stream(r, to_hex(payment.hash), false);
}

Report LndBackend::track(const PaymentHash& hash) {
  http::Request r = request("/v2/router/track/" + crypto::to_base64url_padded(hash));
  r.repeatable = true;
  return stream(r, to_hex(hash), true);
}

bool LndBackend::has_htlc(const PaymentHash& hash) { return read_has_htlc(get("/v1/channels"), hash); }

void LndBackend::list(uint64_t after, const std::function<void(const Listed&)>& each) {
  for (;;) {
    const PaymentPage page = read_payments(get(fmt::format("/v1/payments?include_incomplete=true&index_offset={}&max_payments={}", after, page_size)));
    for (const Listed& p : page.payments) each(p);
    if (page.payments.empty() || page.last_index <= after) return;
    after = page.last_index;
  }
}

std::optional<Balances> LndBackend::balances() {
  const std::string chain = get("/v1/balance/blockchain");
  return read_balances(chain, get("/v1/balance/channels"));
}

}  // namespace hh::ln

#include "backends/cln.h"

#include <fmt/format.h>

#include <set>

#include "backends/answer_fields.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "http/url.h"

namespace hh::ln {
namespace {

constexpr int64_t page_size = 1000;  // parts of payments, at about 2 KB

const http::Response& answered(const http::Result& result) {
  if (result.outcome != http::Outcome::ok) throw Error(Exit::unavailable, fmt::format("Core Lightning cannot be reached: {}", result.error));
  return result.response;
}

Report no_answer(const http::Result& result) { return plain(result.outcome == http::Outcome::not_sent ? Evidence::not_sent : Evidence::unknown, result.error); }

}  // namespace

std::string rune_of(std::string_view content) {
  const size_t first = content.find_first_not_of(" \t\r\n"), last = content.find_last_not_of(" \t\r\n");
  const std::string rune(first == std::string_view::npos ? "" : content.substr(first, last - first + 1));
  constexpr const char* alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
  if (rune.empty() || rune.find_first_not_of(alphabet) != std::string::npos) throw Error(Exit::config, "cln.rune must hold a rune as `lightning-cli createrune` prints it");
  log::hide(rune);
  return rune;
}

ClnBackend::ClnBackend(ClnConfig config) : config_(std::move(config)) {
  const auto url = http::parse_url(config_.url);
  if (!url || !url->query.empty()) throw Error(Exit::config, "cln.url must be the address of clnrest, such as https://127.0.0.1:3010");
  if (url->scheme != "https" && !http::is_loopback(url->host)) throw Error(Exit::config, "cln.url must start with https://");
  while (config_.url.ends_with('/')) config_.url.pop_back();
  client_.stop_when([] { return stop_requested(); });
}

http::Result ClnBackend::call(const char* method, const json::Json& parameters, bool repeatable, int64_t answer_ms) {
  http::Request r;
  r.method = "POST";
  r.url = fmt::format("{}/v1/{}", config_.url, method);
  r.headers = {{"Rune", config_.rune}, {"Content-Type", "application/json"}};
  r.body = json::to_line(parameters);
  r.tls.ca_file = config_.tls_ca;
  r.timeouts = {.connect_ms = 10'000, .total_ms = answer_ms, .idle_ms = 0};
  r.max_response = 64u << 20;
  r.repeatable = repeatable;
  return client_.send(r);
}

Identity ClnBackend::identify() {
  const http::Result result = call("getinfo", json::Json::object(), true, config_.answer_ms);
  const ClnInfo info = read_cln_getinfo(answered(result).body, result.response.status);
  if (!info.synced) log::warn("cln_not_synced", {{"node", info.identity.node}});
  return info.identity;
}

Report ClnBackend::send(const Outgoing& p) {
  if (p.invoice.empty()) return plain(Evidence::failed, refuse_keysend());
  const json::Json parameters{{"invstring", p.invoice}, {"maxfee", p.fee_limit.count()}, {"retry_for", config_.timeout_seconds}};
  const http::Result result = call("xpay", parameters, false, config_.timeout_seconds * 1000 + config_.patience_ms);
  if (result.outcome != http::Outcome::ok) return no_answer(result);
  const XpayAnswer answer = read_xpay(result.response.body, result.response.status);
  return answer.look ? after_look(answer.report, track(p.hash)) : answer.report;
}

Report ClnBackend::track(const PaymentHash& hash) {
  const http::Result result = call("listpays", {{"payment_hash", to_hex(hash)}}, true, config_.answer_ms);
  if (result.outcome != http::Outcome::ok) return no_answer(result);
  return read_listpays(result.response.body, result.response.status, to_hex(hash));
}

bool ClnBackend::has_htlc(const PaymentHash& hash) {
  const http::Result result = call("listpeerchannels", json::Json::object(), true, config_.answer_ms);
  return read_cln_has_htlc(answered(result).body, result.response.status, hash);
}

std::vector<Part> ClnBackend::ask_parts(const json::Json& which) {
  const http::Result result = call("listsendpays", which, true, config_.answer_ms);
  return read_listsendpays(answered(result).body, result.response.status);
}

// By the index of creation, which grows by each part and is never given again. All pages are read before the first payment is reported, because the
// parts of one payment can lie on several.
std::vector<Part> ClnBackend::parts_after(uint64_t index) {
  std::vector<Part> parts;
  for (uint64_t last = index;;) {
    const std::vector<Part> page = ask_parts({{"index", "created"}, {"start", last + 1}, {"limit", page_size}});
    for (const Part& part : page) {
      if (part.index <= last) throw Error(Exit::unavailable, "Core Lightning's list of payments is not in order");
      last = part.index;
      parts.push_back(part);
    }
    if (page.size() < page_size) return parts;
  }
}

void ClnBackend::list(uint64_t after, const std::function<void(const Listed&)>& each) {
  std::vector<Part> parts = parts_after(after);
  const uint64_t last = parts.empty() ? after : parts.back().index;
  // What a payment is, its parts from before say too. Those that are newer than the last page belong to the next call.
  if (after > 0) {
    std::set<std::string> hashes;
    for (const Part& p : parts) hashes.insert(p.hash);
    parts.clear();
    for (const std::string& hash : hashes)
      for (Part& p : ask_parts({{"payment_hash", hash}}))
        if (p.hash == hash && p.index <= last) parts.push_back(std::move(p));
  }
  for (Listed& p : payments_of(parts)) {
    PaymentHash hash{};
    // Nothing but failed parts is no proof: xpay may be about to send the next one.
    if (p.status == "FAILED" && from_hex(p.hash, hash) && track(hash).evidence != Evidence::failed) p.status = "IN_FLIGHT";
    each(p);
  }
}

std::string ClnBackend::invoice_of_offer(const lightning::Offer& offer, Msat amount, const std::string& note) {
  json::Json parameters{{"offer", offer.text}, {"amount_msat", amount.count()}, {"timeout", config_.timeout_seconds}, {"payer_note", note}};
  if (offer.quantity_max) parameters["quantity"] = 1;
  const http::Result result = call("fetchinvoice", parameters, false, config_.timeout_seconds * 1000 + config_.patience_ms);
  return read_fetchinvoice(answered(result).body, result.response.status);
}

std::string ClnBackend::refuse_keysend() const {
  return "Core Lightning cannot pay a node without an invoice exactly once: its keysend chooses the preimage itself. Pay this line through lnd, or ask for an invoice";
}

}  // namespace hh::ln

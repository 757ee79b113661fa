#include "lightning/lnurl.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "bitcoin/bech32.h"
#include "crypto/digest.h"
#include "http/url.h"
#include "json/fields.h"

namespace hh::lightning {
namespace {

constexpr size_t max_lnurl_text = 4096;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool plain_http(std::string_view host, bool allow_loopback) { return http::is_onion(host) || (allow_loopback && http::is_loopback(host)); }

std::string host_of(std::string_view host_and_port) {
  if (host_and_port.starts_with('[')) return std::string(host_and_port.substr(1, host_and_port.find(']') - 1));
  return std::string(host_and_port.substr(0, host_and_port.find(':')));
}

// Answers of services are told apart from their refusals by `status` (LUD-06); text from strangers is cut before it is shown.
json::Json parse_answer(std::string_view body, std::string_view who) {
  try {
    json::Json answer = json::parse(body);
    const json::Fields fields(answer);
    if (fields.has("status") && lower(fields.text("status")) == "error")
      throw Error(Exit::unavailable, fmt::format("{} refuses: {}", who, fields.optional_text("reason", max_lnurl_answer).value_or("no reason given").substr(0, 200)));
    return answer;
  } catch (const Error& e) {
    if (e.code() == Exit::unavailable) throw;
    throw Error(Exit::data, fmt::format("{} did not answer as LUD-06 says: {}", who, e.what()));
  }
}

void check_metadata(const std::string& metadata) {
  const json::Json entries = json::parse(metadata);
  if (!entries.is_array()) throw Error(Exit::data, "its metadata is no JSON array");
  const auto is_text = [](const json::Json& e) { return e.is_array() && e.size() >= 2 && e[0].is_string() && e[0].get<std::string>() == "text/plain" && e[1].is_string(); };
  if (std::count_if(entries.begin(), entries.end(), is_text) < 1) throw Error(Exit::data, "its metadata has no text/plain entry");
}

}  // namespace

std::string lightning_address_url(std::string_view address, bool allow_loopback) {
  const size_t at = address.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == address.size()) throw Error(Exit::data, "a lightning address has the form user@host");
  const std::string_view user = address.substr(0, at), host = address.substr(at + 1);
  if (user.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.+") != std::string_view::npos)
    throw Error(Exit::data, "the user of a lightning address may only have a-z 0-9 - _ . +");
  if (host.find_first_of("/?#@%") != std::string_view::npos) throw Error(Exit::data, "after the @ of a lightning address comes a host, and nothing else");
  const char* scheme = plain_http(host_of(host), allow_loopback) ? "http" : "https";
  const std::string url = fmt::format("{}://{}/.well-known/lnurlp/{}", scheme, host, http::percent_encode(user));
  return http::check_lnurl(url, fmt::format("the lightning address {}", address), allow_loopback).text();
}

std::string lnurl_url(std::string_view lnurl, bool allow_loopback) {
  std::string text = lnurl.size() > max_lnurl_text ? "" : std::string(lnurl);
  if (lower(text).starts_with("lightning:")) text.erase(0, 10);
  if (lower(text).starts_with("lnurlp://")) {
    const std::string rest = text.substr(9);
    text = (plain_http(host_of(lower(rest.substr(0, rest.find_first_of("/?")))), allow_loopback) ? "http://" : "https://") + rest;
  } else if (lower(text).starts_with("lnurl1")) {
    const auto parts = bitcoin::bech32_decode(text, max_lnurl_text);
    const auto bytes = parts && parts->encoding == bitcoin::Bech32::bech32 && parts->prefix == "lnurl" ? bitcoin::five_to_eight(parts->values) : std::nullopt;
    if (!bytes) throw Error(Exit::data, "the LNURL is not bech32 text with a valid checksum");
    text.assign(as_text(*bytes));
  }
  return http::check_lnurl(text, "the LNURL", allow_loopback).text();
}

PayParameters read_parameters(std::string_view body, std::string_view who, bool allow_loopback) {
  const json::Json answer = parse_answer(body, who);
  try {
    const json::Fields fields(answer);
    if (fields.text("tag") != "payRequest") throw Error(Exit::data, "its tag is not payRequest");
    PayParameters out;
    out.callback = http::check_lnurl(fields.text("callback"), "its callback", allow_loopback).text();
    out.least = Msat(fields.integer("minSendable", 1));
    out.most = Msat(fields.integer("maxSendable", 1));
    if (out.least > out.most) throw Error(Exit::data, "its minSendable is above its maxSendable");
    out.metadata = fields.text("metadata", max_lnurl_answer);
    check_metadata(out.metadata);
    return out;
  } catch (const Error& e) {
    throw Error(Exit::data, fmt::format("{} did not answer as LUD-06 says: {}", who, e.what()));
  }
}

std::string callback_url(const PayParameters& p, Msat amount, std::string_view who) {
  if (amount < p.least || amount > p.most)
    throw Error(Exit::data, fmt::format("{} takes {} to {} msat, not {}", who, p.least.count(), p.most.count(), amount.count()));
  return http::with_parameter(p.callback, "amount", std::to_string(amount.count()));
}

Invoice read_invoice(std::string_view body, std::string_view who) {
  const json::Json answer = parse_answer(body, who);
  try {
    return decode_bolt11(json::Fields(answer).text("pr", max_invoice_size + 16));
  } catch (const Error& e) {
    throw Error(Exit::data, fmt::format("{} gave no good invoice: {}", who, e.what()));
  }
}

std::string refuse_description(const Invoice& invoice, const PayParameters& p) {
  if (!invoice.description_hash || *invoice.description_hash == crypto::sha256(std::string_view(p.metadata))) return "";
  return "the invoice's description hash is not that of the service's metadata";
}

}  // namespace hh::lightning

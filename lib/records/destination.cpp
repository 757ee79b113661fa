#include "records/destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "bitcoin/bech32.h"

namespace hh::records {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all(std::string_view s, bool (*test)(char)) { return std::all_of(s.begin(), s.end(), test); }
bool has_upper(std::string_view s) {
  return std::any_of(s.begin(), s.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// LUD-01 and BOLT 11: bech32 without its limit of 90 characters.
std::optional<bitcoin::Bech32Text> decode_long(std::string_view text) {
  auto decoded = bitcoin::bech32_decode(text, max_destination_bytes);
  if (decoded && decoded->encoding != bitcoin::Bech32::bech32) decoded.reset();
  return decoded;
}

std::string wrong_port(std::string_view port) {
  const bool ok = !port.empty() && port.size() <= 5 && port.front() != '0' && all(port, is_digit) && std::stoul(std::string(port)) <= 65535;
  return ok ? "" : "has a port that is not 1 to 65535";
}

bool is_host_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         all(label, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

// A name with at least one dot, an IPv4 address, or localhost; with or without :port.
std::string wrong_host(std::string_view host) {
  if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
    if (const std::string wrong = wrong_port(host.substr(colon + 1)); !wrong.empty()) return wrong;
    host = host.substr(0, colon);
  }
  if (host.empty()) return "has no host";
  if (host.size() > 253) return "has a host longer than 253 characters";
  if (host.find('.') == std::string_view::npos && host != "localhost") return "has a host without a dot";
  for (size_t start = 0; start <= host.size();) {
    const size_t dot = std::min(host.find('.', start), host.size());
    if (!is_host_label(host.substr(start, dot - start))) return "has a host that is no domain name in lower case";
    start = dot + 1;
  }
  return "";
}

std::string wrong_lnaddress(std::string_view v) {
  const size_t at = v.find('@');
  if (at == std::string_view::npos) return "has no @ (user@host)";
  const std::string_view user = v.substr(0, at);
  if (has_upper(v)) return "must be in lower case";
  if (user.empty()) return "has no user before the @";
  if (user.size() > 64) return "has a user longer than 64 characters";
  if (!all(user, [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == '+'; }))
    return "has a user with characters other than a-z 0-9 - _ . +";
  return wrong_host(v.substr(at + 1));
}

bool ends_with_onion(std::string_view host) { return host.substr(0, host.find(':')).ends_with(".onion"); }
// 127.0.0.0/8 as an address: 127.example.com is a name like any other.
bool is_loopback_host(std::string_view host) {
  host = host.substr(0, host.find(':'));
  const bool is_address = std::count(host.begin(), host.end(), '.') == 3 && all(host, [](char c) { return is_digit(c) || c == '.'; });
  return host == "localhost" || (is_address && host.starts_with("127."));
}

std::string wrong_url(std::string_view url) {
  const bool https = url.starts_with("https://");
  if (!https && !url.starts_with("http://")) return "is no http or https URL";
  if (!all(url, [](char c) { return c > ' ' && c <= '~' && c != '#' && c != '"' && c != '\\'; })) return "has characters that no URL has";
  const std::string_view rest = url.substr(https ? 8 : 7);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) return "has a user name in its URL";
  if (const std::string wrong = wrong_host(authority); !wrong.empty()) return wrong;
  if (!https && !ends_with_onion(authority) && !is_loopback_host(authority)) return "must be https (http only for .onion and loopback)";
  return "";
}

std::string wrong_lnurl(std::string_view v) {
  if (!v.starts_with("lnurl1")) return has_upper(v.substr(0, 6)) ? "must be in lower case" : wrong_url(v);
  const auto decoded = decode_long(v);
  if (!decoded) return "has a wrong character or checksum";
  const auto url = bitcoin::five_to_eight(decoded->values);
  return url ? wrong_url(as_text(*url)) : "does not hold whole bytes";
}

std::string wrong_node(std::string_view v) {
  const bool hex = all(v, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
  return v.size() == 66 && hex && (v.starts_with("02") || v.starts_with("03")) ? "" : "must be 66 lower-case hex digits that start with 02 or 03";
}

// BOLT 11, "Human-Readable Part": ln, a prefix of the network, perhaps an amount of digits and one multiplier.
bool is_invoice_prefix(std::string_view prefix) {
  for (const std::string_view network : {"lnbcrt", "lntbs", "lnbc", "lntb"}) {
    if (!prefix.starts_with(network)) continue;
    std::string_view amount = prefix.substr(network.size());
    if (amount.empty()) return true;
    if (std::string_view("munp").find(amount.back()) != std::string_view::npos) amount.remove_suffix(1);
    return !amount.empty() && amount.front() != '0' && all(amount, is_digit);
  }
  return false;
}

std::string wrong_bolt11(std::string_view v) {
  if (has_upper(v)) return "must be in lower case";
  const auto decoded = decode_long(v);
  if (!decoded) return "has a wrong character or checksum";
  if (!is_invoice_prefix(decoded->prefix)) return "does not start as an invoice does (lnbc, lntb, lntbs, lnbcrt)";
  const size_t least = 7 + 104;  // time stamp and signature, 5 bits each
  return decoded->values.size() >= least ? "" : "is too short for an invoice";
}

std::string wrong_bolt12(std::string_view v) {
  if (has_upper(v)) return "must be in lower case";
  if (!v.starts_with("lno1")) return "does not start as an offer does (lno1)";
  const auto values = bitcoin::bech32_values(v.substr(4));
  if (!values) return "has a wrong character";
  const auto bytes = bitcoin::five_to_eight(*values);
  return bytes && !bytes->empty() ? "" : "does not hold whole bytes";
}

std::string wrong_endpoint(std::string_view v) {
  const size_t key = v.find('#');
  if (key != std::string_view::npos)
    if (const std::string wrong = wrong_node(v.substr(key + 1)); !wrong.empty()) return "has a # after which the node's key " + wrong;
  const std::string_view url = v.substr(0, key);
  return url.starts_with("https://") ? wrong_url(url) : "must start with https://";
}

struct KindRow {
  DestinationKind kind;
  std::string_view name;
  std::string (*wrong)(std::string_view);
};
constexpr std::array<KindRow, 6> kinds{{
    {DestinationKind::lnaddress, "lnaddress", wrong_lnaddress},
    {DestinationKind::lnurl, "lnurl", wrong_lnurl},
    {DestinationKind::node, "node", wrong_node},
    {DestinationKind::bolt11, "bolt11", wrong_bolt11},
    {DestinationKind::bolt12, "bolt12", wrong_bolt12},
    {DestinationKind::endpoint, "endpoint", wrong_endpoint},
}};

// Hostile input must not fill a message or break its line.
std::string shown(std::string_view value) {
  std::string out;
  for (const char c : value.substr(0, 60)) out.push_back(c >= ' ' && c <= '~' ? c : '?');
  return value.size() > 60 ? out + "…" : out;
}

}  // namespace

std::string_view kind_name(DestinationKind kind) { return kinds.at(static_cast<size_t>(kind)).name; }

std::optional<DestinationKind> kind_from_name(std::string_view name) {
  for (const KindRow& row : kinds)
    if (row.name == name) return row.kind;
  return std::nullopt;
}

std::string what_is_wrong(DestinationKind kind, std::string_view value) {
  if (value.empty()) return "is empty";
  if (value.size() > max_destination_bytes) return fmt::format("is longer than {} bytes", max_destination_bytes);
  return kinds.at(static_cast<size_t>(kind)).wrong(value);
}

Destination make_destination(std::string_view kind, std::string_view value) {
  const auto known = kind_from_name(kind);
  if (!known) throw Error(Exit::data, fmt::format("destination kind \"{}\" is not known: use lnaddress, lnurl, node, bolt11, bolt12 or endpoint", shown(kind)));
  if (const std::string wrong = what_is_wrong(*known, value); !wrong.empty())
    throw Error(Exit::data, fmt::format("{} \"{}\" {}", kind, shown(value), wrong));
  return {*known, std::string(value)};
}

Destination known_destination(std::string_view kind, std::string value) {
  const auto known = kind_from_name(kind);
  if (!known) throw Error(Exit::data, fmt::format("a destination of the unknown kind \"{}\"", shown(kind)));
  return {*known, std::move(value)};
}

json::Json to_json(const Destination& d) { return {{"kind", kind_name(d.kind)}, {"value", d.value}}; }

Destination parse_destination(const json::Json& object) {
  const json::Fields f(object);
  return make_destination(f.text("kind", 32), f.text("value", max_destination_bytes));
}

}  // namespace hh::records

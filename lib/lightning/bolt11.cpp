#include "lightning/bolt11.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/error.h"
#include "bitcoin/bech32.h"
#include "bitcoin/script.h"
#include "crypto/digest.h"
#include "lightning/curve.h"

namespace hh::lightning {
namespace {

constexpr size_t timestamp_size = 7, signature_size = 104;  // 5-bit values

[[noreturn]] void refuse(const std::string& why) { throw Error(Exit::data, "the invoice " + why); }

std::string_view without_scheme(std::string_view text) {
  constexpr std::string_view scheme = "lightning:";
  if (text.size() < scheme.size()) return text;
  for (size_t i = 0; i < scheme.size(); ++i)
    if ((text[i] | 0x20) != (scheme[i] | 0x20)) return text;
  return text.substr(scheme.size());
}

// BOLT 11, "Human-Readable Part": digits and a multiplier letter. Units of 0.1 msat would be needed for 'p', hence its last digit is 0.
Msat parse_amount(std::string_view text) {
  int64_t factor = 100'000'000'000, divisor = 1;  // msat of one bitcoin
  switch (text.back()) {
    case 'm': factor = 100'000'000; break;
    case 'u': factor = 100'000; break;
    case 'n': factor = 100; break;
    case 'p': factor = 1, divisor = 10; break;
    default: break;  // a digit, or something that is refused below
  }
  if (divisor != 1 || factor != 100'000'000'000) text.remove_suffix(1);
  int64_t n = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || at != text.data() + text.size() || text.empty() || text[0] == '0' || text[0] == '-')
    refuse("has an amount that is not a number as BOLT 11 writes it");
  if (n % divisor != 0) refuse("asks for a part of a millisatoshi");
  const Msat amount = Msat(n / divisor) * factor;  // checked: overflow throws
  if (!is_money(amount) || amount.is_zero()) refuse("asks for an amount that cannot exist");
  return amount;
}

void parse_prefix(const std::string& prefix, Invoice& out) {
  if (!prefix.starts_with("ln")) refuse("does not start with \"ln\"");
  const size_t digit = prefix.find_first_of("0123456789");
  out.currency = prefix.substr(2, digit == std::string::npos ? digit : digit - 2);
  // Longer names first is not needed: a currency is all letters up to the first digit, so "tb" and "tbs" cannot be confused.
  if (out.currency != "bc" && out.currency != "tb" && out.currency != "tbs" && out.currency != "bcrt")
    refuse(fmt::format("is for an unknown currency \"{}\"", out.currency.substr(0, 16)));
  if (digit != std::string::npos) out.amount = parse_amount(std::string_view(prefix).substr(digit));
}

int64_t parse_number(BytesView values, const char* what) {
  if (!values.empty() && values[0] == 0) refuse(fmt::format("writes its {} with a leading zero", what));
  if (values.size() > 10) refuse(fmt::format("has a {} that is too large", what));
  int64_t n = 0;
  for (const uint8_t v : values) n = n << 5 | v;
  return n;
}

template <size_t N>
std::array<uint8_t, N> parse_fixed(BytesView values, const char* what) {
  std::array<uint8_t, N> out;
  const auto bytes = bitcoin::five_to_eight(values);
  if (values.size() != (N * 8 + 4) / 5 || !bytes || bytes->size() != N) refuse(fmt::format("has a malformed {}", what));
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

std::string parse_description(BytesView values) {
  const auto bytes = bitcoin::five_to_eight(values);
  if (!bytes) refuse("has a malformed description");
  return std::string(as_text(*bytes));
}

// BOLT 9 features that an invoice may require and that the nodes we drive understand; even bits, the odd ones are always fine.
const std::set<size_t> known_features{8, 14, 16, 24, 36, 48};

void parse_features(BytesView values, Invoice& out) {
  if (!values.empty() && values[0] == 0) refuse("writes its features with leading zeros");
  for (size_t bit = 0; bit < values.size() * 5; ++bit) {
    if (!(values[values.size() - 1 - bit / 5] >> bit % 5 & 1)) continue;
    if (bit == 30 || bit == 31) refuse("is for atomic multi-path payments (AMP), which are not supported");
    if (bit % 2 == 0 && !known_features.contains(bit)) refuse(fmt::format("requires the unknown feature {}", bit));
    if (bit == 16 || bit == 17) out.basic_mpp = true;
  }
}

// A fallback address: a version, then a hash or a witness program. What cannot be read is skipped, as a reader MUST for unknown versions.
void parse_fallback(BytesView values, Invoice& out) {
  const auto program = values.empty() ? std::nullopt : bitcoin::five_to_eight(values.subspan(1));
  if (!program) return;
  const uint8_t version = values[0];
  bitcoin::Hash160 hash{};
  const bool is_hash = program->size() == hash.size();
  if (is_hash) std::copy(program->begin(), program->end(), hash.begin());
  if (version == 17 && is_hash) out.fallbacks.push_back(bitcoin::p2pkh_script(hash));
  if (version == 18 && is_hash) out.fallbacks.push_back(bitcoin::p2sh_script(hash));
  const bool is_v0 = version == 0 && (is_hash || program->size() == 32);
  if (is_v0 || (version == 1 && program->size() == 32)) out.fallbacks.push_back(bitcoin::witness_script(version, *program));
}

struct Fields {
  std::set<uint8_t> seen;
  std::optional<NodeKey> payee;
};

void parse_field(uint8_t type, BytesView data, Invoice& out, Fields& fields) {
  const bool single = type == 1 || type == 16 || type == 13 || type == 19 || type == 23 || type == 6 || type == 24 || type == 5;
  if (single && !fields.seen.insert(type).second) refuse(fmt::format("has field {} twice", type));
  switch (type) {
    case 1: out.payment_hash = parse_fixed<32>(data, "payment hash"); break;
    case 16: out.payment_secret = parse_fixed<32>(data, "payment secret"); break;
    case 23: out.description_hash = parse_fixed<32>(data, "description hash"); break;
    case 19: fields.payee = parse_fixed<33>(data, "payee key"); break;
    case 13: out.description = parse_description(data); break;
    case 6: out.expiry_seconds = parse_number(data, "expiry"); break;
    case 24: out.min_final_cltv_delta = parse_number(data, "final CLTV delta"); break;
    case 5: parse_features(data, out); break;
    case 9: parse_fallback(data, out); break;
    default: break;  // unknown, route hints (3), metadata (27): the node's business
  }
}

void parse_fields(BytesView values, Invoice& out, Fields& fields) {
  size_t at = 0;
  while (at < values.size()) {
    if (values.size() - at < 3) refuse("ends within a field");
    const size_t size = static_cast<size_t>(values[at + 1]) << 5 | values[at + 2];
    if (values.size() - at - 3 < size) refuse("ends within a field");
    parse_field(values[at], values.subspan(at + 3, size), out, fields);
    at += 3 + size;
  }
  if (!fields.seen.contains(1)) refuse("has no payment hash");
  if (!fields.seen.contains(16)) refuse("has no payment secret");
  if (fields.seen.contains(13) == fields.seen.contains(23)) refuse("must have either a description or a description hash");
}

}  // namespace

Invoice decode_bolt11(std::string_view text) {
  text = without_scheme(text);
  const auto parts = bitcoin::bech32_decode(text, max_invoice_size);
  if (!parts || parts->encoding != bitcoin::Bech32::bech32) refuse("is not bech32 text with a valid checksum");
  const BytesView values(parts->values);
  if (values.size() < timestamp_size + signature_size) refuse("is too short");
  Invoice out;
  parse_prefix(parts->prefix, out);
  for (const uint8_t v : values.first(timestamp_size)) out.timestamp = out.timestamp << 5 | v;
  Fields fields;
  parse_fields(values.subspan(timestamp_size, values.size() - timestamp_size - signature_size), out, fields);

  const Bytes message = bitcoin::five_to_eight_padded(values.first(values.size() - signature_size));
  const auto digest = crypto::Sha256().update(parts->prefix).update(message).finish();
  const auto signature = *bitcoin::five_to_eight(values.last(signature_size));  // 520 bits: nothing is left over
  const auto key = fields.payee ? verify_compact(digest, signature, *fields.payee) : recover_compact(digest, signature);
  if (!key) refuse(fields.payee ? "is not signed by the payee that it names" : "has a signature from which no key can be recovered");
  out.payee = *key;
  out.text.assign(text);
  for (char& c : out.text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view invoice_currency(bitcoin::Network network) {
  switch (network) {
    case bitcoin::Network::main: return "bc";
    case bitcoin::Network::testnet4: return "tb";
    case bitcoin::Network::signet: return "tbs";
    case bitcoin::Network::regtest:
    case bitcoin::Network::dev: return "bcrt";
  }
  throw Error(Exit::software, "unknown network");
}

std::string refuse_invoice(const Invoice& invoice, bitcoin::Network network, Msat amount, int64_t now_seconds, int64_t least_seconds_left) {
  if (invoice.currency != invoice_currency(network))
    return fmt::format("the invoice is for another network (ln{}, not ln{})", invoice.currency, invoice_currency(network));
  if (!invoice.amount) return "the invoice states no amount";
  if (*invoice.amount != amount) return fmt::format("the invoice asks for {} msat, not {}", invoice.amount->count(), amount.count());
  if (invoice.expires_at() <= now_seconds) return fmt::format("the invoice expired {} s ago", now_seconds - invoice.expires_at());
  if (invoice.expires_at() - now_seconds < least_seconds_left)
    return fmt::format("the invoice expires in {} s, which is too soon", invoice.expires_at() - now_seconds);
  return "";
}

std::optional<NodeKey> parse_node_key(std::string_view hex) {
  NodeKey key;
  if (!from_hex(hex, key) || !is_on_curve(key)) return {};
  return key;
}

}  // namespace hh::lightning

#include "lightning/bolt12.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "bitcoin/bech32.h"
#include "json/strict.h"
#include "lightning/curve.h"

namespace hh::lightning {
namespace {

// Types of fields. [BOLT 12, "Invoices", which has them all]
enum : uint64_t {
  invreq_metadata = 0, offer_chains = 2, offer_metadata = 4, offer_currency = 6, offer_amount = 8, offer_description = 10, offer_features = 12, offer_absolute_expiry = 14,
  offer_paths = 16, offer_issuer = 18, offer_quantity_max = 20, offer_issuer_id = 22,
  invreq_chain = 80, invreq_amount = 82, invreq_features = 84, invreq_quantity = 86, invreq_payer_id = 88, invreq_payer_note = 89, invreq_paths = 90, invreq_bip_353_name = 91,
  invoice_paths = 160, invoice_blindedpay = 162, invoice_created_at = 164, invoice_relative_expiry = 166, invoice_payment_hash = 168, invoice_amount = 170, invoice_fallbacks = 172,
  invoice_features = 174, invoice_node_id = 176, signature = 240
};
constexpr uint64_t known_even_of_invoices[] = {
    invreq_metadata, offer_chains, offer_metadata, offer_currency, offer_amount, offer_description, offer_features, offer_absolute_expiry, offer_paths, offer_issuer, offer_quantity_max,
    offer_issuer_id, invreq_chain, invreq_amount, invreq_features, invreq_quantity, invreq_payer_id, invreq_paths, invoice_paths, invoice_blindedpay, invoice_created_at,
    invoice_relative_expiry, invoice_payment_hash, invoice_amount, invoice_fallbacks, invoice_features, invoice_node_id, signature};
constexpr unsigned mpp_compulsory = 16;
constexpr uint64_t most_seconds = uint64_t{1} << 40;  // the year 36,000: sums of two of them cannot overflow

constexpr bool is_of_offer(uint64_t type) { return (type >= 1 && type <= 79) || (type >= 1'000'000'000 && type <= 1'999'999'999); }

[[noreturn]] void refuse(const std::string& why) { throw Error(Exit::data, why); }

// Throws Error(data) with `what` before the reason.
template <class F>
auto about(const char* what, F f) {
  try {
    return f();
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    throw Error(Exit::data, fmt::format("the {} {}", what, e.what()));
  }
}

const Bytes* find(const std::vector<Tlv>& fields, uint64_t type) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Tlv& t) { return t.type == type; });
  return found == fields.end() ? nullptr : &found->value;
}

const Bytes& need(const std::vector<Tlv>& fields, uint64_t type, const char* name) {
  const Bytes* value = find(fields, type);
  if (!value) refuse(fmt::format("has no {}", name));
  return *value;
}

template <size_t n>
std::array<uint8_t, n> fixed(BytesView value) {
  if (value.size() != n) refuse(fmt::format("has a field of {} bytes that must have {}", value.size(), n));
  std::array<uint8_t, n> out;
  std::copy(value.begin(), value.end(), out.begin());
  return out;
}

NodeKey point(BytesView value) {
  const auto key = fixed<33>(value);
  if (!is_on_curve(key)) refuse("names a public key that is not a point of secp256k1");
  return key;
}

std::optional<uint64_t> number(const std::vector<Tlv>& fields, uint64_t type) {
  const Bytes* value = find(fields, type);
  return value ? std::optional(truncated_number(*value)) : std::nullopt;
}

std::string utf8(BytesView value) {
  std::string text(as_text(value));
  if (json::clean_text(text, text.size()) != text) refuse("has a text that is not UTF-8");
  return text;
}

// Features are a big-endian bit field. Unknown odd bits do not matter.
std::optional<unsigned> unknown_even_bit(BytesView features, std::optional<unsigned> known = {}) {
  for (size_t i = 0; i < features.size(); ++i)
    for (unsigned bit = 0; bit < 8; bit += 2) {
      const unsigned n = static_cast<unsigned>(8 * (features.size() - 1 - i)) + bit;
      if ((features[i] >> bit & 1) != 0 && known != n) return n;
    }
  return {};
}

void check_features(const std::vector<Tlv>& fields, uint64_t type, std::optional<unsigned> known = {}) {
  const Bytes* value = find(fields, type);
  if (const auto bit = value ? unknown_even_bit(*value, known) : std::nullopt) refuse(fmt::format("needs feature {}, which is unknown", *bit));
}

// A list of blinded paths (BOLT 4); returns the last hop of each.
std::vector<NodeKey> read_paths(BytesView value) {
  std::vector<NodeKey> ends;
  Cursor in(value);
  do {
    if (in.peek() < 2) in.take(9);  // direction and short channel id
    else point(in.take(33));
    point(in.take(33));  // path key
    const uint64_t hops = in.number(1);
    if (hops == 0) refuse("has a path without hops");
    for (uint64_t i = 0; i < hops; ++i) {
      const NodeKey hop = point(in.take(33));
      in.take(in.number(2));
      if (i + 1 == hops) ends.push_back(hop);
    }
  } while (!in.is_at_end());
  return ends;
}

// One entry for each path; of these at least one must be of use.
void check_payinfos(BytesView value, size_t paths) {
  size_t entries = 0, usable = 0;
  for (Cursor in(value); !in.is_at_end(); ++entries) {
    in.take(4 + 4 + 2 + 8 + 8);
    if (!unknown_even_bit(in.take(in.number(2)))) ++usable;
  }
  if (entries != paths) refuse(fmt::format("says of {} paths what they cost, but has {}", entries, paths));
  if (usable == 0) refuse("has no path without unknown features");
}

std::vector<ChainHash> read_chains(BytesView value) {
  if (value.empty()) refuse("names no chain");
  std::vector<ChainHash> out;
  for (Cursor in(value); !in.is_at_end();) out.push_back(fixed<32>(in.take(32)));
  return out;
}

// What offers and invoices have in common: the fields of the offer.
Offer read_offer_fields(std::vector<Tlv> all) {
  Offer out;
  out.fields = std::move(all);
  const auto& f = out.fields;
  if (const Bytes* chains = find(f, offer_chains)) out.chains = read_chains(*chains);
  if (const Bytes* currency = find(f, offer_currency)) {
    out.currency = utf8(*currency);
    if (out.currency->size() != 3 || !std::all_of(out.currency->begin(), out.currency->end(), [](char c) { return c >= 'A' && c <= 'Z'; })) refuse("has a currency that is not three letters");
  }
  out.amount = number(f, offer_amount);
  const Bytes* description = find(f, offer_description);
  if (description) utf8(*description);
  check_features(f, offer_features);
  out.expires_at = number(f, offer_absolute_expiry);
  if (const Bytes* paths = find(f, offer_paths)) out.path_ends = read_paths(*paths);
  if (const Bytes* issuer = find(f, offer_issuer)) utf8(*issuer);
  out.quantity_max = number(f, offer_quantity_max);
  if (const Bytes* id = find(f, offer_issuer_id)) out.issuer = point(*id);
  if (out.amount && *out.amount == 0) refuse("asks for nothing");
  if (out.amount && !description) refuse("asks for an amount without saying what for");
  if (out.currency && !out.amount) refuse("names a currency without an amount");
  if (!out.issuer && out.path_ends.empty()) refuse("names neither its issuer nor a path to him");
  return out;
}

Msat amount_of(const Bytes& value) {
  const uint64_t n = truncated_number(value);
  const Msat amount(n > INT64_MAX ? -1 : static_cast<int64_t>(n));
  if (!is_money(amount) || amount.is_zero()) refuse("asks for an amount that cannot exist");
  return amount;
}

int64_t seconds(uint64_t n) {
  if (n > most_seconds) refuse("has a time that is not of this world");
  return static_cast<int64_t>(n);
}

bool is_digit_of_text(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// "Encoding": one case, pieces joined by + and white space, each + between two characters of the text.
std::string in_one_piece(std::string_view text, size_t most) {
  if (text.size() > most) refuse(fmt::format("has more than {} characters", most));
  std::string out;
  bool lower = false, upper = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      while (i + 1 < text.size() && (text[i + 1] == ' ' || text[i + 1] == '\t' || text[i + 1] == '\r' || text[i + 1] == '\n')) ++i;
      if (out.empty() || i + 1 == text.size() || text[i + 1] == '+') refuse("has a + that joins nothing");
      continue;
    }
    lower |= text[i] >= 'a' && text[i] <= 'z', upper |= text[i] >= 'A' && text[i] <= 'Z';
    out += static_cast<char>(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    if (!is_digit_of_text(out.back())) refuse("has a character that is not of its alphabet");
  }
  if (lower && upper) refuse("has upper and lower case");
  return out;
}

struct Decoded {
  std::string text;
  std::vector<Tlv> fields;
};
Decoded decode(std::string_view text, std::string_view prefix, size_t most) {
  constexpr std::string_view scheme = "lightning:";
  if (text.size() > scheme.size() && std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); }))
    text.remove_prefix(scheme.size());
  Decoded out{in_one_piece(text, most), {}};
  if (!out.text.starts_with(prefix)) refuse(fmt::format("does not start with {}", prefix));
  const auto values = bitcoin::bech32_values(std::string_view(out.text).substr(prefix.size()));
  if (!values) refuse("has a character that is not of its alphabet");
  const auto bytes = bitcoin::five_to_eight(*values);
  if (!bytes) refuse("does not hold whole bytes");
  if (bytes->empty()) refuse("is empty");
  out.fields = read_tlvs(*bytes);
  return out;
}

std::string sentence_about_expiry(int64_t expires_at, int64_t now, int64_t least_left) {
  if (expires_at <= now) return fmt::format("the invoice expired {} s ago", now - expires_at);
  if (expires_at - now < least_left) return fmt::format("the invoice expires in {} s, which is too soon", expires_at - now);
  return "";
}

std::vector<Tlv> of_offer(const std::vector<Tlv>& fields) {
  std::vector<Tlv> out;
  std::copy_if(fields.begin(), fields.end(), std::back_inserter(out), [](const Tlv& t) { return is_of_offer(t.type); });
  return out;
}

Bolt12Invoice read_invoice_fields(Decoded decoded) {
  Bolt12Invoice out;
  const std::vector<Tlv>& f = decoded.fields;
  for (const Tlv& t : f)
    if (t.type % 2 == 0 && std::find(std::begin(known_even_of_invoices), std::end(known_even_of_invoices), t.type) == std::end(known_even_of_invoices))
      refuse(fmt::format("has the unknown field {}", t.type));
  // The signature first: what nobody has signed is not worth a closer look.
  out.payee = point(need(f, invoice_node_id, "node id"));
  if (!verify_schnorr(signed_digest(f, "invoice"), fixed<64>(need(f, signature, "signature")), out.payee)) refuse("is not signed by the node that it names");
  read_offer_fields(of_offer(f));
  need(f, invreq_metadata, "metadata of a request"), point(need(f, invreq_payer_id, "payer id"));
  check_features(f, invreq_features), check_features(f, invoice_features, mpp_compulsory);
  const Bytes* chain = find(f, invreq_chain);
  out.chain = chain ? fixed<32>(*chain) : chain_hash(bitcoin::Network::main);
  out.asked_amount = number(f, invreq_amount), out.asked_quantity = number(f, invreq_quantity);
  if (const Bytes* note = find(f, invreq_payer_note)) out.note = utf8(*note);
  if (const Bytes* paths = find(f, invreq_paths)) read_paths(*paths);
  check_payinfos(need(f, invoice_blindedpay, "costs of its paths"), read_paths(need(f, invoice_paths, "paths")).size());
  out.created_at = seconds(truncated_number(need(f, invoice_created_at, "time")));
  if (const Bytes* expiry = find(f, invoice_relative_expiry)) out.expiry_seconds = static_cast<int64_t>(truncated_number(*expiry, 4));
  out.payment_hash = fixed<32>(need(f, invoice_payment_hash, "payment hash"));
  out.amount = amount_of(need(f, invoice_amount, "amount"));
  out.text = std::move(decoded.text), out.fields = std::move(decoded.fields);
  return out;
}

}  // namespace

bool is_bolt12_invoice(std::string_view text) { return text.starts_with("lni1"); }

ChainHash chain_hash(bitcoin::Network network) {
  const char* hex = nullptr;
  switch (network) {
    case bitcoin::Network::main: hex = "6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"; break;
    case bitcoin::Network::testnet4: hex = "43f08bdab050e35b567c864b91f47f50ae725ae2de53bcfbbaf284da00000000"; break;
    case bitcoin::Network::signet: hex = "f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000"; break;
    case bitcoin::Network::regtest:
    case bitcoin::Network::dev: hex = "06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f"; break;
  }
  ChainHash out{};
  if (!hex || !from_hex(hex, out)) throw Error(Exit::software, "unknown network");
  return out;
}

Offer decode_offer(std::string_view text) {
  return about("offer", [&] {
    Decoded decoded = decode(text, "lno1", max_offer_text);
    for (const Tlv& t : decoded.fields) {
      if (!is_of_offer(t.type)) refuse(fmt::format("has the field {}, which is not one of offers", t.type));
      if (t.type % 2 == 0 && (t.type > offer_issuer_id)) refuse(fmt::format("has the unknown field {}", t.type));
    }
    Offer out = read_offer_fields(std::move(decoded.fields));
    out.text = std::move(decoded.text);
    return out;
  });
}

Bolt12Invoice decode_bolt12_invoice(std::string_view text) {
  return about("invoice", [&] { return read_invoice_fields(decode(text, "lni1", max_bolt12_invoice_text)); });
}

std::string refuse_offer(const Offer& offer, bitcoin::Network network, Msat amount, int64_t now_seconds) {
  const ChainHash wanted = chain_hash(network), bitcoin = chain_hash(bitcoin::Network::main);
  const bool takes = offer.chains.empty() ? wanted == bitcoin : std::find(offer.chains.begin(), offer.chains.end(), wanted) != offer.chains.end();
  if (!takes) return fmt::format("the offer is not for the network {}", bitcoin::network_name(network));
  if (offer.currency) return fmt::format("the offer's amount is in {}, and only offers in bitcoin or without an amount can be paid", *offer.currency);
  if (offer.amount && *offer.amount > static_cast<uint64_t>(amount.count())) return fmt::format("the offer asks for {} msat or more, not {}", *offer.amount, amount.count());
  if (offer.expires_at && *offer.expires_at < static_cast<uint64_t>(now_seconds)) return "the offer has expired";
  return "";
}

std::string refuse_bolt12_invoice(const Bolt12Invoice& invoice, const Offer& offer, bitcoin::Network network, Msat amount, std::string_view note, int64_t now_seconds,
                                  int64_t least_seconds_left) {
  if (of_offer(invoice.fields) != offer.fields) return "the invoice is for another offer";
  const bool is_issuer = offer.issuer ? invoice.payee == *offer.issuer : std::find(offer.path_ends.begin(), offer.path_ends.end(), invoice.payee) != offer.path_ends.end();
  if (!is_issuer) return fmt::format("the invoice is signed by {}, who is not the offer's issuer", to_hex(invoice.payee));
  if (invoice.chain != chain_hash(network)) return fmt::format("the invoice is not for the network {}", bitcoin::network_name(network));
  if (invoice.amount != amount) return fmt::format("the invoice asks for {} msat, not {}", invoice.amount.count(), amount.count());
  if (invoice.asked_amount != static_cast<uint64_t>(amount.count()) || invoice.asked_quantity != (offer.quantity_max ? std::optional<uint64_t>(1) : std::nullopt) || invoice.note != note)
    return "the invoice answers another request (its amount, quantity or note is not what was asked)";
  return sentence_about_expiry(invoice.expires_at(), now_seconds, least_seconds_left);
}

std::string encode_bolt12(std::string_view prefix, const std::vector<Tlv>& fields) {
  Bytes bytes;
  for (const Tlv& t : fields) {
    const Bytes encoded = t.encoded();
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  }
  return fmt::format("{}1{}", prefix, bitcoin::bech32_text(bitcoin::eight_to_five(bytes)));
}

std::vector<Tlv> sign_bolt12(std::vector<Tlv> fields, std::string_view message, const std::array<uint8_t, 32>& key) {
  const auto made = sign_schnorr(signed_digest(fields, message), key);
  if (!made) throw Error(Exit::software, "the key is not a secret key of secp256k1");
  const auto place = std::find_if(fields.begin(), fields.end(), [](const Tlv& t) { return t.type > signature; });
  fields.insert(place, {signature, Bytes(made->begin(), made->end())});
  return fields;
}

}  // namespace hh::lightning

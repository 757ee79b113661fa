// BOLT 12 offers and the invoices that are given for them, read strictly: what a payer must know before it may send money.
//
// An offer is where a payee can be asked; a node asks over onion messages and hands us the invoice (Core Lightning's fetchinvoice). We believe neither the
// node nor the payee: an invoice is taken only where it is signed by the offer's issuer (or by the end of one of its paths, where it names no
// issuer), repeats every field of the offer as it was, and says back the amount, quantity and note that it was asked with.
//
// Stricter than the specification: bits that are left over at the end of the text must be zero, and what a request may choose is chosen here: amount, note, and one
// item where the offer wants a number of items.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lightning/bolt11.h"
#include "lightning/tlv.h"

namespace hh::lightning {

inline constexpr size_t max_offer_text = 2048, max_bolt12_invoice_text = 32'768;  // characters

using ChainHash = std::array<uint8_t, 32>;  // of the genesis block, in the order of its bytes

struct Offer {
  std::string text;  // lower case, in one piece, without "lightning:"
  std::vector<Tlv> fields;
  std::vector<ChainHash> chains;         // none: Bitcoin
  std::optional<std::string> currency;   // ISO 4217: then `amount` is in units of that
  std::optional<uint64_t> amount;        // least for one item, msat
  std::optional<uint64_t> expires_at;    // unix seconds
  std::optional<uint64_t> quantity_max;  // 0: any number of items; none: it is not about items
  std::optional<NodeKey> issuer;
  std::vector<NodeKey> path_ends;        // who is at the end of its paths, by the name that the path has for him
};

struct Bolt12Invoice {
  std::string text;
  std::vector<Tlv> fields;
  ChainHash chain{};
  Msat amount;
  PaymentHash payment_hash{};
  NodeKey payee{};  // who has signed it
  int64_t created_at = 0, expiry_seconds = 7200;
  std::optional<uint64_t> asked_amount, asked_quantity;
  std::string note;

  int64_t expires_at() const { return created_at + expiry_seconds; }
};

// Either case, "lightning:" before it, and + with white space between its pieces. Throw Error(data) with what is wrong, never with the text itself.
Offer decode_offer(std::string_view text);
Bolt12Invoice decode_bolt12_invoice(std::string_view text);  // also where its signature is wrong

bool is_bolt12_invoice(std::string_view text);  // begins as one does, in lower case

ChainHash chain_hash(bitcoin::Network network);

// Why this offer cannot be paid that amount, or "" where it may: other network, other currency, asks for more, has expired.
std::string refuse_offer(const Offer& offer, bitcoin::Network network, Msat amount, int64_t now_seconds);

// Why this invoice may not be paid for that offer, or "" where it may. note: what it was asked with.
std::string refuse_bolt12_invoice(const Bolt12Invoice& invoice, const Offer& offer, bitcoin::Network network, Msat amount, std::string_view note, int64_t now_seconds,
                                  int64_t least_seconds_left);

// The other way round, for whoever makes offers and invoices (tests).
std::string encode_bolt12(std::string_view prefix, const std::vector<Tlv>& fields);
// The fields and their signature. key: a valid secp256k1 secret key (throws Error(software) otherwise).
std::vector<Tlv> sign_bolt12(std::vector<Tlv> fields, std::string_view message, const std::array<uint8_t, 32>& key);

}  // namespace hh::lightning

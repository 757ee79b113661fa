// BOLT 11 invoices, read strictly: what a payer must know before it may send money.
//
// Stricter than the specification where two readers could disagree about what is paid: a repeated p, s, n, d, h, x, c or 9 field is refused
// ("first one counts" is not what every node does), and so are non-zero padding bits and numbers with leading zeros. The text "MUST fail
// the payment if any field with fixed data_length … does not have the correct length" is followed to the letter.
// The payee's key is recovered from the signature, or checked against the n field where there is one.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.h"
#include "base/hex.h"
#include "bitcoin/address.h"

namespace hh::lightning {

using PaymentHash = std::array<uint8_t, 32>;
using Preimage = std::array<uint8_t, 32>;
using NodeKey = std::array<uint8_t, 33>;  // compressed secp256k1 point

inline constexpr size_t max_invoice_size = 7089;  // characters: what a QR code of version 40 holds, the most that wallets exchange

struct Invoice {
  std::string text;      // lower case, without "lightning:"
  std::string currency;  // "bc", "tb", "tbs", "bcrt"
  std::optional<Msat> amount;  // none: the payer chooses. We never pay such invoices
  PaymentHash payment_hash{};
  std::array<uint8_t, 32> payment_secret{};
  NodeKey payee{};
  int64_t timestamp = 0;       // unix seconds
  int64_t expiry_seconds = 3600;
  int64_t min_final_cltv_delta = 18;
  std::optional<std::string> description;
  std::optional<std::array<uint8_t, 32>> description_hash;
  bool basic_mpp = false;      // may be paid in parts
  std::vector<Bytes> fallbacks;  // scriptPubKeys to pay on chain instead, in the payee's order of preference; unknown kinds are left out

  int64_t expires_at() const { return timestamp + expiry_seconds; }  // unix seconds; first second at which it may not be paid
};

// Accepts a "lightning:" prefix and either case. Throws Error(data) with what is wrong, never with the invoice itself.
Invoice decode_bolt11(std::string_view text);

// The currency of invoices on a network: main "bc", testnet4 "tb", signet "tbs", regtest and dev "bcrt".
std::string_view invoice_currency(bitcoin::Network network);

// Why this invoice may not be paid, or "" where it may: other network, no amount or another amount, expired or about to expire.
std::string refuse_invoice(const Invoice& invoice, bitcoin::Network network, Msat amount, int64_t now_seconds, int64_t least_seconds_left);

std::optional<NodeKey> parse_node_key(std::string_view hex);  // nullopt unless 66 hex digits of a point on the curve

// What the simulated wallet and the tests sign invoices from. Fields left out are written only where they are set.
struct NewInvoice {
  std::string currency = "bcrt";
  std::optional<Msat> amount;
  PaymentHash payment_hash{};
  std::array<uint8_t, 32> payment_secret{};
  int64_t timestamp = 0;
  std::optional<int64_t> expiry_seconds;
  std::string description;  // used where there is no hash
  std::optional<std::array<uint8_t, 32>> description_hash;
  std::optional<Bytes> fallback;  // version (17: p2pkh, 18: p2sh, else that of a witness program), then the hash or program
  Bytes features{8 + 1, 14 + 1};  // bit numbers: var_onion_optin, payment_secret; both optional
};
// key: a valid secp256k1 secret key (throws Error(software) otherwise).
std::string encode_bolt11(const NewInvoice& fields, const std::array<uint8_t, 32>& key);

}  // namespace hh::lightning

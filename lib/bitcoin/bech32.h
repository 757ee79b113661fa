// Bech32 (BIP173) and bech32m (BIP350): text with a checksum over values of 5 bits each; and the regrouping between those and bytes.
//
// The limit of 90 characters is what makes the checksum's guarantees hold: up to there it finds any four wrong characters. Addresses keep it. BOLT 11
// invoices and LNURL (LUD-01) lift it; with them the checksum only catches accidents, and whoever reads them names a limit of their own.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/hex.h"

namespace hh::bitcoin {

inline constexpr size_t max_bech32_text = 90;  // BIP173, "Bech32"

enum class Bech32 { bech32, bech32m };
struct Bech32Text {
  Bech32 encoding;
  std::string prefix;  // lower case
  Bytes values;        // without the checksum
};
// nullopt: more than max_size characters, mixed case, no separator, a character outside the alphabet, or a checksum of neither kind.
std::optional<Bech32Text> bech32_decode(std::string_view text, size_t max_size = max_bech32_text);
std::string bech32_encode(Bech32 encoding, std::string_view prefix, BytesView values);

// The values of text that has neither prefix nor checksum (BOLT 12), lower case. nullopt: a character outside the alphabet.
std::optional<Bytes> bech32_values(std::string_view text);
std::string bech32_text(BytesView values);  // the other way round

// Whole bytes only, as BIP173 wants it: left-over bits must be fewer than 5 and zero, else nullopt.
std::optional<Bytes> five_to_eight(BytesView values);
// Left-over bits are filled up to a byte with zeros: what BOLT 11 signs.
Bytes five_to_eight_padded(BytesView values);
Bytes eight_to_five(BytesView bytes);  // filled up with zero bits

}  // namespace hh::bitcoin

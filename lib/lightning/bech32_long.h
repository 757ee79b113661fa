// Bech32 (BIP173) without its 90-character limit, as BOLT 11 invoices and LNURL (LUD-01) use it.
//
// The 90-character limit is what makes the checksum's guarantees hold, so lib/bitcoin keeps it for addresses. Here the checksum only catches
// accidents: an invoice also carries a signature, and an LNURL is a web address.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/hex.h"

namespace hh::lightning {

struct LongBech32 {
  std::string prefix;  // lower case
  Bytes values;        // 5 bits each, without the checksum
};

// nullopt: mixed case, no separator, a character outside the alphabet, wrong checksum, or more than max_size characters.
std::optional<LongBech32> long_bech32_decode(std::string_view text, size_t max_size);
std::string long_bech32_encode(std::string_view prefix, BytesView values);

// Regroups 5-bit values to bytes. strict: left-over bits must be fewer than 5 and zero, else nullopt; otherwise they are padded to a byte.
std::optional<Bytes> five_to_eight_strict(BytesView values);
Bytes five_to_eight_padded(BytesView values);
Bytes eight_to_five(BytesView bytes);  // padded with zero bits

}  // namespace hh::lightning

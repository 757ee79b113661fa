// TLV streams (BOLT 1, "Type-Length-Value Format") and what BOLT 12 signs of them.
//
// Offers and their invoices are such streams. Read strictly: BigSize numbers have their shortest form, types rise, nothing is cut off or left over.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/hex.h"
#include "crypto/digest.h"

namespace hh::lightning {

struct Tlv {
  uint64_t type = 0;
  Bytes value;
  bool operator==(const Tlv&) const = default;
  Bytes encoded() const;  // type, length, value
};

// Throws Error(data): "ends within …", "has a number that …".
std::vector<Tlv> read_tlvs(BytesView bytes);

// What is left of a value, taken apart from the front. Each throws Error(data) where there is not enough of it.
class Cursor {
 public:
  explicit Cursor(BytesView bytes) : left_(bytes) {}
  bool is_at_end() const { return left_.empty(); }
  uint8_t peek() const;
  BytesView take(size_t size);
  uint64_t number(size_t size);  // big endian
  uint64_t big_size();

 private:
  BytesView left_;
};

Bytes big_size(uint64_t n);
// tu64: big endian without leading zeros, at most `most_bytes`. Throws Error(data).
uint64_t truncated_number(BytesView value, size_t most_bytes = 8);
Bytes truncated_number(uint64_t n);

// BOLT 12, "Signature Calculation". Types 240 to 1000 are signatures, which sign the others.
constexpr bool is_signature(uint64_t type) { return type >= 240 && type <= 1000; }
// The root over what is not a signature. REQUIRES that there is any.
crypto::Digest merkle_root(const std::vector<Tlv>& stream);
// What a key signs: the root under the tag "lightning" ‖ message ‖ field.
crypto::Digest signed_digest(const std::vector<Tlv>& stream, std::string_view message, std::string_view field = "signature");

}  // namespace hh::lightning

// Stratum V2: what the fields of messages are made of (sv2-spec, 3.1 "Data Types Mapping"), as C++ types that cannot be mixed up.
//
//   BOOL bool · U8 U16 U32 U64 unsigned integers · STR0_255 std::string · OPTION[U32] std::optional<uint32_t> · SEQ Seq<T, bytes of its length>
//   U256 U256 · B0_32 SmallBytes · B0_255 B0_64K B0_16M Blob<bytes of its length> · F32 F32
// Multi-byte numbers are little-endian on the wire.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/hex.h"

namespace hh::stratum::v2 {

// 32 bytes as they are on the wire: hashes, targets (least significant byte first), Merkle nodes.
using U256 = std::array<uint8_t, 32>;

// At most 32 bytes, without a heap: extranonces come with every share.
class SmallBytes {
 public:
  SmallBytes() = default;
  explicit SmallBytes(BytesView bytes) {
    if (bytes.size() > bytes_.size()) throw Error(Exit::software, "more than 32 bytes");
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    size_ = static_cast<uint8_t>(bytes.size());
  }
  BytesView view() const { return {bytes_.data(), size_}; }
  size_t size() const { return size_; }
  bool operator==(const SmallBytes& o) const { return std::equal(view().begin(), view().end(), o.view().begin(), o.view().end()); }

 private:
  std::array<uint8_t, 32> bytes_{};
  uint8_t size_ = 0;
};

// Bytes whose number stands before them in `length_bytes` bytes.
template <size_t length_bytes>
struct Blob {
  static constexpr size_t most = (size_t{1} << (8 * length_bytes)) - 1;
  Bytes bytes;
  bool operator==(const Blob&) const = default;
};
using Blob255 = Blob<1>;
using Blob64K = Blob<2>;
using Blob16M = Blob<3>;

template <class T, size_t length_bytes>
struct Seq {
  static constexpr size_t most = (size_t{1} << (8 * length_bytes)) - 1;
  std::vector<T> items;
  bool operator==(const Seq&) const = default;
};
using PathOfU256 = Seq<U256, 1>;    // SEQ0_255[U256]
using ListOfU16 = Seq<uint16_t, 2>;
using ListOfU32 = Seq<uint32_t, 2>;
using ListOfU256 = Seq<U256, 2>;
using ListOfBlob16M = Seq<Blob16M, 2>;

// A hash rate as its sender guesses it, in hashes a second. It is nobody's money or weight, and is only ever read as an integer.
struct F32 {
  uint32_t bits = 0;  // IEEE 754
  static F32 from_hashes_per_second(uint64_t rate) { return {std::bit_cast<uint32_t>(static_cast<float>(rate))}; }
  // Rounded down; 0 for what is negative, below one or no number, the largest for what does not fit.
  uint64_t hashes_per_second() const {
    const int exponent = static_cast<int>(bits >> 23 & 0xff) - 127;
    const uint64_t mantissa = (bits & 0x7fffff) | 0x800000;
    if ((bits >> 31) != 0 || exponent < 0 || (exponent == 128 && (bits & 0x7fffff) != 0)) return 0;
    if (exponent > 63) return UINT64_MAX;
    return exponent >= 23 ? mantissa << (exponent - 23) : mantissa >> (23 - exponent);
  }
  bool operator==(const F32&) const = default;
};

}  // namespace hh::stratum::v2

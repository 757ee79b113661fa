// Bitcoin's serialisation: little-endian integers, CompactSize lengths, and a reader that cannot be led past its input.
#pragma once
#include <cstdint>

#include "base/hex.h"
#include "bitcoin/hash.h"

namespace hh::bitcoin {

// Appends to out.
void put_u16(Bytes& out, uint16_t n);
void put_u32(Bytes& out, uint32_t n);
void put_u64(Bytes& out, uint64_t n);
void put_compact_size(Bytes& out, uint64_t n);
void put_bytes(Bytes& out, BytesView bytes);
void put_var_bytes(Bytes& out, BytesView bytes);  // CompactSize of the length, then the bytes

// Takes from the front of its input. Every function throws Error(data) where the input is too short, naming what was read.
class Reader {
 public:
  explicit Reader(BytesView input) : input_(input) {}
  size_t left() const { return input_.size() - at_; }
  size_t position() const { return at_; }
  uint8_t peek(size_t ahead = 0) const;  // 0 past the end
  uint8_t u8();
  uint16_t u16();
  uint32_t u32();
  uint64_t u64();
  Hash256 hash();
  // Refuses encodings longer than needed, as Bitcoin Core does.
  uint64_t compact_size();
  // A count of items of at least min_size bytes each: refuses what cannot fit in the rest of the input, so that nobody's count makes
  // us reserve more memory than they sent bytes.
  size_t count(size_t min_size, const char* what);
  BytesView bytes(size_t n);
  BytesView var_bytes();
  void expect_end(const char* what) const;  // refuses trailing bytes

 private:
  BytesView input_;
  size_t at_ = 0;
};

}  // namespace hh::bitcoin

#include "bitcoin/wire.h"

#include "base/error.h"

namespace hh::bitcoin {

namespace {

template <class T>
void put_little_endian(Bytes& out, T n) {
  for (size_t i = 0; i < sizeof n; ++i) out.push_back(static_cast<uint8_t>(n >> (8 * i)));
}

uint64_t little_endian(BytesView b) {
  uint64_t n = 0;
  for (size_t i = 0; i < b.size(); ++i) n |= static_cast<uint64_t>(b[i]) << (8 * i);
  return n;
}

}  // namespace

void put_u16(Bytes& out, uint16_t n) { put_little_endian(out, n); }
void put_u32(Bytes& out, uint32_t n) { put_little_endian(out, n); }
void put_u64(Bytes& out, uint64_t n) { put_little_endian(out, n); }

void put_compact_size(Bytes& out, uint64_t n) {
  if (n < 0xfd) {
    out.push_back(static_cast<uint8_t>(n));
  } else if (n <= 0xffff) {
    out.push_back(0xfd);
    put_u16(out, static_cast<uint16_t>(n));
  } else if (n <= 0xffffffff) {
    out.push_back(0xfe);
    put_u32(out, static_cast<uint32_t>(n));
  } else {
    out.push_back(0xff);
    put_u64(out, n);
  }
}

void put_bytes(Bytes& out, BytesView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put_var_bytes(Bytes& out, BytesView bytes) {
  put_compact_size(out, bytes.size());
  put_bytes(out, bytes);
}

BytesView Reader::bytes(size_t n) {
  if (n > left()) {
    throw Error(Exit::data, "ends too early: " + std::to_string(n) + " bytes expected at byte " + std::to_string(at_) + ", " + std::to_string(left()) +
                                " are left");
  }
  const BytesView b = input_.subspan(at_, n);
  at_ += n;
  return b;
}

uint8_t Reader::peek(size_t ahead) const { return ahead < left() ? input_[at_ + ahead] : uint8_t{0}; }
uint8_t Reader::u8() { return bytes(1)[0]; }
uint16_t Reader::u16() { return static_cast<uint16_t>(little_endian(bytes(2))); }
uint32_t Reader::u32() { return static_cast<uint32_t>(little_endian(bytes(4))); }
uint64_t Reader::u64() { return little_endian(bytes(8)); }

Hash256 Reader::hash() {
  Hash256 h;
  const BytesView b = bytes(h.bytes.size());
  std::copy(b.begin(), b.end(), h.bytes.begin());
  return h;
}

uint64_t Reader::compact_size() {
  const uint8_t first = u8();
  if (first < 0xfd) return first;
  const size_t width = first == 0xfd ? 2 : first == 0xfe ? 4 : 8;
  const uint64_t n = little_endian(bytes(width));
  const uint64_t least = first == 0xfd ? 0xfd : first == 0xfe ? 0x10000 : 0x100000000;
  if (n < least) throw Error(Exit::data, "CompactSize " + std::to_string(n) + " before byte " + std::to_string(at_) + " is longer than needed");
  return n;
}

size_t Reader::count(size_t min_size, const char* what) {
  const uint64_t n = compact_size();
  if (n > left() / min_size) throw Error(Exit::data, "claims " + std::to_string(n) + " " + what + ", more than its " + std::to_string(left()) + " bytes can hold");
  return static_cast<size_t>(n);
}

BytesView Reader::var_bytes() { return bytes(count(1, "bytes")); }

void Reader::expect_end(const char* what) const {
  if (left()) throw Error(Exit::data, std::to_string(left()) + " bytes follow the " + what);
}

}  // namespace hh::bitcoin

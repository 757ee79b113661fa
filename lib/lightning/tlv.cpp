#include "lightning/tlv.h"

#include <algorithm>

#include "base/error.h"

namespace hh::lightning {
namespace {

using crypto::Digest;

[[noreturn]] void refuse(const char* why) { throw Error(Exit::data, why); }

void append(Bytes& to, BytesView more) { to.insert(to.end(), more.begin(), more.end()); }

void append_number(Bytes& to, uint64_t n, size_t size) {
  for (size_t i = size; i-- > 0;) to.push_back(static_cast<uint8_t>(n >> (8 * i)));
}

// BIP340: SHA256(SHA256(tag) ‖ SHA256(tag) ‖ message).
Digest tagged(BytesView tag, std::initializer_list<BytesView> message) {
  const Digest hashed = crypto::sha256(tag);
  crypto::Sha256 hash;
  hash.update(hashed).update(hashed);
  for (const BytesView part : message) hash.update(part);
  return hash.finish();
}

Digest branch(const Digest& a, const Digest& b) { return tagged(as_bytes("LnBranch"), {std::min(a, b), std::max(a, b)}); }

}  // namespace

uint8_t Cursor::peek() const {
  if (left_.empty()) refuse("ends within a field");
  return left_[0];
}

BytesView Cursor::take(size_t size) {
  if (left_.size() < size) refuse("ends within a field");
  const BytesView out = left_.first(size);
  left_ = left_.subspan(size);
  return out;
}

uint64_t Cursor::number(size_t size) {
  uint64_t n = 0;
  for (const uint8_t byte : take(size)) n = n << 8 | byte;
  return n;
}

uint64_t Cursor::big_size() {
  const uint64_t first = number(1);
  if (first < 0xfd) return first;
  const size_t size = size_t{2} << (first - 0xfd);
  const uint64_t n = number(size), least = first == 0xfd ? 0xfd : uint64_t{1} << (4 * size);
  if (n < least) refuse("has a number that is not in its shortest form");
  return n;
}

Bytes big_size(uint64_t n) {
  if (n < 0xfd) return {static_cast<uint8_t>(n)};
  const size_t size = n < 0x10000 ? 2 : n < 0x100000000 ? 4 : 8;
  Bytes out{static_cast<uint8_t>(size == 2 ? 0xfd : size == 4 ? 0xfe : 0xff)};
  append_number(out, n, size);
  return out;
}

uint64_t truncated_number(BytesView value, size_t most_bytes) {
  if (value.size() > most_bytes) refuse("has a number that is too long");
  if (!value.empty() && value[0] == 0) refuse("has a number that is not in its shortest form");
  return Cursor(value).number(value.size());
}

Bytes truncated_number(uint64_t n) {
  Bytes out;
  append_number(out, n, 8);
  out.erase(out.begin(), std::find_if(out.begin(), out.end(), [](uint8_t byte) { return byte != 0; }));
  return out;
}

Bytes Tlv::encoded() const {
  Bytes out = big_size(type);
  append(out, big_size(value.size()));
  append(out, value);
  return out;
}

std::vector<Tlv> read_tlvs(BytesView bytes) {
  std::vector<Tlv> out;
  for (Cursor in(bytes); !in.is_at_end();) {
    const uint64_t type = in.big_size(), size = in.big_size();
    if (!out.empty() && type <= out.back().type) refuse("has fields that are not in ascending order");
    const BytesView value = in.take(size);
    out.push_back({type, Bytes(value.begin(), value.end())});
  }
  return out;
}

Digest merkle_root(const std::vector<Tlv>& stream) {
  Bytes nonce_tag(as_bytes("LnNonce").begin(), as_bytes("LnNonce").end());
  std::vector<Digest> level;
  for (const Tlv& tlv : stream) {
    if (is_signature(tlv.type)) continue;
    const Bytes encoded = tlv.encoded();
    if (level.empty()) append(nonce_tag, encoded);
    level.push_back(branch(tagged(as_bytes("LnLeaf"), {encoded}), tagged(nonce_tag, {big_size(tlv.type)})));
  }
  if (level.empty()) throw Error(Exit::software, "the root of no fields");
  // Pairs from the left; what is left over goes up as it is.
  while (level.size() > 1) {
    std::vector<Digest> next;
    for (size_t i = 0; i + 1 < level.size(); i += 2) next.push_back(branch(level[i], level[i + 1]));
    if (level.size() % 2 == 1) next.push_back(level.back());
    level = std::move(next);
  }
  return level[0];
}

Digest signed_digest(const std::vector<Tlv>& stream, std::string_view message, std::string_view field) {
  const std::string tag = "lightning" + std::string(message) + std::string(field);
  return tagged(as_bytes(tag), {merkle_root(stream)});
}

}  // namespace hh::lightning

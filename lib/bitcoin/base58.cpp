// Base58Check: a number in base 58, leading zero bytes as leading '1's, four bytes of checksum.
#include <algorithm>

#include "bitcoin/address.h"
#include "bitcoin/hash.h"

namespace hh::bitcoin {

namespace {

constexpr std::string_view digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
// Conversion takes quadratic time; nothing in Bitcoin is nearly this long.
constexpr size_t max_text = 128;

std::string encode(BytesView bytes) {
  std::vector<uint8_t> reversed;  // base 58, least significant first
  for (uint8_t byte : bytes) {
    unsigned carry = byte;
    for (auto& d : reversed) {
      carry += d * 256u;
      d = static_cast<uint8_t>(carry % 58);
      carry /= 58;
    }
    for (; carry; carry /= 58) reversed.push_back(static_cast<uint8_t>(carry % 58));
  }
  const auto zeros = std::find_if(bytes.begin(), bytes.end(), [](uint8_t b) { return b != 0; }) - bytes.begin();
  std::string text(static_cast<size_t>(zeros), '1');
  for (size_t i = reversed.size(); i-- > 0;) text += digits[reversed[i]];
  return text;
}

std::optional<Bytes> decode(std::string_view text) {
  Bytes reversed;  // base 256, least significant first
  for (char c : text) {
    size_t carry = digits.find(c);
    if (carry == std::string_view::npos) return std::nullopt;
    for (auto& byte : reversed) {
      carry += byte * size_t{58};
      byte = static_cast<uint8_t>(carry);
      carry >>= 8;
    }
    for (; carry; carry >>= 8) reversed.push_back(static_cast<uint8_t>(carry));
  }
  const size_t zeros = std::min(text.find_first_not_of('1'), text.size());
  reversed.insert(reversed.end(), zeros, 0);
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

}  // namespace

std::string base58check_encode(BytesView payload) {
  Bytes bytes(payload.begin(), payload.end());
  const Hash256 check = sha256d(payload);
  bytes.insert(bytes.end(), check.bytes.begin(), check.bytes.begin() + 4);
  return encode(bytes);
}

std::optional<Bytes> base58check_decode(std::string_view text) {
  if (text.size() > max_text) return std::nullopt;
  auto bytes = decode(text);
  if (!bytes || bytes->size() < 4) return std::nullopt;
  const size_t length = bytes->size() - 4;
  const Hash256 check = sha256d(BytesView(*bytes).first(length));
  if (!std::equal(check.bytes.begin(), check.bytes.begin() + 4, bytes->begin() + static_cast<ptrdiff_t>(length))) return std::nullopt;
  bytes->resize(length);
  return bytes;
}

}  // namespace hh::bitcoin

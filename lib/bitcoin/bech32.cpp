// Bech32 (BIP173) and Bech32m (BIP350): text with a BCH checksum over GF(32). They differ in the constant that the checksum is xored with.
#include <algorithm>
#include <array>

#include "bitcoin/address.h"

namespace hh::bitcoin {

namespace {

constexpr std::string_view digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr size_t checksum_length = 6;
constexpr size_t max_text = 90;

constexpr uint32_t final_constant(Bech32 e) { return e == Bech32::bech32 ? 1 : 0x2bc830a3; }

// The checksum of everything fed so far: BIP173, "Checksum", with the generator given there.
class Polymod {
 public:
  void feed(uint8_t value) {
    constexpr std::array<uint32_t, 5> generator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    const uint32_t top = sum_ >> 25;
    sum_ = (sum_ & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < generator.size(); ++i)
      if (top >> i & 1) sum_ ^= generator[i];
  }
  void feed_prefix(std::string_view prefix) {
    for (char c : prefix) feed(static_cast<uint8_t>(c >> 5));
    feed(0);
    for (char c : prefix) feed(static_cast<uint8_t>(c & 31));
  }
  uint32_t sum() const { return sum_; }

 private:
  uint32_t sum_ = 1;
};

bool has(std::string_view text, char first, char last) {
  return std::any_of(text.begin(), text.end(), [=](char c) { return c >= first && c <= last; });
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace

std::string bech32_encode(Bech32 encoding, std::string_view prefix, BytesView values) {
  Polymod sum;
  sum.feed_prefix(prefix);
  std::string text(prefix);
  text += '1';
  for (uint8_t v : values) {
    sum.feed(v);
    text += digits[v];
  }
  for (size_t i = 0; i < checksum_length; ++i) sum.feed(0);
  const uint32_t check = sum.sum() ^ final_constant(encoding);
  for (size_t i = 0; i < checksum_length; ++i) text += digits[check >> (5 * (checksum_length - 1 - i)) & 31];
  return text;
}

std::optional<Bech32Text> bech32_decode(std::string_view text) {
  if (text.size() > max_text || (has(text, 'a', 'z') && has(text, 'A', 'Z'))) return std::nullopt;
  if (std::any_of(text.begin(), text.end(), [](char c) { return c < 33 || c > 126; })) return std::nullopt;
  const std::string lower = lower_case(text);
  const size_t separator = lower.rfind('1');
  if (separator == std::string::npos || separator == 0 || lower.size() - separator - 1 < checksum_length) return std::nullopt;
  Bech32Text out{Bech32::bech32, lower.substr(0, separator), {}};
  Polymod sum;
  sum.feed_prefix(out.prefix);
  for (char c : lower.substr(separator + 1)) {
    const size_t value = digits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    sum.feed(static_cast<uint8_t>(value));
    out.values.push_back(static_cast<uint8_t>(value));
  }
  if (sum.sum() == final_constant(Bech32::bech32m)) out.encoding = Bech32::bech32m;
  if (sum.sum() != final_constant(out.encoding)) return std::nullopt;
  out.values.resize(out.values.size() - checksum_length);
  return out;
}

}  // namespace hh::bitcoin

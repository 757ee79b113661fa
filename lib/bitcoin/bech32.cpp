// The checksum is a BCH code over GF(32); bech32 and bech32m differ in the constant that it is xored with.
#include "bitcoin/bech32.h"

#include <algorithm>
#include <array>

namespace hh::bitcoin {

namespace {

constexpr std::string_view digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr size_t checksum_length = 6;

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

// Moves bits from groups of one size to groups of another, most significant first. left: the bits that filled no group, `bits` of them.
struct Regrouped {
  Bytes out;
  unsigned bits = 0;
  uint8_t left = 0;
};
Regrouped regroup(BytesView in, unsigned from, unsigned to) {
  Regrouped r;
  r.out.reserve(in.size() * from / to + 1);
  uint32_t held = 0;
  for (const uint8_t v : in) {
    held = (held << from | v) & 0xfff;  // more than 12 bits are never in use
    for (r.bits += from; r.bits >= to;) {
      r.bits -= to;
      r.out.push_back(static_cast<uint8_t>(held >> r.bits & ((1u << to) - 1)));
    }
  }
  r.left = static_cast<uint8_t>(held & ((1u << r.bits) - 1));
  return r;
}

Bytes padded(Regrouped r, unsigned to) {
  if (r.bits > 0) r.out.push_back(static_cast<uint8_t>(r.left << (to - r.bits)));
  return std::move(r.out);
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

std::optional<Bech32Text> bech32_decode(std::string_view text, size_t max_size) {
  if (text.size() > max_size || (has(text, 'a', 'z') && has(text, 'A', 'Z'))) return std::nullopt;
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

std::optional<Bytes> bech32_values(std::string_view text) {
  Bytes out;
  out.reserve(text.size());
  for (const char c : text) {
    const size_t value = digits.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    out.push_back(static_cast<uint8_t>(value));
  }
  return out;
}

std::string bech32_text(BytesView values) {
  std::string out;
  for (const uint8_t v : values) out += digits[v & 31];
  return out;
}

std::optional<Bytes> five_to_eight(BytesView values) {
  Regrouped r = regroup(values, 5, 8);
  if (r.bits >= 5 || r.left != 0) return std::nullopt;
  return std::move(r.out);
}

Bytes five_to_eight_padded(BytesView values) { return padded(regroup(values, 5, 8), 8); }

Bytes eight_to_five(BytesView bytes) { return padded(regroup(bytes, 8, 5), 5); }

}  // namespace hh::bitcoin

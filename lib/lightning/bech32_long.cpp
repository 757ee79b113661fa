#include "lightning/bech32_long.h"

#include <array>

namespace hh::lightning {
namespace {

constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr size_t checksum_size = 6;

// BIP173, "Checksum".
uint32_t polymod_step(uint32_t state, uint8_t value) {
  constexpr std::array<uint32_t, 5> generator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const uint32_t top = state >> 25;
  state = (state & 0x1ffffff) << 5 ^ value;
  for (unsigned i = 0; i < 5; ++i)
    if (top >> i & 1) state ^= generator[i];
  return state;
}

uint32_t polymod(std::string_view prefix, BytesView values) {
  uint32_t state = 1;
  for (const char c : prefix) state = polymod_step(state, static_cast<uint8_t>(c) >> 5);
  state = polymod_step(state, 0);
  for (const char c : prefix) state = polymod_step(state, static_cast<uint8_t>(c) & 31);
  for (const uint8_t v : values) state = polymod_step(state, v);
  return state;
}

// Lower case, or nullopt for mixed case and for what is not printable ASCII.
std::optional<std::string> one_case(std::string_view text) {
  bool lower = false, upper = false;
  std::string out(text);
  for (char& c : out) {
    if (c < 33 || c > 126) return {};
    lower |= c >= 'a' && c <= 'z';
    if (c >= 'A' && c <= 'Z') upper = true, c = static_cast<char>(c - 'A' + 'a');
  }
  if (lower && upper) return {};
  return out;
}

Bytes regroup(BytesView in, unsigned from, unsigned to, unsigned& left_bits, uint32_t& left) {
  Bytes out;
  out.reserve(in.size() * from / to + 1);
  uint32_t held = 0;
  unsigned bits = 0;
  for (const uint8_t v : in) {
    held = (held << from | v) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      out.push_back(static_cast<uint8_t>(held >> bits & ((1u << to) - 1)));
    }
  }
  left_bits = bits;
  left = held & ((1u << bits) - 1);
  return out;
}

}  // namespace

std::optional<LongBech32> long_bech32_decode(std::string_view text, size_t max_size) {
  if (text.size() > max_size) return {};
  const auto lower = one_case(text);
  if (!lower) return {};
  const size_t separator = lower->rfind('1');
  if (separator == std::string::npos || separator == 0 || lower->size() - separator - 1 < checksum_size) return {};
  LongBech32 out;
  out.prefix = lower->substr(0, separator);
  for (const char c : std::string_view(*lower).substr(separator + 1)) {
    const size_t value = alphabet.find(c);
    if (value == std::string_view::npos) return {};
    out.values.push_back(static_cast<uint8_t>(value));
  }
  if (polymod(out.prefix, out.values) != 1) return {};
  out.values.resize(out.values.size() - checksum_size);
  return out;
}

std::string long_bech32_encode(std::string_view prefix, BytesView values) {
  Bytes padded(values.begin(), values.end());
  padded.resize(values.size() + checksum_size, 0);
  const uint32_t checksum = polymod(prefix, padded) ^ 1;
  for (size_t i = 0; i < checksum_size; ++i)
    padded[values.size() + i] = static_cast<uint8_t>(checksum >> 5 * (checksum_size - 1 - i) & 31);
  std::string out(prefix);
  out += '1';
  for (const uint8_t v : padded) out += alphabet[v];
  return out;
}

std::optional<Bytes> five_to_eight_strict(BytesView values) {
  unsigned bits = 0;
  uint32_t left = 0;
  Bytes out = regroup(values, 5, 8, bits, left);
  if (bits >= 5 || left != 0) return {};
  return out;
}

Bytes five_to_eight_padded(BytesView values) {
  unsigned bits = 0;
  uint32_t left = 0;
  Bytes out = regroup(values, 5, 8, bits, left);
  if (bits > 0) out.push_back(static_cast<uint8_t>(left << (8 - bits)));
  return out;
}

Bytes eight_to_five(BytesView bytes) {
  unsigned bits = 0;
  uint32_t left = 0;
  Bytes out = regroup(bytes, 8, 5, bits, left);
  if (bits > 0) out.push_back(static_cast<uint8_t>(left << (5 - bits)));
  return out;
}

}  // namespace hh::lightning

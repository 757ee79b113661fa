#include "crypto/base64url.h"

#include <array>

namespace hh::crypto {
namespace {

constexpr std::string_view standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Table = std::array<int8_t, 256>;  // value of a character, -1: not in the alphabet

constexpr Table table_of(std::string_view alphabet) {
  Table table{};
  table.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i) table[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr Table standard_table = table_of(standard);
constexpr Table url_safe_table = table_of(url_safe);

std::string encode(BytesView bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  unsigned held = 0;
  for (const uint8_t byte : bytes) {
    bits = (bits << 8 | byte) & 0xffff;
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += alphabet[bits >> held & 63];
    }
  }
  if (held > 0) out += alphabet[bits << (6 - held) & 63];
  while (padded && out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<Bytes> decode(std::string_view text, const Table& table) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const int value = table[static_cast<uint8_t>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<uint8_t>(bits >> held));
    }
  }
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;  // unused bits: another text for the same bytes
  return out;
}

std::optional<Bytes> decode_padded(std::string_view text, const Table& table) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with('=')) text.remove_suffix(1);
  if (text.ends_with('=')) text.remove_suffix(1);
  return decode(text, table);
}

}  // namespace

std::string to_base64url(BytesView bytes) { return encode(bytes, url_safe, false); }
std::optional<Bytes> from_base64url(std::string_view text) { return decode(text, url_safe_table); }

std::string to_base64url_padded(BytesView bytes) { return encode(bytes, url_safe, true); }
std::optional<Bytes> from_base64url_padded(std::string_view text) { return decode_padded(text, url_safe_table); }

std::string to_base64(BytesView bytes) { return encode(bytes, standard, true); }
std::optional<Bytes> from_base64(std::string_view text) { return decode_padded(text, standard_table); }

}  // namespace hh::crypto

// Bytes and their hexadecimal text.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hh {

using Bytes = std::vector<uint8_t>;
using BytesView = std::span<const uint8_t>;

std::string to_hex(BytesView bytes);                          // lower case
std::optional<Bytes> from_hex(std::string_view text);         // either case; nullopt: odd length or another character
bool from_hex(std::string_view text, std::span<uint8_t> out); // exactly out.size() bytes, else false
inline BytesView as_bytes(std::string_view s) { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }
inline std::string_view as_text(BytesView b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

}  // namespace hh

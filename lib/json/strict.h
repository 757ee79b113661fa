// Strict JSON (RFC 8259 + I-JSON, RFC 7493): one value, valid UTF-8, no duplicate keys, no trailing bytes, bounded depth.
//
// Values keep the order of their keys (ordered_json), because records print `type` and `v` first. For bulk share lines the ledger has a
// faster reader of its own shape; everything else comes through here.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hh::json {

using Json = nlohmann::ordered_json;

// Throws Error(data) with the reason and byte position. Depth at most 64. Integers outside int64/uint64 are refused, not rounded.
Json parse(std::string_view text);

// Text from strangers or from a command line, fit for a record: at most max_bytes and "…" for what is cut, never in the middle of a character; bytes
// that are not UTF-8 become U+FFFD.
std::string clean_text(std::string_view text, size_t max_bytes);

// One line without spaces, ASCII control characters escaped. Throws Error(software) where a string is not UTF-8.
std::string to_line(const Json& value);

}  // namespace hh::json

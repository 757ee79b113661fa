// Base64 in its three spellings (RFC 4648 sections 4 and 5): URL-safe without padding (JWS, keys), URL-safe with padding (lnd's paths)
// and standard with padding (PEM, HTTP).
//
// Decoding is strict, so that one value has exactly one text: no white space, no character of the other alphabet, padding exactly
// as the spelling wants it, and unused bits zero. Anything else is nullopt.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/hex.h"

namespace hh::crypto {

std::string to_base64url(BytesView bytes);
inline std::string to_base64url(std::string_view text) { return to_base64url(as_bytes(text)); }
std::optional<Bytes> from_base64url(std::string_view text);

std::string to_base64url_padded(BytesView bytes);
std::optional<Bytes> from_base64url_padded(std::string_view text);

std::string to_base64(BytesView bytes);
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace hh::crypto

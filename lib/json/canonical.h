// RFC 8785, JSON Canonicalization Scheme: the bytes that get signed.
//
// Manifests hold integers (|n| < 2^53), strings, booleans, null, arrays and objects. Floating point numbers are refused here, so the
// hardest part of the RFC (ECMAScript number formatting) never arises.
#pragma once
#include <string>

#include "json/strict.h"

namespace hh::json {

// Keys sorted by UTF-16 code units, no white space, minimal escapes. Throws Error(data) for a float, a large integer or invalid UTF-8.
std::string canonical(const Json& value);

}  // namespace hh::json

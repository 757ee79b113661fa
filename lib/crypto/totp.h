// One-time passwords by time (RFC 6238): HMAC-SHA-1, six digits, 30 seconds, because that is all that many authenticator apps know. SHA-1 is sound inside
// HMAC; a code lives for a minute and a half and counts once.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hex.h"

namespace hh::crypto {

inline constexpr int64_t totp_period_seconds = 30;

// RFC 4226, section 5: the code for a counter. digits: 6 … 8.
std::string hotp(BytesView secret, uint64_t counter, unsigned digits = 6);
// The step (unix seconds / 30) for which this is the code: the present one, or one before or after, as clocks differ. nullopt: none of them.
std::optional<int64_t> totp_step(BytesView secret, std::string_view code, int64_t unix_seconds);

// RFC 4648, section 6, without padding: how secrets are typed into authenticators.
std::string to_base32(BytesView bytes);
// What authenticators read from a QR code. issuer and account: free of ':'.
std::string otpauth_url(BytesView secret, std::string_view issuer, std::string_view account);

}  // namespace hh::crypto

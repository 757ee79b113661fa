#include "crypto/totp.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/error.h"
#include "crypto/digest.h"

namespace hh::crypto {

std::string hotp(BytesView secret, uint64_t counter, unsigned digits) {
  std::array<uint8_t, 8> message{};
  for (size_t i = 0; i < 8; ++i) message[7 - i] = static_cast<uint8_t>(counter >> (8 * i));
  std::array<uint8_t, 20> mac{};
  unsigned size = 0;
  if (HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), message.data(), message.size(), mac.data(), &size) == nullptr || size != mac.size())
    throw Error(Exit::software, "HMAC-SHA-1 failed");
  const size_t at = mac[19] & 15;
  const uint32_t number = (static_cast<uint32_t>(mac[at] & 0x7f) << 24) | (static_cast<uint32_t>(mac[at + 1]) << 16) | (static_cast<uint32_t>(mac[at + 2]) << 8) | mac[at + 3];
  uint32_t modulus = 1;
  for (unsigned i = 0; i < digits; ++i) modulus *= 10;
  return fmt::format("{:0{}}", number % modulus, digits);
}

std::optional<int64_t> totp_step(BytesView secret, std::string_view code, int64_t unix_seconds) {
  std::optional<int64_t> found;
  const int64_t now = unix_seconds / totp_period_seconds;
  for (const int64_t step : {now - 1, now, now + 1})
    if (step >= 0 && equal_in_constant_time(as_bytes(hotp(secret, static_cast<uint64_t>(step))), as_bytes(code))) found = step;
  return found;
}

std::string to_base32(BytesView bytes) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  uint32_t bits = 0;
  unsigned count = 0;
  for (const uint8_t b : bytes) {
    bits = (bits << 8 | b) & 0xfff, count += 8;
    while (count >= 5) out += alphabet[bits >> (count -= 5) & 31];
  }
  if (count > 0) out += alphabet[bits << (5 - count) & 31];
  return out;
}

std::string otpauth_url(BytesView secret, std::string_view issuer, std::string_view account) {
  return fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits=6&period={}", issuer, account, to_base32(secret), issuer, totp_period_seconds);
}

}  // namespace hh::crypto

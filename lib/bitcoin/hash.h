// Bitcoin's hash functions, and the 32-byte hash as the protocol stores it.
//
// Internal order is the order in which SHA-256 gives its bytes and in which they stand in headers and transactions. People, RPC and
// block explorers show the same bytes reversed ("display" order); only the two functions with display in their name do that.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/hex.h"

namespace hh::bitcoin {

struct Hash256 {
  std::array<uint8_t, 32> bytes{};  // internal order

  auto operator<=>(const Hash256&) const = default;
  bool is_zero() const { return *this == Hash256{}; }
  BytesView view() const { return bytes; }
  std::string to_display_hex() const;                                    // 64 lower-case digits, reversed
  static std::optional<Hash256> from_display_hex(std::string_view text);  // exactly 64 hex digits of either case, else nullopt
};

using Hash160 = std::array<uint8_t, 20>;

// SHA-256 fed piece by piece. Copying one keeps what was fed so far, so a fixed beginning is hashed only once.
class Sha256 {
 public:
  Sha256();
  Sha256& update(BytesView bytes);
  Hash256 finish();   // SHA-256 of all that was fed; the object is spent
  Hash256 finish_double();  // SHA-256 of that

 private:
  struct State {  // OpenSSL's SHA256_CTX, kept out of this header; hash.cpp asserts that it fits
    alignas(8) std::array<unsigned char, 112> bytes;
  } state_;
};

Hash256 sha256(BytesView bytes);
Hash256 sha256d(BytesView bytes);  // SHA-256 twice: txids, block hashes, merkle nodes
Hash160 hash160(BytesView bytes);  // RIPEMD-160 of SHA-256: p2pkh, p2wpkh, p2sh

// BIP340, "Design": SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ bytes).
Hash256 tagged_hash(std::string_view tag, BytesView bytes);

}  // namespace hh::bitcoin

// Hashes are spread evenly, so their first bytes serve as they are. An attacker can choose them only at the price of mining.
template <>
struct std::hash<hh::bitcoin::Hash256> {
  size_t operator()(const hh::bitcoin::Hash256& h) const noexcept {
    size_t first;
    std::memcpy(&first, h.bytes.data(), sizeof first);
    return first;
  }
};

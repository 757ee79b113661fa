// The few calls of libsecp256k1 that invoices need, with types instead of pointers.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/hex.h"

namespace hh::lightning {

using CompressedKey = std::array<uint8_t, 33>;
using Digest32 = std::array<uint8_t, 32>;

// signature: R ‖ S ‖ recovery id, 65 bytes (BOLT 11, "Data Part"). Accepts high and low S.
std::optional<CompressedKey> recover_compact(const Digest32& digest, BytesView signature);
// The key where it signed this and S is low, else nullopt.
std::optional<CompressedKey> verify_compact(const Digest32& digest, BytesView signature, const CompressedKey& key);
bool is_on_curve(const CompressedKey& key);

using SchnorrSignature = std::array<uint8_t, 64>;
// BIP340, by the x coordinate of the key: BOLT 12 signs for either of the two points that have it.
bool verify_schnorr(const Digest32& digest, const SchnorrSignature& signature, const CompressedKey& key);
// Without auxiliary randomness; nullopt where key is not a valid secret key.
std::optional<SchnorrSignature> sign_schnorr(const Digest32& digest, const Digest32& key);

// 65 bytes as above; nullopt where key is not a valid secret key.
std::optional<Bytes> sign_compact(const Digest32& digest, const Digest32& key);
std::optional<CompressedKey> public_key_of(const Digest32& key);

}  // namespace hh::lightning

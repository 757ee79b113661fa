// ElligatorSwift: public keys of secp256k1 as 64 bytes that look random, and the secret that two of them share. [BIP 324]
//
// Stratum V2's handshake sends keys in this form. libsecp256k1 has had it since 0.4; Debian 12's 0.2 has not, so the map between x coordinates and field
// elements is here, over OpenSSL's big numbers; multiplying points by secrets stays libsecp256k1's. The map works on public keys only, so that
// it need not take the same time for each.
#pragma once
#include <array>
#include <optional>

#include "crypto/digest.h"
#include "crypto/random.h"

namespace hh::stratum {

using EllSwift = std::array<uint8_t, 64>;
using XOnly = std::array<uint8_t, 32>;      // x coordinate of a point, big-endian [BIP 340]
using SecretKey = std::array<uint8_t, 32>;

// XSwiftEC: each 64 bytes are the encoding of some point.
XOnly ellswift_decode(const EllSwift& key);
// XElligatorSwift: one of the many encodings of x, chosen at random. REQUIRES x to be on the curve, else it throws Error(software).
EllSwift ellswift_encode(const XOnly& x, crypto::RandomSource& random);
// XSwiftECInv: t with XSwiftEC(u, t) = x, by one of eight ways; nullopt where that way has none. u and t are field elements, big-endian.
std::optional<XOnly> ellswift_inverse(const XOnly& x, const XOnly& u, unsigned way);

struct KeyPair {
  SecretKey secret{};
  EllSwift encoded{};
  XOnly x{};
};
bool is_secret_key(const SecretKey& secret);                 // not 0, below the group's order
XOnly public_x(const SecretKey& secret);                     // throws Error(data) where it is no secret key
KeyPair key_pair(const SecretKey& secret, crypto::RandomSource& random);
KeyPair generate_key_pair(crypto::RandomSource& random);

// v2_ecdh of BIP 324: the hash of both encodings, the initiator's first, and of the shared x coordinate.
crypto::Digest ellswift_ecdh(const KeyPair& ours, const EllSwift& theirs, bool initiator);

}  // namespace hh::stratum

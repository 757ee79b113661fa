#include "stratum/ellswift.h"

#include <openssl/bn.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>

#include <memory>

#include "base/error.h"

namespace hh::stratum {
namespace {

const secp256k1_context* curve() {
  static const secp256k1_context* const made = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  return made;
}

struct FreeNumber {
  void operator()(BIGNUM* n) const { BN_free(n); }
  void operator()(BN_CTX* c) const { BN_CTX_free(c); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

void must(bool ok) {
  if (!ok) throw Error(Exit::software, "arithmetic of big numbers failed");
}
Number from_digits(const char* hex) {
  BIGNUM* n = nullptr;
  must(BN_hex2bn(&n, hex) != 0);
  return Number(n);
}
BN_CTX* scratch() {
  thread_local const std::unique_ptr<BN_CTX, FreeNumber> context(BN_CTX_new());
  return context.get();
}
const BIGNUM* prime() {
  static const Number p = from_digits("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F");
  return p.get();
}

// An element of the field of secp256k1's coordinates.
class Element {
 public:
  Element() : n_(BN_new()) { must(n_ != nullptr); }
  explicit Element(int small) : Element() {
    must(BN_set_word(n_.get(), static_cast<BN_ULONG>(small < 0 ? -small : small)) == 1);
    if (small < 0) *this = -*this;
  }
  explicit Element(std::span<const uint8_t> big_endian) : Element() {
    must(BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), n_.get()) != nullptr);
    must(BN_nnmod(n_.get(), n_.get(), prime(), scratch()) == 1);
  }
  Element(const Element& o) : n_(BN_dup(o.n_.get())) { must(n_ != nullptr); }
  Element& operator=(const Element& o) {
    must(BN_copy(n_.get(), o.n_.get()) != nullptr);
    return *this;
  }
  bool is_zero() const { return BN_is_zero(n_.get()); }
  XOnly bytes() const {
    XOnly out;
    must(BN_bn2binpad(n_.get(), out.data(), static_cast<int>(out.size())) == static_cast<int>(out.size()));
    return out;
  }
  friend Element operator+(const Element& a, const Element& b) { return made([&](BIGNUM* r) { return BN_mod_add_quick(r, a.n_.get(), b.n_.get(), prime()); }); }
  friend Element operator-(const Element& a, const Element& b) { return made([&](BIGNUM* r) { return BN_mod_sub_quick(r, a.n_.get(), b.n_.get(), prime()); }); }
  friend Element operator*(const Element& a, const Element& b) { return made([&](BIGNUM* r) { return BN_mod_mul(r, a.n_.get(), b.n_.get(), prime(), scratch()); }); }
  friend Element operator/(const Element& a, const Element& b) { return a * made([&](BIGNUM* r) { return BN_mod_inverse(r, b.n_.get(), prime(), scratch()) != nullptr; }); }
  Element operator-() const { return Element() - *this; }
  Element squared() const { return made([&](BIGNUM* r) { return BN_mod_sqr(r, n_.get(), prime(), scratch()); }); }
  // The root of BIP 340 and 324: this to the power of (p + 1) / 4, where that is one.
  std::optional<Element> root() const {
    static const Number power = from_digits("3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFBFFFFF0C");
    const Element r = made([&](BIGNUM* to) { return BN_mod_exp(to, n_.get(), power.get(), prime(), scratch()); });
    if ((r.squared() - *this).is_zero()) return r;
    return {};
  }
  bool is_square() const { return BN_kronecker(n_.get(), prime(), scratch()) != -1; }

 private:
  template <class F>
  static Element made(const F& make) {
    Element r;
    must(static_cast<bool>(make(r.n_.get())));
    return r;
  }
  Number n_;
};

// x^3 + 7, which is y^2 of a point.
Element on_curve(const Element& x) { return x.squared() * x + Element(7); }
bool is_valid_x(const Element& x) { return on_curve(x).is_square(); }

const Element& root_of_minus_3() {
  static const Element root = *Element(-3).root();
  return root;
}

int copy_x(unsigned char* out, const unsigned char* x32, const unsigned char*, void*) {
  std::copy_n(x32, 32, out);
  return 1;
}

}  // namespace

XOnly ellswift_decode(const EllSwift& key) {
  const BytesView bytes(key);
  Element u(bytes.first(32)), t(bytes.last(32));
  if (u.is_zero()) u = Element(1);
  if (t.is_zero()) t = Element(1);
  if ((on_curve(u) + t.squared()).is_zero()) t = t + t;
  const Element x = (on_curve(u) - t.squared()) / (t + t);
  const Element y = (x + t) / (root_of_minus_3() * u);
  const Element half = Element(1) / Element(2);
  const Element first = u + Element(4) * y.squared();
  if (is_valid_x(first)) return first.bytes();
  const Element ratio = x / y;
  const Element second = (-ratio - u) * half;
  if (is_valid_x(second)) return second.bytes();
  return ((ratio - u) * half).bytes();
}

std::optional<XOnly> ellswift_inverse(const XOnly& x_bytes, const XOnly& u_bytes, unsigned way) {
  const Element x(x_bytes), u(u_bytes), half = Element(1) / Element(2);
  Element v, s;
  if ((way & 2) == 0) {
    if (is_valid_x(-x - u)) return {};
    v = x;
    s = -on_curve(u) / (u.squared() + u * v + v.squared());
  } else {
    s = x - u;
    if (s.is_zero()) return {};
    const auto r = (-s * (Element(4) * on_curve(u) + Element(3) * s * u.squared())).root();
    if (!r || ((way & 1) != 0 && r->is_zero())) return {};
    v = (*r / s - u) * half;
  }
  const auto w = s.root();
  if (!w) return {};
  const Element c = (way & 1) == 0 ? Element(1) - root_of_minus_3() : Element(1) + root_of_minus_3();
  const Element t = *w * (u * c * half + v);
  const bool negative = (way & 5) == 0 || (way & 5) == 5;
  return (negative ? -t : t).bytes();
}

EllSwift ellswift_encode(const XOnly& x, crypto::RandomSource& random) {
  if (!is_valid_x(Element(x))) throw Error(Exit::software, "an x coordinate that is not on the curve");
  // Each try succeeds with a chance of about a quarter.
  for (int tries = 0; tries < 1000; ++tries) {
    XOnly u{};
    uint8_t way = 0;
    random.fill(u);
    random.fill({&way, 1});
    const auto t = ellswift_inverse(x, u, way & 7);
    if (!t) continue;
    EllSwift out;
    std::copy(u.begin(), u.end(), out.begin());
    std::copy(t->begin(), t->end(), out.begin() + 32);
    return out;
  }
  throw Error(Exit::software, "the source of randomness repeats itself");
}

bool is_secret_key(const SecretKey& secret) { return secp256k1_ec_seckey_verify(curve(), secret.data()) == 1; }

XOnly public_x(const SecretKey& secret) {
  secp256k1_pubkey point;
  secp256k1_xonly_pubkey x;
  XOnly out;
  if (secp256k1_ec_pubkey_create(curve(), &point, secret.data()) != 1) throw Error(Exit::data, "not a secret key of secp256k1");
  must(secp256k1_xonly_pubkey_from_pubkey(curve(), &x, nullptr, &point) == 1 && secp256k1_xonly_pubkey_serialize(curve(), out.data(), &x) == 1);
  return out;
}

KeyPair key_pair(const SecretKey& secret, crypto::RandomSource& random) {
  KeyPair k{.secret = secret, .encoded = {}, .x = public_x(secret)};
  k.encoded = ellswift_encode(k.x, random);
  return k;
}

KeyPair generate_key_pair(crypto::RandomSource& random) {
  SecretKey secret;
  do random.fill(secret);
  while (!is_secret_key(secret));
  return key_pair(secret, random);
}

crypto::Digest ellswift_ecdh(const KeyPair& ours, const EllSwift& theirs, bool initiator) {
  // Either point with this x: the x of its multiple is the same.
  std::array<uint8_t, 33> compressed{2};
  const XOnly x = ellswift_decode(theirs);
  std::copy(x.begin(), x.end(), compressed.begin() + 1);
  secp256k1_pubkey point;
  XOnly shared;
  must(secp256k1_ec_pubkey_parse(curve(), &point, compressed.data(), compressed.size()) == 1);
  if (secp256k1_ecdh(curve(), shared.data(), &point, ours.secret.data(), copy_x, nullptr) != 1) throw Error(Exit::data, "not a secret key of secp256k1");
  static const crypto::Digest tag = crypto::sha256("bip324_ellswift_xonly_ecdh");
  const crypto::Digest out = crypto::Sha256().update(tag).update(tag).update(initiator ? ours.encoded : theirs).update(initiator ? theirs : ours.encoded).update(shared).finish();
  crypto::wipe(shared);
  return out;
}

}  // namespace hh::stratum

#include "stratum/noise.h"

#include <openssl/evp.h>

#include "base/error.h"

namespace hh::stratum {
namespace {

constexpr std::string_view protocol = "Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256";

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

void must(int ok) {
  if (ok != 1) throw Error(Exit::software, "encryption failed");
}

Cipher make_cipher() {
  Cipher c(EVP_CIPHER_CTX_new());
  must(c != nullptr);
  return c;
}

// 32 zero bits and the counter, little-endian. [4.4.1]
std::array<uint8_t, 12> nonce_of(uint64_t counter) {
  std::array<uint8_t, 12> n{};
  for (size_t i = 0; i < 8; ++i) n[4 + i] = static_cast<uint8_t>(counter >> (8 * i));
  return n;
}

// Noise forbids the last counter (rev. 34, 5.1); nobody gets there.
void count(CipherState& s) {
  if (++s.counter == UINT64_MAX) throw Error(Exit::data, "the session has used up its counter");
}

int size_of(BytesView b) { return static_cast<int>(b.size()); }

void seal(EVP_CIPHER_CTX* c, CipherState& s, BytesView associated, BytesView plain, Bytes& out) {
  const auto nonce = nonce_of(s.counter);
  const size_t begin = out.size();
  out.resize(begin + plain.size() + mac_size);
  int n = 0;
  must(EVP_EncryptInit_ex2(c, EVP_chacha20_poly1305(), s.key.data(), nonce.data(), nullptr));
  if (!associated.empty()) must(EVP_EncryptUpdate(c, nullptr, &n, associated.data(), size_of(associated)));
  if (!plain.empty()) must(EVP_EncryptUpdate(c, out.data() + begin, &n, plain.data(), size_of(plain)));
  must(EVP_EncryptFinal_ex(c, out.data() + begin + plain.size(), &n));
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, mac_size, out.data() + begin + plain.size()));
  count(s);
}

// out gets nothing where it is not authentic.
bool open(EVP_CIPHER_CTX* c, CipherState& s, BytesView associated, BytesView sealed, Bytes& out) {
  if (sealed.size() < mac_size) return false;
  const BytesView text = sealed.first(sealed.size() - mac_size);
  std::array<uint8_t, mac_size> mac;
  std::copy(sealed.end() - mac_size, sealed.end(), mac.begin());
  const auto nonce = nonce_of(s.counter);
  const size_t begin = out.size();
  out.resize(begin + text.size());
  int n = 0;
  must(EVP_DecryptInit_ex2(c, EVP_chacha20_poly1305(), s.key.data(), nonce.data(), nullptr));
  if (!associated.empty()) must(EVP_DecryptUpdate(c, nullptr, &n, associated.data(), size_of(associated)));
  if (!text.empty()) must(EVP_DecryptUpdate(c, out.data() + begin, &n, text.data(), size_of(text)));
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, mac_size, mac.data()));
  uint8_t nothing[16];
  if (EVP_DecryptFinal_ex(c, nothing, &n) != 1) {
    out.resize(begin);
    return false;
  }
  count(s);
  return true;
}

// Two outputs of RFC 5869 with an empty info, as Noise has it. [4.4.2]
std::pair<crypto::Digest, crypto::Digest> derive(const crypto::Digest& chain, BytesView secret) {
  const crypto::Digest temporary = crypto::hmac_sha256(chain, secret);
  const uint8_t one = 1;
  const crypto::Digest first = crypto::hmac_sha256(temporary, {&one, 1});
  std::array<uint8_t, 33> next;
  std::copy(first.begin(), first.end(), next.begin());
  next.back() = 2;
  return {first, crypto::hmac_sha256(temporary, next)};
}

template <size_t n>
std::array<uint8_t, n> array_of(BytesView bytes) {
  std::array<uint8_t, n> out;
  std::copy_n(bytes.begin(), n, out.begin());
  return out;
}

}  // namespace

size_t sealed_size(size_t plaintext) {
  const size_t rest = plaintext % most_piece;
  return plaintext / most_piece * (most_piece + mac_size) + (rest > 0 ? rest + mac_size : 0);
}

struct Session::Impl {
  CipherState sends, receives;
  Cipher seals = make_cipher(), opens = make_cipher();
  ~Impl() {
    crypto::wipe(sends.key);
    crypto::wipe(receives.key);
  }
};

Session::Session(const CipherState& sends, const CipherState& receives) : impl_(std::make_unique<Impl>()) { impl_->sends = sends, impl_->receives = receives; }
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

void Session::seal(BytesView plain, Bytes& out) {
  if (plain.size() < v2::header_size) throw Error(Exit::software, "a frame without its header");
  Impl& i = *impl_;
  stratum::seal(i.seals.get(), i.sends, {}, plain.first(v2::header_size), out);
  for (BytesView left = plain.subspan(v2::header_size); !left.empty(); left = left.subspan(std::min(left.size(), most_piece)))
    stratum::seal(i.seals.get(), i.sends, {}, left.first(std::min(left.size(), most_piece)), out);
}

std::optional<v2::FrameHeader> Session::open_header(std::span<const uint8_t, sealed_header_size> sealed) {
  Bytes plain;
  if (!stratum::open(impl_->opens.get(), impl_->receives, {}, sealed, plain)) return {};
  return v2::read_header(std::span<const uint8_t, v2::header_size>(plain));
}

bool Session::open_payload(BytesView sealed, Bytes& out) {
  constexpr size_t most = most_piece + mac_size;
  for (; !sealed.empty(); sealed = sealed.subspan(std::min(sealed.size(), most)))
    if (!stratum::open(impl_->opens.get(), impl_->receives, {}, sealed.first(std::min(sealed.size(), most)), out)) return false;
  return true;
}

std::pair<CipherState, CipherState> Session::state() const { return {impl_->sends, impl_->receives}; }

Handshake::Handshake(crypto::RandomSource& random) : hash_(crypto::sha256(protocol)), chain_(hash_), ephemeral_(generate_key_pair(random)) { hash_ = crypto::sha256(hash_); }

void Handshake::mix_hash(BytesView data) { hash_ = crypto::Sha256().update(hash_).update(data).finish(); }

void Handshake::mix_key(const crypto::Digest& secret) {
  const auto [chain, key] = derive(chain_, secret);
  chain_ = chain;
  cipher_ = {key, 0};
}

Bytes Handshake::seal_and_hash(BytesView plain) {
  Bytes out;
  seal(make_cipher().get(), cipher_, hash_, plain, out);
  mix_hash(out);
  return out;
}

std::optional<Bytes> Handshake::open_and_hash(BytesView sealed) {
  Bytes out;
  if (!open(make_cipher().get(), cipher_, hash_, sealed, out)) return {};
  mix_hash(sealed);
  return out;
}

std::pair<CipherState, CipherState> Handshake::split() {
  const auto [from_initiator, from_responder] = derive(chain_, {});
  return {{from_initiator, 0}, {from_responder, 0}};
}

std::array<uint8_t, handshake_first_size> Initiator::first() {
  mix_hash(ephemeral_.encoded);
  mix_hash({});  // an empty payload, not yet encrypted
  return ephemeral_.encoded;
}

std::optional<Initiator::Server> Initiator::finish(std::span<const uint8_t, handshake_answer_size> answer) {
  const auto theirs = array_of<64>(answer.first<64>());
  mix_hash(theirs);
  mix_key(ellswift_ecdh(ephemeral_, theirs, true));
  const auto key = open_and_hash(answer.subspan<64, 64 + mac_size>());
  if (!key) return {};
  const auto server = array_of<64>(*key);
  mix_key(ellswift_ecdh(ephemeral_, server, true));
  const auto certificate = open_and_hash(answer.last<Certificate::size + mac_size>());
  if (!certificate) return {};
  const auto [ours, their_cipher] = split();
  return Server{ellswift_decode(server), Certificate::from_bytes(std::span<const uint8_t, Certificate::size>(*certificate)), Session(ours, their_cipher)};
}

std::pair<std::array<uint8_t, handshake_answer_size>, Session> Responder::answer(std::span<const uint8_t, handshake_first_size> first) {
  const auto theirs = array_of<64>(first);
  mix_hash(theirs);
  mix_hash({});
  Bytes out(ephemeral_.encoded.begin(), ephemeral_.encoded.end());
  mix_hash(ephemeral_.encoded);
  mix_key(ellswift_ecdh(ephemeral_, theirs, false));
  const Bytes key = seal_and_hash(keys_.encoded);
  mix_key(ellswift_ecdh(keys_, theirs, false));
  const Bytes certificate = seal_and_hash(certificate_.to_bytes());
  out.insert(out.end(), key.begin(), key.end());
  out.insert(out.end(), certificate.begin(), certificate.end());
  const auto [from_initiator, ours] = split();
  return {array_of<handshake_answer_size>(out), Session(ours, from_initiator)};
}

}  // namespace hh::stratum

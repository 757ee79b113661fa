// Stratum V2's encryption: Noise_NX over secp256k1 with ElligatorSwift, ChaCha20-Poly1305 and SHA-256, and the frames that travel under it.
// [sv2-spec: 4.4 operations, 4.5 handshake, 4.6 frames; Noise Protocol Framework rev. 34]
//
// The initiator (miner, proxy) sends 64 bytes, the responder (pool, template provider) answers 234: its ephemeral key, its static key under the first secret,
// the certificate under the second. Both raw, without frames. From then on each frame is its header, sealed (22 bytes), and its payload in pieces of at most
// 65,519 bytes, sealed one by one. Each direction has a key and a counter of its own; a byte that was changed, lost or repeated ends the connection.
//
//   Initiator i(random);  send(i.first());  auto server = i.finish(answer);     // then refuse_certificate(server.certificate, authority, server.key, now)
//   Responder r(keys, certificate, random);  auto [answer, session] = r.answer(first);
//
// A Session can be taken apart and put together in another process (state()), which is how live sessions survive an upgrade of the program.
#pragma once
#include <memory>
#include <optional>
#include <utility>

#include "stratum/certificate.h"
#include "stratum/v2_codec.h"

namespace hh::stratum {

inline constexpr size_t handshake_first_size = 64;
inline constexpr size_t handshake_answer_size = 64 + 64 + 16 + Certificate::size + 16;
static_assert(handshake_answer_size == 234);
inline constexpr size_t mac_size = 16;
inline constexpr size_t sealed_header_size = v2::header_size + mac_size;
inline constexpr size_t most_piece = 65535 - mac_size;  // plaintext bytes of one Noise message

// One direction: a key, and how many messages it has sealed or opened.
struct CipherState {
  std::array<uint8_t, 32> key{};
  uint64_t counter = 0;
};

// Bytes that the payload of so many plaintext bytes takes under encryption. [4.6]
size_t sealed_size(size_t plaintext);

class Session {
 public:
  Session(const CipherState& sends, const CipherState& receives);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Appends a sealed frame. plain: header and payload as v2::to_frame makes them.
  void seal(BytesView plain, Bytes& out);
  // The header of the next frame; nullopt: not authentic, and the session is over. Throws nothing.
  std::optional<v2::FrameHeader> open_header(std::span<const uint8_t, sealed_header_size> sealed);
  // Its payload: sealed_size(header.length) bytes. Appends it to out; false: not authentic.
  bool open_payload(BytesView sealed, Bytes& out);
  std::pair<CipherState, CipherState> state() const;  // sends, receives: secrets

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What a handshake keeps in both roles.
class Handshake {
 protected:
  explicit Handshake(crypto::RandomSource& random);
  void mix_hash(BytesView data);
  void mix_key(const crypto::Digest& secret);
  Bytes seal_and_hash(BytesView plain);
  std::optional<Bytes> open_and_hash(BytesView sealed);
  std::pair<CipherState, CipherState> split();  // from the initiator, from the responder
  crypto::Digest hash_{}, chain_{};
  CipherState cipher_;
  KeyPair ephemeral_;
};

class Initiator : private Handshake {
 public:
  explicit Initiator(crypto::RandomSource& random) : Handshake(random) {}
  std::array<uint8_t, handshake_first_size> first();
  struct Server {
    XOnly key{};  // the server's static key
    Certificate certificate;
    Session session;
  };
  // nullopt: the answer is not authentic. Whose the key is, is for refuse_certificate to say: nothing may be sent before.
  std::optional<Server> finish(std::span<const uint8_t, handshake_answer_size> answer);
};

class Responder : private Handshake {
 public:
  // keys: the static ones; the certificate is for their x.
  Responder(const KeyPair& keys, const Certificate& certificate, crypto::RandomSource& random) : Handshake(random), keys_(keys), certificate_(certificate) {}
  // Any 64 bytes are somebody's key, so there is nothing to refuse.
  std::pair<std::array<uint8_t, handshake_answer_size>, Session> answer(std::span<const uint8_t, handshake_first_size> first);

 private:
  KeyPair keys_;
  Certificate certificate_;
};

}  // namespace hh::stratum

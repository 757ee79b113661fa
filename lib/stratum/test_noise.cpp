// The handshake and the frames of Stratum V2 between our own two ends, with every byte of it changed once; certificates; the specification's authority key.
// That strangers understand it too is for tests against real peers.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "stratum/noise.h"

namespace hh::stratum {
namespace {

constexpr int64_t now = 1'800'000'000;

struct Parties {
  crypto::SeededRandom random{2};
  KeyPair authority = generate_key_pair(random), server = generate_key_pair(random);
  Certificate certificate = sign_certificate(authority.secret, server.x, now - 10, now + 10, random);
};

struct Connection : Parties {
  Connection() {
    Initiator initiator(random);
    Responder responder(server, certificate, random);
    auto [answer, session] = responder.answer(initiator.first());
    auto finished = initiator.finish(answer);
    REQUIRE(finished);
    REQUIRE(finished->key == server.x);
    CHECK(refuse_certificate(finished->certificate, authority.x, finished->key, now) == "");
    client.emplace(std::move(finished->session));
    pool.emplace(std::move(session));
  }
  std::optional<Session> client, pool;
};

// What the other end reads, or nothing.
std::optional<Bytes> read(Session& s, BytesView sealed) {
  if (sealed.size() < sealed_header_size) return {};
  const auto header = s.open_header(std::span<const uint8_t, sealed_header_size>(sealed.first(sealed_header_size)));
  Bytes out;
  if (!header || sealed.size() - sealed_header_size != sealed_size(header->length) || !s.open_payload(sealed.subspan(sealed_header_size), out)) return {};
  return out;
}

Bytes frame(size_t payload) {
  Bytes out(v2::header_size + payload, 0x5a);
  const auto header = v2::write_header({0, 0x1b, true, static_cast<uint32_t>(payload)});
  std::copy(header.begin(), header.end(), out.begin());
  return out;
}

TEST_CASE("handshake: both ends have the same keys, and frames of any size go both ways, many in a row") {
  Connection c;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{27}, most_piece - 1, most_piece, most_piece + 1, 2 * most_piece, 3 * most_piece + 5, size_t{1} << 20}) {
    INFO(size);
    const Bytes plain = frame(size);
    for (auto [from, to] : {std::pair(&*c.client, &*c.pool), std::pair(&*c.pool, &*c.client)}) {
      Bytes sealed;
      from->seal(plain, sealed);
      CHECK(sealed.size() == sealed_header_size + sealed_size(size));
      CHECK(read(*to, sealed) == Bytes(plain.begin() + v2::header_size, plain.end()));
    }
  }
}

TEST_CASE("handshake: one changed bit anywhere in the answer, and there is no session or another key") {
  Parties p;
  for (size_t at = 0; at < handshake_answer_size; at += 3) {
    Initiator initiator(p.random);
    Responder responder(p.server, p.certificate, p.random);
    auto answer = responder.answer(initiator.first()).first;
    answer[at] ^= 0x10;
    INFO(at);
    CHECK_FALSE(initiator.finish(answer));
  }
}

TEST_CASE("frames: changed, lost, repeated or turned back they are not taken, and the plain text is nowhere in them") {
  Connection c;
  const Bytes plain = frame(100);
  Bytes sealed;
  c.client->seal(plain, sealed);
  for (size_t at = 0; at < sealed.size(); at += 7) {
    const auto [sends, receives] = c.pool->state();
    Session copy(sends, receives);
    Bytes changed = sealed;
    changed[at] ^= 1;
    INFO(at);
    CHECK_FALSE(read(copy, changed));
  }
  CHECK(std::search(sealed.begin(), sealed.end(), plain.begin() + 20, plain.begin() + 36) == sealed.end());
  CHECK_FALSE(read(*c.client, sealed));
  CHECK(read(*c.pool, sealed));
  CHECK_FALSE(read(*c.pool, sealed));
  Bytes lost, next;
  c.client->seal(plain, lost);
  c.client->seal(plain, next);
  CHECK_FALSE(read(*c.pool, next));
}

TEST_CASE("a session goes on in another process from its state") {
  Connection c;
  const Bytes plain = frame(70'000);
  Bytes before, after;
  c.client->seal(plain, before);
  REQUIRE(read(*c.pool, before));
  const auto [sends, receives] = c.pool->state();
  c.pool.emplace(sends, receives);
  c.client->seal(plain, after);
  CHECK(read(*c.pool, after));
}

TEST_CASE("certificates: only this authority, for this server, in its time; one changed bit and it is refused") {
  Parties p;
  CHECK(refuse_certificate(p.certificate, p.authority.x, p.server.x, now - 10) == "");
  CHECK(refuse_certificate(p.certificate, p.authority.x, p.server.x, now + 10) == "");
  CHECK(refuse_certificate(p.certificate, p.authority.x, p.server.x, now - 11).find("valid from") != std::string::npos);
  CHECK(refuse_certificate(p.certificate, p.authority.x, p.server.x, now + 11).find("expired") != std::string::npos);
  CHECK(refuse_certificate(p.certificate, p.server.x, p.server.x, now) != "");
  CHECK(refuse_certificate(p.certificate, p.authority.x, p.authority.x, now) != "");
  CHECK(refuse_certificate(p.certificate, XOnly{}, p.server.x, now) != "");
  const auto bytes = p.certificate.to_bytes();
  CHECK(Certificate::from_bytes(bytes).to_bytes() == bytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    auto changed = bytes;
    changed[at] ^= 1;
    INFO(at);
    CHECK(refuse_certificate(Certificate::from_bytes(changed), p.authority.x, p.server.x, now) != "");
  }
}

// sv2-spec, 4.7.1
TEST_CASE("authority keys: the specification's vector; other versions, lengths and slips of the pen are refused") {
  const std::string text = "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh";
  const auto key = parse_authority_key(text);
  REQUIRE(key);
  CHECK(to_hex(*key) == "7663700097" "9c1c11af0c300bcd8c7fe48610fce9b9c11e3daee35ae0b08a7455");
  CHECK(authority_key_text(*key) == text);
  CHECK_FALSE(parse_authority_key(text.substr(1)));
  CHECK_FALSE(parse_authority_key("9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXi"));
  CHECK_FALSE(parse_authority_key("1BoatSLRHtKNngkdXEeobR76b53LETtpyT"));
}

TEST_CASE("sealed sizes: a piece of 65,519 bytes takes 65,535, and the rest 16 more than it has") {
  CHECK(sealed_size(0) == 0);
  CHECK(sealed_size(1) == 17);
  CHECK(sealed_size(65519) == 65535);
  CHECK(sealed_size(65520) == 65535 + 17);
}

}  // namespace
}  // namespace hh::stratum

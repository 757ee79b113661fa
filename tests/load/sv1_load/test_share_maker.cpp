#include <catch2/catch.hpp>
#include <cstring>
#include <set>

#include "share_maker.h"

using namespace hh;
using namespace hh::load;
namespace v1 = stratum::v1;

namespace {

v1::Notify job() {
  v1::Notify n;
  n.job = "a7";
  for (size_t i = 0; i < 32; ++i) n.prev_hash.bytes[i] = static_cast<uint8_t>(i);
  n.coinbase1 = Bytes(70, 1);
  n.coinbase2 = Bytes(90, 2);
  n.branch = {bitcoin::sha256(as_bytes("left")), bitcoin::sha256(as_bytes("right"))};
  n.version = 0x3fffe123;
  n.bits = 0x1d00ffff;
  n.ntime = 0x6553f100;
  return n;
}

// The hash of what a submit line says, from the protocol's description and nothing of the maker's.
bitcoin::Hash256 hash_of(const v1::Submit& s, const v1::Notify& n, const Bytes& extranonce1, uint32_t mask) {
  Bytes coinbase = n.coinbase1;
  coinbase.insert(coinbase.end(), extranonce1.begin(), extranonce1.end());
  const auto e2 = from_hex(s.extranonce2);
  REQUIRE(e2);
  coinbase.insert(coinbase.end(), e2->begin(), e2->end());
  coinbase.insert(coinbase.end(), n.coinbase2.begin(), n.coinbase2.end());
  bitcoin::Hash256 root = bitcoin::sha256d(coinbase);
  for (const auto& node : n.branch) {
    Bytes both(root.bytes.begin(), root.bytes.end());
    both.insert(both.end(), node.bytes.begin(), node.bytes.end());
    root = bitcoin::sha256d(both);
  }
  const uint32_t version = s.version_bits ? (n.version & ~mask) | *s.version_bits : n.version;
  return bitcoin::BlockHeader{version, n.prev_hash, root, s.ntime, n.bits, s.nonce}.hash();
}

struct Made {
  std::set<uint32_t> nonces;
  std::set<std::string> extranonces;
  uint64_t hashes = 0;
};

Made make(bitcoin::Difficulty d, std::optional<uint32_t> mask, size_t extranonce2_size, int count) {
  const Bytes extranonce1{9, 8, 7, 6};
  const v1::Notify n = job();
  ShareMaker maker(n, {extranonce1, extranonce2_size, "bcrt1q.w\"1", bitcoin::target_of(d), mask}, 5);
  v1::Parser parser;
  Made made;
  for (int i = 0; i < count; ++i) {
    std::string line;
    REQUIRE(maker.put_submit(line, 1000 + static_cast<uint64_t>(i)));
    REQUIRE(line.ends_with("\n"));
    const auto parsed = parser.request(std::string_view(line).substr(0, line.size() - 1));
    REQUIRE(std::holds_alternative<v1::Request>(parsed.value));
    const auto* s = std::get_if<v1::Submit>(&std::get<v1::Request>(parsed.value));
    REQUIRE(s != nullptr);
    CHECK(parsed.id == std::to_string(1000 + i));
    CHECK(s->user == "bcrt1q.w\"1");
    CHECK(s->job == "a7");
    CHECK(s->extranonce2.size() == 2 * extranonce2_size);
    CHECK(s->version_bits.has_value() == mask.has_value());
    const auto hash = hash_of(*s, n, extranonce1, mask.value_or(0));
    CHECK(bitcoin::target_of(d).met_by(hash));
    CHECK(maker.header().hash() == hash);
    made.nonces.insert(s->nonce);
    made.extranonces.insert(std::string(s->extranonce2));
  }
  made.hashes = maker.hashes();
  return made;
}

}  // namespace

TEST_CASE("at the least difficulty nearly every hash is a share, and each share is another", "[share_maker]") {
  const Made made = make(bitcoin::Difficulty(1), {}, 8, 500);
  CHECK(made.nonces.size() == 500);
  CHECK(made.extranonces == std::set<std::string>{"0000000000000005"});
  CHECK(made.hashes < 505);
}

TEST_CASE("a harder target is met as well, after about as many hashes as it should take", "[share_maker]") {
  const Made made = make(bitcoin::Difficulty(64), {}, 4, 100);  // one hash in 64
  CHECK(made.nonces.size() == 100);
  CHECK(made.hashes > 100 * 32);
  CHECK(made.hashes < 100 * 128);
}

TEST_CASE("with version rolling the bits are sent and the header has them", "[share_maker]") {
  make(bitcoin::Difficulty(1), 0x1fffe000, 8, 20);
  make(bitcoin::Difficulty(4), 0, 2, 20);
}

TEST_CASE("a target out of reach gives no line", "[share_maker]") {
  const v1::Notify n = job();
  ShareMaker maker(n, {{}, 4, "a", bitcoin::target_of(bitcoin::Difficulty::whole(1'000'000)), {}}, 1);
  std::string line;
  CHECK_FALSE(maker.put_submit(line, 1, 1000));
  CHECK(line.empty());
  CHECK(maker.hashes() == 1000);
}

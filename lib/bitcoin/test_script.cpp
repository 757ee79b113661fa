// Scripts, pushes of heights, and the dust threshold.
#include "base/error.h"
#include "bitcoin/block.h"
#include "bitcoin/script.h"
#include "bitcoin/test_support.h"
#include "bitcoin/vectors_block.h"

using namespace hh;
using namespace hh::bitcoin;
using test::hex;

TEST_CASE("scripts are built and recognised by their form") {
  const Hash160 h{1, 2, 3};
  CHECK(to_hex(p2pkh_script(h)) == "76a914010203" + std::string(34, '0') + "88ac");
  CHECK(to_hex(p2sh_script(h)) == "a914010203" + std::string(34, '0') + "87");
  CHECK(kind_of(p2pkh_script(h)) == ScriptKind::p2pkh);
  CHECK(kind_of(p2sh_script(h)) == ScriptKind::p2sh);
  CHECK(kind_of(witness_script(0, Bytes(20))) == ScriptKind::p2wpkh);
  CHECK(kind_of(witness_script(0, Bytes(32))) == ScriptKind::p2wsh);
  CHECK(kind_of(witness_script(1, Bytes(32))) == ScriptKind::p2tr);
  CHECK(kind_of(witness_script(1, Bytes(2))) == ScriptKind::witness_other);
  CHECK(kind_of(witness_script(16, Bytes(40))) == ScriptKind::witness_other);
  CHECK(kind_of(hex("6a")) == ScriptKind::op_return);
  for (const char* other : {"", "51", "00", "0014", "5102ff", "61040102", "4f020101"}) CHECK(kind_of(hex(other)) == ScriptKind::other);
  for (unsigned version = 0; version <= 16; ++version) {
    const Bytes script = witness_script(version, Bytes(32, 7)), program(32, 7);
    CHECK(script[0] == (version ? 0x50 + version : 0));
    const auto read = read_witness_program(script);
    REQUIRE(read);
    CHECK(read->version == version);
    CHECK(Bytes(read->program.begin(), read->program.end()) == program);
  }
  CHECK_THROWS_AS(witness_script(17, Bytes(32)), Error);
  CHECK_THROWS_AS(witness_script(1, Bytes(1)), Error);
  CHECK_THROWS_AS(witness_script(1, Bytes(41)), Error);
}

TEST_CASE("dust thresholds are those of Bitcoin Core at 3,000 sat/kvB [C062]") {
  const Hash160 h{};
  CHECK(dust_threshold(p2pkh_script(h)) == Sat(546));
  CHECK(dust_threshold(p2sh_script(h)) == Sat(540));
  CHECK(dust_threshold(witness_script(0, Bytes(20))) == Sat(294));
  CHECK(dust_threshold(witness_script(0, Bytes(32))) == Sat(330));
  CHECK(dust_threshold(witness_script(1, Bytes(32))) == Sat(330));
  CHECK(dust_threshold(witness_script(1, Bytes(2))) == Sat(240));  // pay to anchor
  CHECK(dust_threshold(hex("6a00")) == Sat(0));
  CHECK(is_unspendable(Bytes(10'001, 0x51)));
  CHECK_FALSE(is_unspendable(Bytes(10'000, 0x51)));
  CHECK_FALSE(is_unspendable({}));
}

TEST_CASE("heights are pushed as consensus compares them (BIP34)") {
  struct Case {
    uint32_t height;
    const char* push;
  };
  for (const Case& c : {Case{0, "00"}, {1, "51"}, {16, "60"}, {17, "0111"}, {127, "017f"}, {128, "028000"}, {255, "02ff00"}, {256, "020001"}, {32767, "02ff7f"},
                        {32768, "03008000"}, {227836, "03fc7903"}, {840000, "0340d10c"}, {8388607, "03ffff7f"}, {8388608, "0400008000"}, {UINT32_MAX, "05ffffffff00"}}) {
    CHECK(to_hex(height_push(c.height)) == c.push);
    CHECK(read_height_push(hex(c.push)) == c.height);
    CHECK(read_height_push(hex(std::string(c.push) + "abcdef")) == c.height);
  }
  for (const char* bad : {"", "01", "0101", "0110", "0180", "02", "0211", "021100", "0300", "038000", "03800000", "05ffffffff01", "06000000000001", "4c0111", "4f"}) {
    CAPTURE(bad);
    CHECK_FALSE(read_height_push(hex(bad)));
  }
}

TEST_CASE("a real coinbase states its height") {
  const Block block = parse_block(hex(vectors::testnet_1263442));
  CHECK(read_height_push(block.transactions[0].inputs[0].script) == 1263442u);
}

TEST_CASE("a push takes up to 75 bytes") {
  Bytes script;
  put_push(script, Bytes(75, 1));
  CHECK(script.size() == 76);
  CHECK(script[0] == 75);
  CHECK_THROWS_AS(put_push(script, Bytes(76, 1)), Error);
}

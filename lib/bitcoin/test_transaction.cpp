// Transactions and blocks: real ones byte for byte, generated ones round and round, damaged ones refused.
#include "base/error.h"
#include "bitcoin/block.h"
#include "bitcoin/test_support.h"
#include "bitcoin/transaction.h"
#include "bitcoin/vectors_block.h"
#include "bitcoin/wire.h"

using namespace hh;
using namespace hh::bitcoin;
using test::hex;

namespace {

// BIP143, "Native P2WPKH": the serialised signed transaction.
const char* bip143_signed =
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d11"
    "4c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec6"
    "8a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa81"
    "5988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee"
    "0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000";

Transaction any_transaction(test::Random& random) {
  Transaction tx;
  tx.version = static_cast<uint32_t>(random.u64());
  tx.lock_time = static_cast<uint32_t>(random.u64());
  for (uint64_t n = 1 + random.below(4); n > 0; --n) {
    TxInput in{{random.hash(), static_cast<uint32_t>(random.u64())}, random.bytes(random.below(300)), static_cast<uint32_t>(random.u64()), {}};
    for (uint64_t items = random.below(3); items > 0; --items) in.witness.push_back(random.bytes(random.below(300)));
    tx.inputs.push_back(in);
  }
  for (uint64_t n = random.below(5); n > 0; --n) tx.outputs.push_back({Sat(static_cast<int64_t>(random.below(2'100'000'000'000'001))), random.bytes(random.below(70))});
  return tx;
}

}  // namespace

TEST_CASE("BIP143's signed transaction reads and writes byte for byte") {
  const Bytes bytes = hex(bip143_signed);
  const Transaction tx = parse_transaction(bytes);
  CHECK(serialize(tx) == bytes);
  CHECK(tx.version == 1);
  CHECK(tx.lock_time == 17);
  REQUIRE(tx.inputs.size() == 2);
  CHECK(tx.inputs[0].sequence == 0xffffffee);
  CHECK(tx.inputs[0].witness.empty());
  CHECK(tx.inputs[1].witness.size() == 2);
  REQUIRE(tx.outputs.size() == 2);
  CHECK(tx.outputs[0].value == Sat(112340000));
  CHECK(tx.outputs[1].value == Sat(223450000));
  CHECK_FALSE(tx.is_coinbase());
  CHECK(tx.wtxid() == sha256d(bytes));
  CHECK(tx.txid() != tx.wtxid());
  CHECK(tx.weight() == 3 * serialize_stripped(tx).size() + bytes.size());
}

TEST_CASE("the first payment ever has its txid, and its block its hash") {
  const Block block = parse_block(hex(vectors::main_170));
  REQUIRE(block.transactions.size() == 2);
  CHECK(block.header.hash().to_display_hex() == "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee");
  CHECK(has_valid_work(block.header));
  CHECK(block.transactions[0].is_coinbase());
  CHECK(block.transactions[0].outputs[0].value == block_subsidy(170));
  CHECK(block.transactions[1].txid().to_display_hex() == "f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16");
  CHECK(block.transactions[1].txid() == block.transactions[1].wtxid());
  CHECK(to_hex(serialize(block)) == vectors::main_170);
  CHECK(block.weight() == 4 * serialize(block).size());
}

TEST_CASE("a block with witnesses reads and writes byte for byte") {
  const Block block = parse_block(hex(vectors::testnet_1263442));
  CHECK(block.header.hash().to_display_hex() == "000000006f27ddfe1dd680044a34548f41bed47eba9e6f0b310da21423bc5f33");
  REQUIRE(block.transactions.size() == 2);
  CHECK(block.transactions[0].inputs[0].witness == std::vector<Bytes>{Bytes(32, 0)});
  CHECK(to_hex(serialize(block)) == vectors::testnet_1263442);
  CHECK(block.weight() < 4 * serialize(block).size());
  CHECK_THROWS_AS(parse_block(hex(std::string(vectors::testnet_1263442) + "00")), Error);
}

TEST_CASE("any transaction that is written reads back the same") {
  test::Random random(12);
  for (int i = 0; i < 1000; ++i) {
    const Transaction tx = any_transaction(random);
    CHECK(parse_transaction(serialize(tx)) == tx);
    Transaction stripped = tx;
    for (auto& in : stripped.inputs) in.witness.clear();
    CHECK(parse_transaction(serialize_stripped(tx)) == stripped);
    CHECK(stripped.txid() == tx.txid());
  }
}

TEST_CASE("a transaction cut anywhere, or with a byte too many, is refused") {
  const Bytes bytes = hex(bip143_signed);
  for (size_t n = 0; n < bytes.size(); ++n) CHECK_THROWS_AS(parse_transaction(BytesView(bytes).first(n)), Error);
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK_THROWS_WITH(parse_transaction(longer), Catch::Contains("1 bytes follow the transaction"));
}

TEST_CASE("what reads from damaged bytes writes those same bytes") {
  const Bytes bytes = hex(bip143_signed);
  int read = 0;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    Bytes damaged = bytes;
    damaged[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
    try {
      const Transaction tx = parse_transaction(damaged);
      CHECK(serialize(tx) == damaged);
      ++read;
    } catch (const Error& e) {
      CHECK(e.code() == Exit::data);
    }
  }
  CHECK(read > 1000);
}

TEST_CASE("claims that the input cannot hold are refused before memory is taken for them") {
  const std::string start = "01000000";
  const std::string input = std::string(64, '0') + "00000000" "00" "ffffffff";
  struct Case {
    std::string bytes, why;
  };
  for (const Case& c : {Case{start + "ffffffffffffffffff", "claims 18446744073709551615 inputs"}, {start + "feffffffff" + input, "inputs"},
                        {start + "01" + input + "feffffff7f", "outputs"}, {start + "01" + std::string(64, '0') + "00000000" "feffffff00", "bytes"},
                        {start + "0000", "without inputs"}, {start + "0002", "unknown flag 2"}, {start + "000100", "without inputs"},
                        {start + "0001" "01" + input + "00" "00" "00000000", "without any witness"},
                        {start + "0001" "01" + input + "00" "feffffff7f" "00000000", "witness items"},
                        {start + "fd0100" + input + "00" "00000000", "longer than needed"}}) {
    CAPTURE(c.bytes);
    CHECK_THROWS_WITH(parse_transaction(hex(c.bytes)), Catch::Contains(c.why));
  }
}

TEST_CASE("an output of more than 21e6 BTC is refused") {
  Transaction tx;
  tx.inputs.resize(1);
  tx.outputs.push_back({max_money, {}});
  CHECK(parse_transaction(serialize(tx)) == tx);
  tx.outputs[0].value = max_money + Sat(1);
  CHECK_THROWS_WITH(parse_transaction(serialize(tx)), Catch::Contains("exceeds 21e6 BTC"));
  tx.outputs[0].value = Sat(-1);
  CHECK_THROWS_AS(parse_transaction(serialize(tx)), Error);
}

TEST_CASE("CompactSize has one encoding for each number") {
  for (uint64_t n : {uint64_t{0}, uint64_t{0xfc}, uint64_t{0xfd}, uint64_t{0xffff}, uint64_t{0x10000}, uint64_t{0xffffffff}, uint64_t{0x100000000}, UINT64_MAX}) {
    Bytes out;
    put_compact_size(out, n);
    CHECK(out.size() == (n < 0xfd ? 1u : n <= 0xffff ? 3u : n <= 0xffffffff ? 5u : 9u));
    Reader in(out);
    CHECK(in.compact_size() == n);
    CHECK(in.left() == 0);
  }
  for (const char* longer : {"fdfc00", "feffff0000", "ffffffffff00000000"}) {
    const Bytes bytes = hex(longer);
    Reader in(bytes);
    CHECK_THROWS_AS(in.compact_size(), Error);
  }
}

TEST_CASE("the subsidy halves every 210,000 blocks until nothing is left") {
  CHECK(block_subsidy(0) == Sat(5'000'000'000));
  CHECK(block_subsidy(209'999) == Sat(5'000'000'000));
  CHECK(block_subsidy(210'000) == Sat(2'500'000'000));
  CHECK(block_subsidy(840'000) == Sat(312'500'000));
  CHECK(block_subsidy(33 * 210'000 - 1) == Sat(1));
  CHECK(block_subsidy(33 * 210'000) == Sat(0));
  CHECK(block_subsidy(UINT32_MAX) == Sat(0));
  CHECK(block_subsidy(150, 150) == Sat(2'500'000'000));
  // 64 halvings and more shift by the width of the type, which C++ leaves undefined.
  CHECK(block_subsidy(64 * 150, 150) == Sat(0));
  int64_t all = 0;
  for (uint32_t era = 0; era < 64; ++era) all += 210'000 * block_subsidy(era * 210'000).count();
  CHECK(all == 2'099'999'997'690'000);  // subsidy_limit_test of Bitcoin Core's main_tests.cpp
}

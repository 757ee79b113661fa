// The coinbase: who gets what in both of its ends, byte for byte, and its limits. [C062]
#include "base/error.h"
#include "bitcoin/coinbase.h"
#include "bitcoin/merkle.h"
#include "bitcoin/script.h"
#include "bitcoin/test_support.h"
#include "bitcoin/transaction.h"

using namespace hh;
using namespace hh::bitcoin;
using test::hex;

namespace {

const Bytes treasury = witness_script(1, Bytes(32, 0xaa));
const Bytes finder = witness_script(0, Bytes(20, 0xbb));
const Bytes commitment = witness_commitment_script(sha256({}));
const Bytes extranonce{1, 2, 3, 4, 5, 6, 7, 8};

CoinbaseInputs inputs() { return {840'000, {}, "/Hyper Hash/", extranonce.size(), Sat(312'500'000), Sat(123'456), treasury, commitment}; }

Transaction coinbase_of(const CoinbaseInputs& in, const Bytes& finder_script) {
  const auto parts = build_coinbase(in);
  return parse_transaction(join_coinbase(parts.prefix, extranonce, suffix_for(parts, finder_script)));
}

// The length byte of the input's script, which follows version, count and outpoint.
size_t read_script_size(const CoinbaseParts& parts) { return parts.prefix.at(4 + 1 + 36); }

}  // namespace

TEST_CASE("fees go to the finder's own output where its name is an address [C062][L026][X023]") {
  const Transaction tx = coinbase_of(inputs(), finder);
  CHECK(tx.is_coinbase());
  REQUIRE(tx.outputs.size() == 3);
  CHECK(tx.outputs[0] == TxOutput{Sat(312'500'000), treasury});
  CHECK(tx.outputs[1] == TxOutput{Sat(123'456), finder});
  CHECK(tx.outputs[2] == TxOutput{Sat(0), commitment});
}

TEST_CASE("fees go to the treasury where there is no address to pay them to [C062][L026]") {
  const Transaction tx = coinbase_of(inputs(), {});
  REQUIRE(tx.outputs.size() == 2);
  CHECK(tx.outputs[0] == TxOutput{Sat(312'623'456), treasury});
  CHECK(tx.outputs[1] == TxOutput{Sat(0), commitment});
}

TEST_CASE("fees that would be dust for the finder's script stay with the treasury, up to the last satoshi [C062]") {
  for (const Bytes& script : {finder, p2pkh_script({}), witness_script(1, Bytes(32))}) {
    CoinbaseInputs in = inputs();
    in.fees = dust_threshold(script);
    CHECK(can_pay_finder(build_coinbase(in), script));
    CHECK(coinbase_of(in, script).outputs.size() == 3);
    in.fees -= Sat(1);
    CHECK_FALSE(can_pay_finder(build_coinbase(in), script));
    CHECK(coinbase_of(in, script).outputs.size() == 2);
    CHECK(coinbase_of(in, script).outputs[0].value == in.subsidy + in.fees);
    CHECK_THROWS_AS(finder_suffix(build_coinbase(in), script), Error);
  }
  // An OP_RETURN has no dust threshold, but would burn the fees.
  CHECK_FALSE(can_pay_finder(build_coinbase(inputs()), hex("6a00")));
}

TEST_CASE("the coinbase's bytes are these: the same inputs give the same coinbase for ever [C062]") {
  const auto parts = build_coinbase(inputs());
  // version, one input, null outpoint, script of 3+1 (height) + 1+12 (tag) + 1+8 (extranonce) = 26 bytes
  CHECK(to_hex(parts.prefix) == "0200000001" + std::string(64, '0') + "ffffffff" "1a" "0340d10c" "0c2f48797065722048617368" "2f" "08");
  CHECK(to_hex(parts.treasury_suffix) ==
        "feffffff" "02" "6041a21200000000" "22" "5120" + std::string(64, 'a') + "0000000000000000" "26" + to_hex(commitment) + "3fd10c00");
  CHECK(to_hex(parts.finder_head) == "feffffff" "03" "205fa01200000000" "22" "5120" + std::string(64, 'a') + "40e2010000000000");
  CHECK(to_hex(parts.finder_tail) == "0000000000000000" "26" + to_hex(commitment) + "3fd10c00");
  CHECK(finder_suffix(parts, finder) == hex(to_hex(parts.finder_head) + "16" + to_hex(finder) + to_hex(parts.finder_tail)));
}

TEST_CASE("a coinbase states its height and cannot be older than its block (BIP34, BIP54) [C062]") {
  for (uint32_t height : {1u, 16u, 17u, 128u, 65'536u, 840'000u, 2'000'000'000u}) {
    CoinbaseInputs in = inputs();
    in.height = height;
    const Transaction tx = coinbase_of(in, finder);
    CHECK(read_height_push(tx.inputs[0].script) == height);
    CHECK(tx.lock_time == height - 1);
    CHECK(tx.inputs[0].sequence != 0xffffffff);
    CHECK(tx.inputs[0].script.size() <= 100);
  }
}

TEST_CASE("the extranonce is the last push of the script and stands right after the prefix [C062]") {
  for (size_t size : {size_t{2}, size_t{8}, size_t{32}}) {
    CoinbaseInputs in = inputs();
    in.extranonce_size = size;
    const auto parts = build_coinbase(in);
    CHECK(parts.extranonce_size == size);
    const Transaction tx = parse_transaction(join_coinbase(parts.prefix, Bytes(size, 0xee), parts.treasury_suffix));
    const Bytes& script = tx.inputs[0].script;
    CHECK(Bytes(script.end() - static_cast<ptrdiff_t>(size), script.end()) == Bytes(size, 0xee));
    CHECK(script[script.size() - size - 1] == size);
  }
}

TEST_CASE("the txid of the pieces is the txid of the whole, and the witness does not change it [C062]") {
  const auto parts = build_coinbase(inputs());
  const Bytes suffix = finder_suffix(parts, finder);
  const Bytes stripped = join_coinbase(parts.prefix, extranonce, suffix);
  const Transaction whole = parse_transaction(with_witness(stripped));
  CHECK(coinbase_txid(parts.prefix, extranonce, suffix) == parse_transaction(stripped).txid());
  CHECK(whole.txid() == coinbase_txid(parts.prefix, extranonce, suffix));
  CHECK(whole.inputs[0].witness == std::vector<Bytes>{Bytes(32, 0)});
  CHECK(serialize_stripped(whole) == stripped);
  CHECK_THROWS_AS(with_witness(with_witness(stripped)), Error);
  CHECK_THROWS_AS(with_witness(BytesView(stripped).first(50)), Error);
  Transaction other = parse_transaction(stripped);
  other.inputs[0].previous.index = 0;
  CHECK_THROWS_AS(with_witness(serialize(other)), Error);
}

TEST_CASE("the parts hold for any input: value is conserved and every byte is accounted for [C062]") {
  test::Random random(18);
  for (int i = 0; i < 500; ++i) {
    CoinbaseInputs in = inputs();
    in.height = 1 + static_cast<uint32_t>(random.below(10'000'000));
    in.aux = random.bytes(random.below(10));
    in.pool_tag = std::string(random.below(30), 'x');
    in.subsidy = Sat(static_cast<int64_t>(random.below(5'000'000'001)));
    in.fees = Sat(static_cast<int64_t>(random.below(random.below(2) ? 1000 : 1'000'000'000)));
    if (random.below(4) == 0) in.witness_commitment_script.clear();
    for (const Bytes& script : {finder, Bytes()}) {
      const Transaction tx = coinbase_of(in, script);
      Sat sum;
      for (const auto& out : tx.outputs) sum += out.value;
      CHECK(sum == in.subsidy + in.fees);
      const bool to_finder = !script.empty() && in.fees >= dust_threshold(script);
      CHECK(tx.outputs.size() == (to_finder ? 2u : 1u) + (in.witness_commitment_script.empty() ? 0u : 1u));
    }
  }
}

TEST_CASE("what would not be a valid coinbase is refused [C062]") {
  const auto refused = [](auto change) {
    CoinbaseInputs in = inputs();
    change(in);
    CHECK_THROWS_AS(build_coinbase(in), Error);
  };
  refused([](CoinbaseInputs& in) { in.pool_tag = std::string(76, 'x'); });
  refused([](CoinbaseInputs& in) { in.pool_tag = std::string(75, 'x'), in.extranonce_size = 32; });
  refused([](CoinbaseInputs& in) { in.extranonce_size = 1; });
  refused([](CoinbaseInputs& in) { in.extranonce_size = 33; });
  refused([](CoinbaseInputs& in) { in.treasury_script.clear(); });
  refused([](CoinbaseInputs& in) { in.subsidy = Sat(-1); });
  refused([](CoinbaseInputs& in) { in.fees = Sat(-1); });
  refused([](CoinbaseInputs& in) { in.fees = max_money; });
  refused([](CoinbaseInputs& in) { in.height = 0; });
  refused([](CoinbaseInputs& in) { in.aux = Bytes(76, 1); });
  // 4 (height) + 76 (tag) + 1 + 19 (extranonce) = 100
  CoinbaseInputs full = inputs();
  full.pool_tag = std::string(75, 'x');
  full.extranonce_size = 19;
  CHECK(read_script_size(build_coinbase(full)) == 100);
  full.extranonce_size = 20;
  CHECK_THROWS_WITH(build_coinbase(full), Catch::Contains("shorten the pool tag"));
}

TEST_CASE("solo: the finder gets the whole reward but for what the treasury keeps, to the satoshi [C062][X023]") {
  CoinbaseInputs in = inputs();
  const Sat reward = in.subsidy + in.fees;
  in.treasury_keeps = solo_fee(reward, 10'000, treasury);
  CHECK(*in.treasury_keeps == Sat(3'126'234));  // of 312,623,456: rounded down
  const Transaction tx = coinbase_of(in, finder);
  REQUIRE(tx.outputs.size() == 3);
  CHECK(tx.outputs[0] == TxOutput{Sat(3'126'234), treasury});
  CHECK(tx.outputs[1] == TxOutput{reward - Sat(3'126'234), finder});
  in.treasury_keeps = Sat(0);
  const Transaction all = coinbase_of(in, finder);
  REQUIRE(all.outputs.size() == 2);
  CHECK(all.outputs[0] == TxOutput{reward, finder});
  CHECK(all.outputs[1] == TxOutput{Sat(0), commitment});
  in.treasury_keeps = reward + Sat(1);
  CHECK_THROWS_AS(build_coinbase(in), Error);
  in.treasury_keeps = Sat(-1);
  CHECK_THROWS_AS(build_coinbase(in), Error);
}

TEST_CASE("solo: nothing is kept that would be dust, and a reward that is dust stays with the treasury [C062]") {
  const Sat dust = dust_threshold(treasury);
  CHECK(solo_fee(Sat(dust.count() * 100), 10'000, treasury) == dust);
  CHECK(solo_fee(Sat(dust.count() * 100 - 1), 10'000, treasury) == Sat(0));
  CHECK(solo_fee(max_money, 500'000, treasury) == Sat(max_money.count() / 2));
  CHECK(solo_fee(max_money, 0, treasury) == Sat(0));
  test::Random random(19);
  for (int i = 0; i < 500; ++i) {
    CoinbaseInputs in = inputs();
    in.subsidy = Sat(static_cast<int64_t>(random.below(random.below(2) ? 1000 : 5'000'000'000)));
    in.fees = Sat(static_cast<int64_t>(random.below(random.below(2) ? 1000 : 1'000'000'000)));
    in.treasury_keeps = solo_fee(in.subsidy + in.fees, static_cast<int64_t>(random.below(500'001)), treasury);
    const Transaction tx = coinbase_of(in, finder);
    Sat sum, to_finder;
    for (const TxOutput& o : tx.outputs) {
      sum += o.value;
      if (o.script == finder) to_finder += o.value;
      CHECK((o.script == commitment || o.value >= dust_threshold(o.script) || o.script == treasury));
    }
    CHECK(sum == in.subsidy + in.fees);
    const Sat left = in.subsidy + in.fees - *in.treasury_keeps;
    CHECK(to_finder == (left >= dust_threshold(finder) ? left : Sat(0)));
  }
}

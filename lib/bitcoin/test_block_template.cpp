// Block templates: what bitcoind sends is read, contradictions in it are refused, and a block made from one is whole.
#include "base/error.h"
#include "bitcoin/block.h"
#include "bitcoin/block_template.h"
#include "bitcoin/coinbase.h"
#include "bitcoin/merkle.h"
#include "bitcoin/script.h"
#include "bitcoin/test_support.h"
#include "json/strict.h"

using namespace hh;
using namespace hh::bitcoin;
using json::Json;

namespace {

Transaction payment(test::Random& random, bool witness) {
  Transaction tx;
  tx.inputs.push_back({{random.hash(), 0}, random.bytes(witness ? 0 : 100), 0xfffffffd, {}});
  if (witness) tx.inputs[0].witness = {random.bytes(64)};
  tx.outputs.push_back({Sat(1000), witness_script(0, random.bytes(20))});
  return tx;
}

// As bitcoind answers on regtest, with three transactions paying 1,000, 2,000 and 3,000 sat.
Json good_template() {
  test::Random random(19);
  Json transactions = Json::array();
  std::vector<Hash256> wtxids;
  for (int i = 0; i < 3; ++i) {
    const Transaction tx = payment(random, i != 1);
    wtxids.push_back(tx.wtxid());
    transactions.push_back({{"data", to_hex(serialize(tx))}, {"txid", tx.txid().to_display_hex()}, {"hash", tx.wtxid().to_display_hex()},
                            {"depends", Json::array()}, {"fee", 1000 * (i + 1)}, {"sigops", 1}, {"weight", tx.weight()}});
  }
  return {{"capabilities", {"proposal"}}, {"version", 0x20000000}, {"rules", {"csv", "!segwit", "taproot"}}, {"vbavailable", Json::object()}, {"vbrequired", 0},
          {"previousblockhash", random.hash().to_display_hex()}, {"transactions", transactions}, {"coinbaseaux", Json::object()}, {"coinbasevalue", 5'000'006'000},
          {"longpollid", "abc17"}, {"target", "7fffff" + std::string(58, '0')}, {"mintime", 1'600'000'001}, {"mutable", {"time", "transactions", "prevblock"}},
          {"noncerange", "00000000ffffffff"}, {"sigoplimit", 80000}, {"sizelimit", 4000000}, {"weightlimit", 4000000}, {"curtime", 1'700'000'000}, {"bits", "207fffff"},
          {"height", 101}, {"default_witness_commitment", to_hex(witness_commitment_script(witness_commitment(wtxids)))}};
}

void check_refused(const Json& t, const std::string& why) {
  CAPTURE(t.dump());
  CHECK_THROWS_WITH(parse_block_template(t), Catch::Contains("block template") && Catch::Contains(why));
}
void check_refused(const char* field, const Json& value, const std::string& why) {
  Json t = good_template();
  t[field] = value;
  check_refused(t, why);
}

}  // namespace

TEST_CASE("a template gives its subsidy and its fees apart [C061][C062]") {
  const BlockTemplate t = parse_block_template(good_template().dump());
  CHECK(t.height == 101);
  CHECK(t.fees == Sat(6000));
  CHECK(t.subsidy == Sat(5'000'000'000));
  CHECK(t.bits == 0x207fffff);
  CHECK(t.target == *Target::from_compact(0x207fffff));
  CHECK(t.version == 0x20000000);
  CHECK(t.curtime == 1'700'000'000);
  CHECK(t.mintime == 1'600'000'001);
  CHECK(t.longpollid == "abc17");
  CHECK(t.rules.size() == 3);
  CHECK(t.coinbase_aux.empty());
  CHECK(t.transactions.size() == 3);
  CHECK(t.prev_hash.to_display_hex() == good_template()["previousblockhash"]);
}

TEST_CASE("a template without transactions is a template") {
  Json t = good_template();
  t["transactions"] = Json::array();
  t["default_witness_commitment"] = to_hex(witness_commitment_script(witness_commitment({})));
  t["coinbasevalue"] = 5'000'000'000;
  const BlockTemplate parsed = parse_block_template(t);
  CHECK(parsed.fees == Sat(0));
  CHECK(parsed.merkle_branch().empty());
}

TEST_CASE("missing, mistyped and contradicting fields are refused by name") {
  for (const char* field : {"height", "previousblockhash", "version", "curtime", "bits", "coinbasevalue", "transactions"}) {
    Json t = good_template();
    t.erase(field);
    check_refused(t, field);
    check_refused(field, Json::array({1}), field == std::string("transactions") ? "transaction 1" : field);
  }
  check_refused("height", 0, "height");
  check_refused("height", -1, "height");
  check_refused("height", 4'294'967'296, "height");
  check_refused("bits", "1d80ffff", "bits");
  check_refused("bits", "00000000", "bits");
  check_refused("target", std::string(63, '0') + "1", "contradict");
  check_refused("coinbasevalue", 5999, "exceed its coinbasevalue");
  check_refused("coinbasevalue", -1, "coinbasevalue");
  check_refused("default_witness_commitment", to_hex(witness_commitment_script({})), "not that of its transactions");
  check_refused("default_witness_commitment", "6a24", "not that of its transactions");
  check_refused("default_witness_commitment", nullptr, "ask with rules");
  CHECK_THROWS_AS(parse_block_template(Json::array()), Error);
  CHECK_THROWS_AS(parse_block_template(std::string("{")), Error);
}

TEST_CASE("a transaction that is not what the template says it is, is refused by its number") {
  for (const char* field : {"txid", "hash"}) {
    Json t = good_template();
    t["transactions"][1][field] = std::string(64, 'a');
    check_refused(t, "transaction 2");
  }
  Json t = good_template();
  t["transactions"][2]["fee"] = -1;
  check_refused(t, "transaction 3");
  for (const char* data : {"", "00", "zz", "0100"}) {
    t = good_template();
    t["transactions"][0]["data"] = data;
    check_refused(t, "transaction 1");
  }
}

TEST_CASE("a rule that must be known and is not stops the pool from building an invalid block") {
  check_refused("rules", {"csv", "!segwit", "!newfork"}, "newfork");
  check_refused("rules", {"!signet"}, "signet_challenge");
  Json t = good_template();
  t["rules"] = {"csv", "unknown-but-optional"};
  CHECK_NOTHROW(parse_block_template(t));
  t["rules"] = {"!segwit", "!signet"};
  t["signet_challenge"] = "51";
  CHECK_NOTHROW(parse_block_template(t));
  t["signet_challenge"] = "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae";
  check_refused(t, "must be signed");
}

TEST_CASE("coinbaseaux values go into the coinbase's script") {
  Json t = good_template();
  t["coinbaseaux"] = {{"flags", "0102"}, {"other", "03"}};
  CHECK(parse_block_template(t).coinbase_aux == Bytes{1, 2, 3});
  t["coinbaseaux"] = {{"flags", "zz"}};
  check_refused(t, "flags");
}

TEST_CASE("a block from a template is whole: root, commitment, height and value hold [C061][C062]") {
  const BlockTemplate t = parse_block_template(good_template());
  const Bytes extranonce(8, 0x11), finder = witness_script(0, Bytes(20, 0xbb));
  const auto parts = build_coinbase({t.height, t.coinbase_aux, "/Hyper Hash/", extranonce.size(), t.subsidy, t.fees, witness_script(1, Bytes(32, 1)), t.witness_commitment_script});
  const Bytes suffix = suffix_for(parts, finder);
  BlockHeader header{t.version, t.prev_hash, root_from_branch(coinbase_txid(parts.prefix, extranonce, suffix), t.merkle_branch()), t.curtime, t.bits, 0};
  while (!has_valid_work(header)) ++header.nonce;

  const std::string hex = block_hex(header, with_witness(join_coinbase(parts.prefix, extranonce, suffix)), t.transactions);
  const Block block = parse_block(test::hex(hex));
  CHECK(block.header == header);
  CHECK(merkle_root(block.txids()) == header.merkle_root);
  REQUIRE(block.transactions.size() == 4);
  const Transaction& coinbase = block.transactions[0];
  CHECK(read_height_push(coinbase.inputs[0].script) == t.height);
  REQUIRE(coinbase.outputs.size() == 3);
  CHECK(coinbase.outputs[0].value == t.subsidy);
  CHECK(coinbase.outputs[1] == TxOutput{t.fees, finder});
  auto wtxids = block.wtxids();
  wtxids.erase(wtxids.begin());
  Hash256 stated;
  REQUIRE(read_witness_commitment(coinbase.outputs[2].script, stated));
  CHECK(witness_commitment(wtxids) == stated);
  CHECK(to_hex(serialize(block)) == hex);
}

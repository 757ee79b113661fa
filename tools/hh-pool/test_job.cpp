#include "test_parts.h"

#include "base/file.h"
#include "json/strict.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

TEST_CASE("two jobs of one template, and of two pools, share no work [C062]", "[C062]") {
  const auto t = simple_template();
  JobMaker maker = job_maker(), other = job_maker(0x18b'cfe5'6800, "other");
  const auto a = maker.make(t, true, 0), b = maker.make(t, false, 0), c = other.make(t, true, 0);
  CHECK(a->record.job != b->record.job);
  CHECK(a->coinbase.prefix != b->coinbase.prefix);
  CHECK(a->record.job == c->record.job);
  CHECK(a->coinbase.prefix != c->coinbase.prefix);
}

TEST_CASE("job ids tell stale from unknown [C125]", "[C125]") {
  JobMaker maker = job_maker();
  const auto a = maker.make(simple_template(), true, 0), b = maker.make(simple_template(), false, 0);
  CHECK(a->number < b->number);
  CHECK(maker.was_ours(a->record.job, b->number));
  CHECK(maker.was_ours(b->record.job, b->number));
  CHECK_FALSE(maker.was_ours(b->record.job, a->number));
  JobMaker later = job_maker(0x18b'cfe5'6801);
  const auto c = later.make(simple_template(), true, 0);
  CHECK(c->number > b->number);
  CHECK(later.was_ours(b->record.job, c->number));  // of the run before
  CHECK_FALSE(maker.was_ours(c->record.job, b->number));
  for (const std::string& id : std::vector<std::string>{"", "1", "zz", "0" + a->record.job, a->record.job.substr(0, a->record.job.size() - 1) + "g"}) CHECK_FALSE(maker.was_ours(id, b->number));
}

TEST_CASE("a recorded template becomes a block with the right coinbase [C062][C124]", "[C062][C124]") {
  // What bitcoind 31.99 answered on regtest with nine transactions of 10,000 sat fees each in its mempool, six of them with witnesses.
  const auto t = std::make_shared<bitcoin::BlockTemplate>(bitcoin::parse_block_template(read_file(TEST_DATA "/template_regtest.json")));
  REQUIRE(t->transactions.size() == 9);
  CHECK(t->fees == Sat(90'000));
  const auto job = job_maker().make(t, true, 0);
  const Bytes script = bitcoin::script_from_address(miner_address, bitcoin::Network::regtest).script;
  const Bytes extranonce(12, 7);
  const auto coinbase = bitcoin::parse_transaction(bitcoin::join_coinbase(job->coinbase.prefix, extranonce, bitcoin::suffix_for(job->coinbase, script)));
  REQUIRE(coinbase.outputs.size() == 3);
  CHECK(coinbase.outputs[0].value == t->subsidy);
  CHECK(coinbase.outputs[1].value == Sat(90'000));
  CHECK(coinbase.outputs[1].script == script);
  CHECK(coinbase.outputs[2].script == t->witness_commitment_script);
  CHECK(job->record.tx_count == 10);

  std::vector<bitcoin::Hash256> all{coinbase.txid()};
  for (const auto& tx : t->transactions) all.push_back(tx.txid);
  CHECK(bitcoin::root_from_branch(coinbase.txid(), job->record.merkle_branch) == bitcoin::merkle_root(all));
}

TEST_CASE("a job is the same when it is made of its record again [C124]", "[C124]") {
  const auto t = std::make_shared<bitcoin::BlockTemplate>(bitcoin::parse_block_template(read_file(TEST_DATA "/template_regtest.json")));
  const auto job = job_maker().make(t, true, 77);
  const auto again = make_job(records::parse_job(json::parse(records::job_line(job->record))), job->number, true, t);
  CHECK(again->record == job->record);
  CHECK(again->notify.first == job->notify.first);
  CHECK(again->notify.second == job->notify.second);
  CHECK(again->least_time == job->least_time);
  CHECK(again->most_time == job->most_time);
  CHECK(again->most_difficulty == job->most_difficulty);
  LiveJob a(job), b(again);
  const Bytes script = bitcoin::script_from_address(miner_address, bitcoin::Network::regtest).script;
  CHECK(a.suffix(script) == b.suffix(script));
  CHECK(a.suffix({}) == b.suffix({}));
  const Bytes e1(4, 1), e2(8, 2);
  CHECK(a.coinbase_txid(e1, e2, script) == b.coinbase_txid(e1, e2, script));
}

TEST_CASE("fees that would be dust go by the manifest [C062]", "[C062]") {
  auto t = simple_template();
  t->fees = Sat(100);
  LiveJob live(job_maker().make(t, true, 0));
  const Bytes script = bitcoin::script_from_address(miner_address, bitcoin::Network::regtest).script;
  CHECK(live.fee_to(script) == records::FeeTo::manifest);
  CHECK(live.suffix({}) == live.suffix(script));
}

TEST_CASE("solo: a job is the same when it is made of its record again, and says who gets what [C062][C124]", "[C062][C124]") {
  const auto t = simple_template();
  const auto job = job_maker(1, "pool", 20'000).make(t, true, 77);
  const Sat kept(50'000'246);  // 2 % of 2,500,012,345, rounded down
  CHECK(job->record.treasury_keeps == kept);
  LiveJob a(job), b(make_job(records::parse_job(json::parse(records::job_line(job->record))), job->number, true, t));
  const Bytes script = bitcoin::script_from_address(miner_address, bitcoin::Network::regtest).script;
  CHECK(a.suffix(script) == b.suffix(script));
  CHECK(a.suffix({}) == b.suffix({}));
  CHECK(b.treasury_keeps(script) == kept);
  CHECK(b.treasury_keeps({}) == std::nullopt);  // the treasury has it all, and the manifest would pay it
  const auto coinbase = bitcoin::parse_transaction(bitcoin::join_coinbase(job->coinbase.prefix, Bytes(12, 7), b.suffix(script)));
  CHECK(coinbase.outputs.at(0).value == kept);
  CHECK(coinbase.outputs.at(1) == bitcoin::TxOutput{t->subsidy + t->fees - kept, script});
}

#include "bitcoin/block.h"
#include "bitcoin/merkle.h"
#include "empty_block.h"
#include "template_age.h"
#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;
using bitcoin::Network;

namespace {

constexpr uint32_t main_bits = 0x1702349a;

bitcoin::BlockTemplate last_of(Network chain, uint32_t height, uint32_t bits) {
  bitcoin::BlockTemplate t = *simple_template(bits, height);
  t.subsidy = bitcoin::block_subsidy(height, halving_interval(chain));
  return t;
}

Tip parent(uint32_t height, uint32_t bits) {
  Tip t;
  t.hash.bytes.fill(7);
  t.height = height;
  t.bits = bits;
  t.median_time = 1'700'000'100;
  return t;
}

}  // namespace

TEST_CASE("an empty block's template has the fields that its parent fixes", "[C061][C124]") {
  const auto t = empty_block_template(Network::main, parent(870'000, main_bits), last_of(Network::main, 870'000, main_bits), 90'500);
  REQUIRE(t);
  CHECK(t->height == 870'001);
  CHECK(t->prev_hash == parent(0, 0).hash);
  CHECK(t->bits == main_bits);
  CHECK(t->version == 0x20000000);
  CHECK(t->mintime == 1'700'000'101);
  CHECK(t->curtime == 1'700'000'101);  // the last template's 1,700,000,000 and 90 s are too early
  CHECK(t->subsidy == Sat(312'500'000));
  CHECK(t->fees == Sat(0));
  CHECK(t->transactions.empty());
  CHECK(t->merkle_branch().empty());
  // BIP141's commitment to a block of a coinbase only: SHA-256d of 64 zero bytes.
  CHECK(to_hex(t->witness_commitment_script) == "6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9");
  const auto later = empty_block_template(Network::main, parent(870'000, main_bits), last_of(Network::main, 870'000, main_bits), 200'999);
  CHECK(later->curtime == 1'700'000'200);
}

TEST_CASE("there is no empty block where its difficulty is not certain", "[C061][C124]") {
  const auto possible = [](Network chain, uint32_t parent_height, uint32_t parent_bits, uint32_t last_bits) {
    return empty_block_template(chain, parent(parent_height, parent_bits), last_of(chain, parent_height, last_bits), 0).has_value();
  };
  CHECK(possible(Network::main, 2016 * 430, main_bits, main_bits));
  CHECK_FALSE(possible(Network::main, 2016 * 430 - 1, main_bits, main_bits));  // the next block starts a period
  CHECK_FALSE(possible(Network::main, 2016 * 430, main_bits - 1, main_bits));
  CHECK_FALSE(possible(Network::main, 2016 * 430, 0, 0));
  CHECK_FALSE(possible(Network::signet, 2015, 0x1e0377ae, 0x1e0377ae));
  CHECK(possible(Network::signet, 2016, 0x1e0377ae, 0x1e0377ae));
  CHECK_FALSE(possible(Network::testnet4, 100'000, main_bits, main_bits));
  CHECK(possible(Network::regtest, 2015, 0x207fffff, 0x207fffff));
  CHECK_FALSE(possible(Network::regtest, 10, main_bits, main_bits));
  CHECK(possible(Network::dev, 2015, 0x1f00aaaa, 0x1f00aaaa));
}

TEST_CASE("an empty block's subsidy halves when the chain's does, and must agree with the last template's", "[C061][C062]") {
  const auto subsidy = [](Network chain, uint32_t parent_height, uint32_t bits) {
    return empty_block_template(chain, parent(parent_height, bits), last_of(chain, parent_height, bits), 0)->subsidy;
  };
  CHECK(subsidy(Network::main, 1'049'998, main_bits) == Sat(312'500'000));
  CHECK(subsidy(Network::main, 1'049'999, main_bits) == Sat(156'250'000));
  CHECK(subsidy(Network::regtest, 148, 0x207fffff) == Sat(5'000'000'000));
  CHECK(subsidy(Network::regtest, 149, 0x207fffff) == Sat(2'500'000'000));
  auto other = last_of(Network::main, 870'000, main_bits);
  other.subsidy = Sat(312'500'001);
  CHECK_FALSE(empty_block_template(Network::main, parent(870'000, main_bits), other, 0));
}

TEST_CASE("miners get an empty job and then the full one, without losing shares of the first", "[C061][C124]") {
  TestPool pool;
  TestMiner miner(pool);
  pool.give(std::make_shared<bitcoin::BlockTemplate>(*simple_template(0x207fffff, 100)));
  miner.log_in();
  auto last = last_of(Network::regtest, 100, 0x207fffff);
  auto full = simple_template(0x207fffff, 101);
  Tip tip = parent(100, 0x207fffff);
  tip.hash = full->prev_hash;
  const auto empty = pool.give(std::make_shared<bitcoin::BlockTemplate>(*empty_block_template(Network::regtest, tip, last, 0)), true);
  CHECK(empty->record.tx_count == 1);
  CHECK(empty->record.fees == Sat(0));
  const auto second = pool.give(full, false);
  CHECK(second->notify.second.find("false") != std::string::npos);
  CHECK(miner.submit(miner.find(*empty, easy())).find("\"result\":true") != std::string::npos);
  CHECK(miner.submit(miner.find(*second, easy())).find("\"result\":true") != std::string::npos);
}

TEST_CASE("the age of the template: an alarm when it is too old, every minute, and the policy's deed until it is fresh", "[C124]") {
  TemplateAge age(300'000, WhenDown::pause);
  CHECK(age.update(-1, 0) == WhenDown::keep);
  CHECK(age.update(300'000, 1'000) == WhenDown::keep);
  CHECK(age.alarms() == 0);
  CHECK(age.update(300'001, 2'000) == WhenDown::pause);
  CHECK(age.update(301'000, 3'000) == WhenDown::pause);
  CHECK(age.is_too_old());
  CHECK(age.alarms() == 1);
  CHECK(age.update(10, 4'000) == WhenDown::keep);
  CHECK_FALSE(age.is_too_old());
  CHECK(age.update(400'000, 5'000) == WhenDown::pause);
  CHECK(age.alarms() == 2);
  CHECK(when_down_from_name("disconnect") == WhenDown::disconnect);
  CHECK_FALSE(when_down_from_name("stop"));
}

TEST_CASE("no node confirms the template: paused miners are refused but for blocks, others are sent away, and new ones get no job", "[C061][C124]") {
  PoolConfig config;
  config.start_difficulty = bitcoin::Difficulty(1 << 12);
  TestPool pool(config);
  TestMiner miner(pool);
  const auto job = pool.give(simple_template(0x1d00ffff));
  miner.log_in();
  const auto share = miner.find(*job, easy());
  pool.pool->when_down = WhenDown::pause;
  const std::string answer = miner.submit(share);
  CAPTURE(answer);
  CHECK(answer.find("nodes are down") != std::string::npos);
  TestMiner late(pool);
  late.log_in();
  for (const std::string& line : late.out.sent) CHECK(line.find("mining.notify") == std::string::npos);
  pool.pool->when_down = WhenDown::keep;
  CHECK(miner.submit(miner.find(*job, easy())).find("\"result\":true") != std::string::npos);

  const auto easy_job = pool.give(simple_template(0x207fffff, 201));
  pool.pool->when_down = WhenDown::pause;
  CHECK(miner.submit(miner.find(*easy_job, easy_job->block_template->target)).find("\"result\":true") != std::string::npos);
  CHECK(pool.submitted.size() == 1);
  pool.pool->when_down = WhenDown::disconnect;
  pool.pool->tick();
  CHECK(miner.out.closed == "the pool's nodes are down");
}

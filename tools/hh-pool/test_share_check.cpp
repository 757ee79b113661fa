#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

namespace {

PoolConfig easy_config() {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  return c;
}

std::string refused(int code, const std::string& why) { return R"({"id":9,"result":null,"error":[)" + std::to_string(code) + ",\"" + why + "\",null]}\n"; }
const std::string taken = "{\"id\":9,\"result\":true,\"error\":null}\n";

}  // namespace

TEST_CASE("each refusal of a share, by its code [C125][X022]", "[C125][X022]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  const auto good = m.find(*job, easy());

  auto s = good;
  s.job = "1";
  CHECK(m.submit(s) == refused(21, "Job not found"));
  s = good;
  s.extranonce2 = "0000";
  CHECK(m.submit(s) == refused(20, "extranonce2 has the wrong size"));
  s = good;
  s.ntime = job->least_time - 1;
  CHECK(m.submit(s) == refused(20, "ntime is too old"));
  s.ntime = job->record.ntime + 7201;
  CHECK(m.submit(s) == refused(20, "ntime is too new"));
  s = good;
  s.version_bits = 0x2000;
  CHECK(m.submit(s) == refused(20, "version rolling was not negotiated"));
  s.version_bits = 0x20002000;
  CHECK(m.submit(s) == refused(20, "version rolling was not negotiated"));
  s = good;
  s.user = "somebody";
  CHECK(m.submit(s) == refused(24, "Unauthorized worker"));
  CHECK(m.submit(m.find(*job, easy(), false)) == refused(23, "Low difficulty share"));
  CHECK(m.say(R"({"id":9,"method":"mining.submit","params":["u","j","00","zz","00"]})") == refused(20, "parameter 4 (ntime) is not a number of up to 8 hex digits"));
  CHECK(p.store.lines("share").empty());

  CHECK(m.submit(good) == taken);
  CHECK(m.submit(good) == refused(22, "Duplicate share"));
  CHECK(p.store.lines("share").size() == 1);

  const auto late = m.find(*job, easy());
  p.give(simple_template(0x1d00ffff, 201));
  p.clock.advance_ms(2'001);
  CHECK(m.submit(late) == refused(21, "Stale share: the job is of a tip that is over"));
  p.clock.advance_ms(10'000);
  p.pool->tick();
  CHECK(m.submit(late) == refused(21, "Stale share: the job is over"));
}

TEST_CASE("who has not subscribed or authorized sends no shares [C125]", "[C125]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template());
  TestMiner m(p);
  CHECK(m.submit({"u", job->record.job, "0000000000000000", 0, 0, {}}) == refused(25, "Not subscribed"));
  m.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  CHECK(m.submit({"u", job->record.job, "0000000000000000", 0, 0, {}}) == refused(24, "Unauthorized worker"));
}

TEST_CASE("an accepted share's record proves itself [C060][C125]", "[C060][C125]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  CHECK(m.submit(m.find(*job, easy())) == taken);
  const auto share = records::parse_share_line(p.store.lines("share").at(0));
  const auto recorded = records::parse_job(json::parse(p.store.lines("job").at(0)));
  CHECK(recorded == job->record);
  const auto proof = records::verify_share(recorded, share);
  CHECK(proof.fault.empty());
  CHECK_FALSE(proof.is_block);
  CHECK(share.seq == 1);
  CHECK(share.miner == miner_address);
  CHECK(share.worker == "rig");
  CHECK(share.fee_to == records::FeeTo::coinbase);
  CHECK(share.work == bitcoin::work_of(bitcoin::Difficulty(1 << 12)).to_int64());
}

TEST_CASE("version rolling within the mask, not beyond [C125]", "[C125]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template());
  TestMiner m(p);
  CHECK(m.say(R"({"id":0,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"00ffffff"}]})").find("\"version-rolling.mask\":\"00ffe000\"") != std::string::npos);
  m.log_in();
  auto s = m.find(*job, easy(), true, 0x6000);
  s.version_bits = 0x6000;
  CHECK(m.submit(s) == taken);
  CHECK(records::parse_share_line(p.store.lines("share").at(0)).version == 0x20006000);
  s.version_bits = 0x1006000;
  CHECK(m.submit(s) == refused(20, "version bits outside the mask"));
}

TEST_CASE("a block is handed over before its records are written [C061]", "[C061]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template(0x207fffff));
  TestMiner m(p);
  m.log_in();
  CHECK(m.submit(m.find(*job, job->block_template->target)) == taken);
  REQUIRE(p.submitted.size() == 1);
  CHECK(p.lines_at_submit.find("\"type\":\"share\"") == std::string::npos);
  CHECK(p.store.urgent_seen);
  const auto block = records::parse_block(json::parse(p.store.lines("block").at(0)));
  const auto share = records::parse_share_line(p.store.lines("share").at(0));
  CHECK(block.seq == 2);
  CHECK(block.share_seq == 1);
  CHECK(records::block_fault(block, job->record, records::view_of(share)).empty());
  CHECK(bitcoin::sha256d(p.submitted[0].coinbase) == block.coinbase_txid);
  CHECK(p.submitted[0].hash == block.hash);
  // The network's difficulty is below the assigned one: the share weighs what the network asks, and no block is lost between the two.
  CHECK(share.work == 2);
}

TEST_CASE("a store that failed takes no share but blocks go out [C061]", "[C061]") {
  TestPool p(easy_config());
  TestMiner m(p);
  const auto job = p.give(simple_template(0x207fffff));
  m.log_in();
  p.store.fail("disk full");
  CHECK(m.submit(m.find(*job, job->block_template->target)) == refused(20, "pool cannot store shares"));
  CHECK(p.submitted.size() == 1);
}

TEST_CASE("a share that was refused for the pool's own reasons may come again [C060][C125]", "[C060][C125]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  const auto share = m.find(*job, easy());
  p.store.fail("disk full");
  CHECK(m.submit(share) == refused(20, "pool cannot store shares"));
  p.store.fail("");
  CHECK(m.submit(share) == taken);
  CHECK(m.submit(share) == refused(22, "Duplicate share"));
}

TEST_CASE("a share is judged with the difficulty of its job [C125]", "[C125]") {
  PoolConfig c = easy_config();
  c.vardiff.shares_per_minute = 0;
  TestPool p(c);
  const auto old_job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  const std::string sent = m.say(R"({"id":3,"method":"mining.suggest_difficulty","params":[0.875]})");
  CHECK(sent.find("mining.set_difficulty\",\"params\":[0.8") < sent.find("mining.notify"));  // at once, with the job again
  CHECK(sent.find(old_job->record.job + "0001\"") != std::string::npos);
  const auto s = m.find(*old_job, easy());
  CHECK(m.submit(s) == taken);
  auto again = m.find(*old_job, easy());
  const std::string again_name = old_job->record.job + "0001";
  again.job = again_name;
  CHECK(m.submit(again) == refused(23, "Low difficulty share"));  // the same work under the name that means the new difficulty
  const auto new_job = p.give(simple_template(), false);
  CHECK(m.out.take().find("mining.set_difficulty") == std::string::npos);  // it has that already
  CHECK(m.submit(m.find(*old_job, easy())) == taken);  // same tip: the old job is still good, and easy
  CHECK(m.submit(m.find(*new_job, easy())) == refused(23, "Low difficulty share"));
}

TEST_CASE("a share that cannot be stored now is refused with the reason and may come again; a block is submitted and recorded [C060] [C061]", "[C060][C061]") {
  const Strain strain = GENERATE(Strain::slow_sync, Strain::little_space, Strain::slow_reader);
  TestPool p(easy_config());
  TestMiner m(p);
  const auto job = p.give(simple_template());
  m.log_in();
  p.store.strained = strain;
  const auto share = m.find(*job, easy());
  CHECK(m.submit(share) == refused(20, refusal(strain)));
  CHECK(p.pool->statistics.pool().refused[static_cast<size_t>(Refused::not_stored)].shares == 1);
  CHECK(p.store.lines("share").empty());
  const auto with_blocks = p.give(simple_template(0x207fffff, 201));
  CHECK(m.submit(m.find(*with_blocks, with_blocks->block_template->target)) == taken);
  CHECK(p.submitted.size() == 1);
  CHECK(p.store.lines("block").size() == 1);
  p.store.strained = Strain::none;
  CHECK(m.submit(share) == taken);
}

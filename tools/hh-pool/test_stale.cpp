// Around a new tip: what counts, what is refused, what is still handed to the nodes, how long anything is kept. [C061][C125]
#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

namespace {

PoolConfig easy_config() {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  c.vardiff.shares_per_minute = 0;
  return c;
}

std::string refused(int code, const std::string& why) { return R"({"id":9,"result":null,"error":[)" + std::to_string(code) + ",\"" + why + "\",null]}\n"; }
const std::string taken = "{\"id\":9,\"result\":true,\"error\":null}\n";
const std::string stale = refused(21, "Stale share: the job is of a tip that is over");

}  // namespace

TEST_CASE("a share that was under way when the tip changed counts, once; after the grace it is stale [C125]", "[C125]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  const auto first = m.find(*job, easy()), second = m.find(*job, easy()), third = m.find(*job, easy());
  CHECK(m.submit(first) == taken);
  p.give(simple_template(0x1d00ffff, 201));
  CHECK(m.submit(first) == refused(22, "Duplicate share"));  // the filter is kept with the job
  p.clock.advance_ms(2'000);
  CHECK(m.submit(second) == taken);
  CHECK(m.submit(second) == refused(22, "Duplicate share"));
  p.clock.advance_ms(1);
  CHECK(m.submit(third) == stale);
  CHECK(p.pool->counters.late == 1);
  CHECK(p.pool->counters.accepted == 2);
  REQUIRE(p.store.lines("share").size() == 2);
  const auto late = records::parse_share_line(p.store.lines("share")[1]);
  CHECK(late.job == job->record.job);
  CHECK(late.seq == 2);
  CHECK(records::verify_share(job->record, late).fault.empty());
}

TEST_CASE("no grace: stale at once, and never unknown [C125]", "[C125]") {
  PoolConfig c = easy_config();
  c.stale_grace_ms = 0;
  TestPool p(c);
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  const auto share = m.find(*job, easy());
  p.give(simple_template(0x1d00ffff, 201));
  p.clock.advance_ms(1);
  CHECK(m.submit(share) == stale);
  p.clock.advance_ms(60'000);
  p.pool->tick();
  CHECK(m.submit(share) == refused(21, "Stale share: the job is over"));
}

TEST_CASE("each tip has a grace of its own; refreshes of the same tip take nothing away [C125]", "[C125]") {
  TestPool p(easy_config());
  const auto a = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  const auto b = p.give(simple_template(0x1d00ffff, 201));
  p.clock.advance_ms(1'500);
  const auto c = p.give(simple_template(0x1d00ffff, 202));
  const auto d = p.give(simple_template(0x1d00ffff, 202), false);
  p.clock.advance_ms(1'000);
  CHECK(m.submit(m.find(*a, easy())) == stale);  // since 2.5 s
  CHECK(m.submit(m.find(*b, easy())) == taken);  // since 1 s
  p.clock.advance_ms(60'000);
  CHECK(m.submit(m.find(*c, easy())) == taken);
  CHECK(m.submit(m.find(*d, easy())) == taken);
}

TEST_CASE("a block on an old tip goes to the nodes and is recorded, as long as its job is kept [C061]", "[C061]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template(0x207fffff));
  TestMiner m(p);
  m.log_in();
  const auto block = m.find(*job, job->block_template->target), later = m.find(*job, job->block_template->target);
  const auto poor = m.find(*job, job->block_template->target, false);
  p.give(simple_template(0x1d00ffff, 201));
  p.clock.advance_ms(11'000);  // the grace is over
  p.pool->tick();
  CHECK(m.submit(block) == taken);
  REQUIRE(p.submitted.size() == 1);
  CHECK(p.lines_at_submit.find("\"type\":\"share\"") == std::string::npos);
  const auto share = records::parse_share_line(p.store.lines("share").at(0));
  const auto record = records::parse_block(json::parse(p.store.lines("block").at(0)));
  CHECK(record.height == 200);
  CHECK(record.seq == 2);
  CHECK(record.share_seq == 1);
  CHECK(records::block_fault(record, job->record, records::view_of(share)).empty());
  CHECK(m.submit(poor).find("\"error\":[23,") != std::string::npos);
  p.clock.advance_ms(2'000);
  p.pool->tick();
  CHECK(m.submit(later) == refused(21, "Stale share: the job is over"));
  CHECK(p.submitted.size() == 1);
}

TEST_CASE("what is kept of old tips is bounded, however often the tip changes [C113]", "[C113]") {
  PoolConfig c = easy_config();
  c.most_jobs = 4;
  TestPool p(c);
  TestMiner m(p);
  std::vector<std::shared_ptr<const Job>> jobs{p.give(simple_template())};
  m.log_in();
  const auto kept = [&] {
    size_t n = 0;
    for (const auto& job : jobs) n += p.pool->find(job->record.job) != nullptr ? size_t{1} : 0;
    return n;
  };
  for (uint32_t height = 201; height < 220; ++height)
    for (int i = 0; i < 3; ++i) {
      jobs.push_back(p.give(simple_template(0x1d00ffff, height), i == 0));
      CHECK(kept() <= 8);
    }
  CHECK(kept() == 7);  // three of the tip, four before
  for (int i = 0; i < 5; ++i) jobs.push_back(p.give(simple_template(0x1d00ffff, 219), false));
  CHECK(kept() == 8);
  CHECK(p.pool->find(jobs.back()->record.job) == p.pool->newest());
  CHECK(m.submit(m.find(*jobs.back(), easy())) == taken);
  CHECK(m.submit(m.find(*jobs[jobs.size() - 5], easy())) == refused(21, "Stale share: the job is over"));
  p.clock.advance_ms(12'001);
  p.pool->tick();
  CHECK(kept() == 4);
  CHECK(m.submit(m.find(*jobs.back(), easy())) == taken);
}

TEST_CASE("vardiff reaches the miner with the job again; each share is worth what its name says [C125]", "[C125]") {
  PoolConfig c = easy_config();
  c.vardiff.shares_per_minute = 20;
  c.vardiff.least = bitcoin::Difficulty(1 << 8);
  TestPool p(c);
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  std::string sent;
  for (int i = 0; i < 8 && sent.find("mining.notify") == std::string::npos; ++i) sent = m.submit(m.find(*job, easy()));
  const std::string again_name = job->record.job + "0001";
  CHECK(sent.find("mining.set_difficulty") < sent.find("\"" + again_name + "\""));
  CHECK(sent.find(",false]}") != std::string::npos);
  CHECK(sent.find(v1::hex8(job->record.ntime) + "\",false") == std::string::npos);  // another time than the first had
  CHECK(sent.find(v1::hex8(job->record.ntime + 1) + "\",false") != std::string::npos);
  CHECK(m.submit(m.find(*job, easy())) == taken);  // what is under way
  auto share = m.find(*job, bitcoin::target_of(bitcoin::Difficulty(1 << 18)));
  share.job = again_name;
  CHECK(m.submit(share) == taken);
  const auto lines = p.store.lines("share");
  const auto last = records::parse_share_line(lines.back()), one_before = records::parse_share_line(lines[lines.size() - 2]);
  CHECK(last.job == job->record.job);
  CHECK(one_before.work == bitcoin::work_of(bitcoin::Difficulty(1 << 12)).to_int64());
  CHECK(last.work == bitcoin::work_of(bitcoin::Difficulty(1 << 18)).to_int64());  // 64 times as much
  CHECK(records::verify_share(job->record, last).fault.empty());
  auto made_up = m.find(*job, easy());
  const std::string never = job->record.job + "0002";
  made_up.job = never;
  CHECK(m.submit(made_up) == refused(21, "Job not found"));
  // When the job is over, so is it under every name that it had.
  p.give(simple_template(0x1d00ffff, 201));
  p.clock.advance_ms(12'001);
  p.pool->tick();
  share.extranonce2 = m.extranonces2.back();
  CHECK(m.submit(share) == refused(21, "Stale share: the job is over"));
}

TEST_CASE("wishes are followed at once, but not without end [C113]", "[C113]") {
  TestPool p(easy_config());
  p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  int jobs = 0;
  for (int i = 0; i < 100; ++i)
    jobs += m.say(R"({"id":3,"method":"mining.suggest_difficulty","params":[)" + std::string(i % 2 == 0 ? "0.5" : "0.25") + "]}").find("mining.notify") != std::string::npos ? 1 : 0;
  CHECK(jobs == 20);
  CHECK(m.say(R"({"id":3,"method":"mining.suggest_difficulty","params":[0.125]})").find("true") != std::string::npos);
  p.give(simple_template(), false);
  CHECK(m.out.take().find("mining.set_difficulty\",\"params\":[0.125]") != std::string::npos);
}

TEST_CASE("limits win over wishes [C125]", "[C125]") {
  PoolConfig c = easy_config();
  c.vardiff.least = *bitcoin::Difficulty::from_text("0.25");
  c.vardiff.most = *bitcoin::Difficulty::from_text("0.5");
  c.start_difficulty = *bitcoin::Difficulty::from_text("0.25");
  TestPool p(c);
  p.give(simple_template());
  for (const auto& [password, difficulty] : std::vector<std::pair<std::string, std::string>>{{"d=0.000001", "0.25"}, {"x;d=100", "0.5"}, {"sd=0.375", "0.375"}, {"md=0.5", "0.5"}, {"x", "0.25"}}) {
    TestMiner m(p);
    m.say(R"({"id":1,"method":"mining.subscribe","params":["t"]})");
    INFO(password);
    CHECK(m.say(v1::authorize_line(2, m.user_name, password)).find("mining.set_difficulty\",\"params\":[" + difficulty + "]") != std::string::npos);
  }
}

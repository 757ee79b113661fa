// What goes from one process to the next: a pool with jobs, shares and sessions in every stage, read back by another.
#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

namespace {

// A pool that has another one's state, and the sessions of it in their order.
struct Heir {
  Heir(const PoolConfig& c, std::string_view bytes, size_t sessions) : test(c), miner(test) {
    StateReader from(bytes);
    test.pool->inherit(from);
    for (size_t i = 0; i < sessions; ++i) heirs.push_back(SessionV1::inherit(*test.pool, outs.emplace_back(), from));
    from.expect_end();
  }
  TestPool test;
  TestMiner miner;  // somebody new
  std::deque<Lines> outs;
  std::vector<std::shared_ptr<SessionV1>> heirs;
};

std::string say(Heir& h, size_t i, const std::string& line) {
  h.outs[i].take();
  h.heirs[i]->line(line);
  h.test.end_turn();
  return h.outs[i].take();
}

std::string submit_line_of(const v1::Submit& s) { return v1::submit_line(9, {s.user, s.job, from_hex(s.extranonce2).value_or(Bytes{}), s.ntime, s.nonce, s.version_bits}); }

std::string saved(const TestPool& p, std::initializer_list<const Session*> sessions) {
  StateWriter to;
  p.pool->save(to);
  for (const Session* s : sessions) s->save(to);
  return to.take();
}

PoolConfig easy_pool() {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  return c;
}

}  // namespace

TEST_CASE("who takes over judges shares as the process before did [C124]", "[C124]") {
  TestPool old(easy_pool());
  const auto before = old.give(simple_template());
  TestMiner stranger(old), rolling(old), working(old);
  rolling.say(R"({"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]})");
  rolling.log_in();
  working.log_in();
  const auto late = working.find(*before, easy());                     // mined before the tip changed
  const auto seen = working.find(*before, easy());
  CHECK(working.submit(seen).find("\"result\":true") != std::string::npos);
  const auto job = old.give(simple_template(0x1d00ffff, 201));
  const auto under_way = working.find(*job, easy());
  const auto rolled = rolling.find(*job, easy(), true, 0x2000);
  const auto weak = working.find(*job, easy(), false);

  Heir h(easy_pool(), saved(old, {stranger.session.get(), rolling.session.get(), working.session.get()}), 3);
  CHECK(h.test.pool->session_count() == 4);
  CHECK(say(h, 2, submit_line_of(under_way)).find("\"result\":true") != std::string::npos);
  CHECK(say(h, 2, submit_line_of(under_way)).find("[22,") != std::string::npos);
  CHECK(say(h, 2, submit_line_of(seen)).find("[22,") != std::string::npos);
  CHECK(say(h, 2, submit_line_of(weak)).find("[23,") != std::string::npos);
  CHECK(say(h, 2, submit_line_of(late)).find("\"result\":true") != std::string::npos);  // within the grace, which goes on
  v1::Submit with_bits = rolled;
  with_bits.version_bits = 0x2000;
  CHECK(say(h, 1, submit_line_of(with_bits)).find("\"result\":true") != std::string::npos);
  CHECK(say(h, 0, R"({"id":1,"method":"mining.subscribe","params":[]})").find("\"id\":1") != std::string::npos);  // goes on with its login
  CHECK(say(h, 0, v1::authorize_line(2, miner_address, "x")).find("mining.notify") != std::string::npos);
  h.miner.log_in();
  CHECK(h.miner.extranonce1 != working.extranonce1);
  CHECK(h.test.store.lines("share").size() == 3);
  CHECK(h.test.pool->counters.accepted == 4);
}

TEST_CASE("a block of a job that was inherited is whole [C124]", "[C124]") {
  TestPool old(easy_pool());
  auto t = simple_template(0x207fffff);
  t->transactions.push_back({bitcoin::Hash256{}, bitcoin::Hash256{}, Sat(7), "00"});
  old.give(t);
  const auto job = old.give(t, false);  // two jobs of one template, which is written once
  TestMiner miner(old);
  miner.log_in();
  const auto share = miner.find(*job, t->target);
  Heir h(easy_pool(), saved(old, {miner.session.get()}), 1);
  CHECK(say(h, 0, submit_line_of(share)).find("\"result\":true") != std::string::npos);
  REQUIRE(h.test.submitted.size() == 1);
  CHECK(h.test.submitted[0].job->block_template->transactions.size() == 1);
  CHECK(h.test.submitted[0].job->block_template->transactions[0].data_hex == "00");
  CHECK(h.test.submitted[0].job->record == job->record);
}

TEST_CASE("state that is cut off is refused, wherever that is [C124]", "[C124]") {
  TestPool old(easy_pool());
  old.give(simple_template());
  TestMiner miner(old);
  miner.log_in();
  const std::string whole = saved(old, {miner.session.get()});
  CHECK_NOTHROW(Heir(easy_pool(), whole, 1));
  for (size_t size = 0; size < whole.size(); ++size) CHECK_THROWS_AS(Heir(easy_pool(), std::string_view(whole).substr(0, size), 1), Error);
  CHECK_THROWS_AS(Heir(easy_pool(), whole + "x", 1), Error);
}

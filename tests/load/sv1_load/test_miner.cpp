#include <catch2/catch.hpp>

#include "miner.h"

using namespace hh;
using namespace hh::load;
namespace v1 = stratum::v1;

namespace {

// A pool's side of one connection, in lines.
struct TestPool {
  Options options;
  Shared shared{options, {}, {}, nullptr, {}};
  Miner miner{shared, 3};
  uint64_t next = 10;

  void say(std::string text, uint64_t at_us = 1) {
    if (text.ends_with('\n')) text.pop_back();
    miner.line(text, at_us);
  }
  void notify(const std::string& job, uint8_t tip, uint64_t at_us = 1) {
    bitcoin::Hash256 prev;
    prev.bytes.fill(tip);
    const auto halves = v1::notify_halves(job, prev, Bytes(60, 1), {}, 0x20000000, 0x1d00ffff, 0x6553f100, true);
    say(halves.first + std::string(100, '0') + halves.second, at_us);
  }
  void log_in() {
    say(v1::subscribe_result("1", Bytes{1, 2, 3, 4}, 8));
    say(v1::true_line("3"));
    say(v1::set_difficulty_line(bitcoin::Difficulty(1)));
    notify("j1", 1);
    REQUIRE(miner.is_ready());
  }
  std::string submit() {
    std::string out;
    REQUIRE(miner.put_submit(out));
    return std::to_string(next++);
  }
  const Counts& counts() const { return shared.counts; }
};

}  // namespace

TEST_CASE("a miner is ready once it is subscribed, authorized and has a job, in whatever order", "[miner]") {
  TestPool p;
  std::string out;
  p.miner.put_login(out);
  CHECK(out.find("mining.subscribe") < out.find("mining.authorize"));
  p.notify("j1", 1);
  CHECK_FALSE(p.miner.is_ready());
  p.say(v1::true_line("3"));
  CHECK_FALSE(p.miner.is_ready());
  p.say(v1::subscribe_result("1", Bytes{1, 2, 3, 4}, 8));
  CHECK(p.miner.is_ready());
  CHECK(p.miner.login_refused().empty());
  p.say(v1::error_line("3", v1::Code::unauthorized, "no"));
  CHECK(p.miner.login_refused() == "no");
}

TEST_CASE("each answer counts once: doubled, missing and foreign ones are told apart", "[miner]") {
  TestPool p;
  p.log_in();
  const std::string a = p.submit(), b = p.submit(), c = p.submit();
  CHECK(p.miner.outstanding() == 3);
  p.say(v1::true_line(b));
  CHECK(p.counts().accepted == 1);
  p.say(v1::true_line(b));
  CHECK(p.counts().accepted == 1);
  CHECK(p.counts().unexpected == 1);
  p.say(R"({"error":null,"id":)" + a + R"(,"result":true})");
  CHECK(p.counts().accepted == 2);
  p.say(v1::true_line("4711"));
  CHECK(p.counts().unexpected == 2);
  CHECK(p.miner.outstanding() == 1);  // c: unanswered
  CHECK(p.counts().submitted == 3);
  CHECK(p.counts().latency_us.count() == 2);
}

TEST_CASE("refusals by code and reason, and by whether the miner knew of the newest tip", "[miner]") {
  TestPool p;
  p.log_in();
  const std::string a = p.submit(), b = p.submit();
  p.notify("j2", 2);
  const std::string c = p.submit();
  p.say(v1::error_line(a, v1::Code::job_not_found, "Stale share"));
  p.say(R"({"id":)" + b + R"(,"result":false,"error":null})");
  p.say(v1::error_line(c, v1::Code::low_difficulty, "Low"));
  CHECK(p.counts().refused == 3);
  CHECK(p.counts().refusals.at({Counts::Sent::before_notify, 21, "Stale share"}) == 1);
  CHECK(p.counts().refusals.at({Counts::Sent::before_notify, 0, ""}) == 1);
  CHECK(p.counts().refusals.at({Counts::Sent::after_notify, 23, "Low"}) == 1);
  CHECK(p.counts().unexpected == 0);
}

TEST_CASE("a late share is of the job before the new tip, once, and counted as such", "[miner]") {
  TestPool p;
  p.options.late_percent = 4;  // miners 0 to 3 of a hundred
  p.log_in();
  std::string out;
  CHECK_FALSE(p.miner.put_late_submit(out));
  p.submit();
  p.notify("j2", 1);  // of the same tip: nothing is late
  CHECK_FALSE(p.miner.put_late_submit(out));
  p.submit();
  p.notify("j3", 2);
  CHECK(p.miner.put_late_submit(out));
  CHECK(out.find("\"j2\"") != std::string::npos);
  CHECK_FALSE(p.miner.put_late_submit(out));
  p.say(v1::error_line("12", v1::Code::job_not_found, "Stale"));
  CHECK(p.counts().refusals.at({Counts::Sent::late, 21, "Stale"}) == 1);
  p.notify("j4", 3);  // no share of j3 was made: there is nothing to send
  CHECK_FALSE(p.miner.put_late_submit(out));
}

TEST_CASE("a new tip is received once, a new job of the same tip is none, nor is the first job", "[miner]") {
  TestPool p;
  p.log_in();
  CHECK(p.shared.tips.all().at(0).receivers == 0);
  p.notify("j2", 1, 50);
  CHECK(p.shared.tips.all().size() == 1);
  p.notify("j3", 2, 70);
  p.notify("j4", 2, 90);
  CHECK(p.shared.tips.all().at(1).receivers == 1);
  CHECK(p.shared.tips.all().at(1).last_us == 70);
}

TEST_CASE("shares are of the newest job, and two jobs of one name give different shares", "[miner]") {
  TestPool p;
  p.log_in();
  std::string first, second, third;
  p.miner.put_submit(first);
  p.notify("j2", 1);
  p.miner.put_submit(second);
  CHECK(first.find("\"j1\"") != std::string::npos);
  CHECK(second.find("\"j2\"") != std::string::npos);
  p.notify("j2", 1);
  p.miner.put_submit(third);
  CHECK(third.substr(third.find("\"j2\"")) != second.substr(second.find("\"j2\"")));
}

TEST_CASE("a difficulty too small for the type still gives shares; a line that is no protocol is counted", "[miner]") {
  TestPool p;
  p.log_in();
  p.say(R"({"id":null,"method":"mining.set_difficulty","params":[1e-14]})");
  p.notify("j2", 1);
  p.submit();
  CHECK(p.counts().unreadable == 0);
  p.say("hello");
  p.say(R"({"id":null,"method":"mining.notify","params":["x"]})");
  CHECK(p.counts().unreadable == 2);
}

TEST_CASE("made names are valid addresses of the chain, as many as asked for", "[miner]") {
  Options o;
  o.chain = bitcoin::Network::signet;
  o.connections = 10, o.miners = 4;
  const std::string name = user_name(o, 1);
  CHECK(bitcoin::script_from_address(name.substr(0, name.find('.')), o.chain));
  CHECK(name.substr(name.find('.')) == ".w1");
  CHECK(user_name(o, 5).substr(0, name.find('.')) == name.substr(0, name.find('.')));
  CHECK(user_name(o, 2).substr(0, name.find('.')) != name.substr(0, name.find('.')));
  o.user = "alice";
  CHECK(user_name(o, 2) == "alice.w2");
}

#include <chrono>
#include <thread>

#include "fake_node.h"
#include "template_source.h"
#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;
using Mood = FakeNode::Mood;

namespace {

// The jobs that miners would get, and how soon.
struct Served {
  explicit Served(std::vector<FakeNode*> nodes, TemplateSource::Config c = quick()) {
    for (FakeNode* n : nodes) c.nodes.push_back(n->config());
    c.chain = bitcoin::Network::regtest;
    source = std::make_unique<TemplateSource>(std::move(c), job_maker(), [this](std::shared_ptr<const Job> job) {
      std::lock_guard lock(mutex);
      jobs.push_back(std::move(job));
    });
  }
  static TemplateSource::Config quick() {
    TemplateSource::Config c;
    c.poll_ms = 50;
    c.timeout_ms = 300;
    c.failover = {200, 600};
    c.empty_after_ms = -1;
    return c;
  }
  // Whether there is a job on that block within so many milliseconds.
  bool get(const std::string& prev, int64_t ms = 5'000) {
    return soon(ms, [&] { return !jobs.empty() && jobs.back()->record.prev_hash.to_display_hex() == prev; });
  }
  bool soon(int64_t ms, const std::function<bool()>& what) {
    for (const int64_t end = system_clock().monotonic_ms() + ms;; system_clock().sleep_ms(5)) {
      std::unique_lock lock(mutex);
      if (what()) return true;
      if (system_clock().monotonic_ms() > end) return false;
    }
  }
  bool uses(size_t node, int64_t ms = 5'000) {
    for (const int64_t end = system_clock().monotonic_ms() + ms;; system_clock().sleep_ms(5)) {
      if (source->status().nodes[node].in_use) return true;
      if (system_clock().monotonic_ms() > end) return false;
    }
  }
  std::vector<uint32_t> heights() {
    std::lock_guard lock(mutex);
    std::vector<uint32_t> all;
    for (const auto& job : jobs) all.push_back(job->record.height);
    return all;
  }
  std::mutex mutex;
  std::vector<std::shared_ptr<const Job>> jobs;
  std::unique_ptr<TemplateSource> source;
};

}  // namespace

TEST_CASE("a node that hangs: the next one's templates within the time-out and a poll, and the first again after its time", "[C124]") {
  FakeNode first, second;
  Served m({&first, &second});
  m.source->start(false);
  REQUIRE(m.get(FakeNode::hash(100)));
  CHECK(m.uses(0));
  first.mood(Mood::silent);
  second.tip(101);  // it must not have to wait for the first one's time-out
  CHECK(m.get(FakeNode::hash(101), 1'000));
  CHECK(m.uses(1));
  CHECK(m.soon(2'000, [&] { return !m.source->status().nodes[0].is_up; }));
  second.tip(102);
  CHECK(m.get(FakeNode::hash(102), 1'000));
  first.tip(102);
  first.mood(Mood::good);
  CHECK(m.soon(2'000, [&] { return m.source->status().nodes[0].is_up; }));
  CHECK(m.uses(1));
  CHECK(m.uses(0, 3'000));
  CHECK(m.heights() == std::vector<uint32_t>{101, 102, 103});
}

TEST_CASE("a node that lags is not followed to an older tip, not even when it is the only one left", "[C124]") {
  FakeNode first(100), second(100);
  Served m({&first, &second});
  m.source->start(false);
  second.tip(103);
  CHECK(m.get(FakeNode::hash(103), 1'000));
  CHECK(m.soon(2'000, [&] { return m.source->status().nodes[0].lags; }));
  second.mood(Mood::silent);
  CHECK(m.soon(2'000, [&] { return !m.source->status().nodes[1].is_up; }));
  first.tip(102);
  system_clock().sleep_ms(1'000);
  CHECK(m.heights().back() == 104);
  first.tip(103, '1');  // as much work as that
  CHECK(m.get(FakeNode::hash(103, '1'), 1'000));
  CHECK(m.source->status().nodes[0].in_use);
}

TEST_CASE("nodes on different tips of equal work: the pool stays where it is", "[C124]") {
  FakeNode first, second;
  Served m({&first, &second});
  m.source->start(false);
  first.tip(101, 'a');
  REQUIRE(m.get(FakeNode::hash(101, 'a')));
  second.tip(101, 'b');
  system_clock().sleep_ms(500);
  CHECK(m.heights() == std::vector<uint32_t>{101, 102});
  first.mood(Mood::silent);
  CHECK(m.get(FakeNode::hash(101, 'b')));
}

TEST_CASE("a node that reorganises to less work by itself is followed", "[C124]") {
  FakeNode node;
  Served m({&node});
  m.source->start(false);
  node.tip(101);
  REQUIRE(m.get(FakeNode::hash(101)));
  node.tip(95, 'e');
  CHECK(m.get(FakeNode::hash(95, 'e'), 1'000));
}

TEST_CASE("a template that took so long that the tip has moved on is dropped", "[C124]") {
  FakeNode slow, quick;
  slow.long_polls(false);
  Served m({&slow, &quick});
  m.source->start(false);
  REQUIRE(m.get(FakeNode::hash(100)));
  slow.template_delay(1'500);
  slow.tip(101);
  CHECK(m.soon(2'000, [&] { return slow.templates() == 2; }));
  quick.tip(102);
  CHECK(m.get(FakeNode::hash(102), 1'000));
  slow.tip(102);
  CHECK(m.soon(4'000, [&] { return m.source->status().dropped_templates == 1; }));
  CHECK(m.heights() == std::vector<uint32_t>{101, 103});
}

TEST_CASE("a node that answers but gives no template, or a wrong one, is left for the next", "[C124]") {
  for (const Mood mood : {Mood::no_templates, Mood::bad_templates, Mood::no_json, Mood::other_chain}) {
    FakeNode first, second;
    first.mood(mood);
    Served m({&first, &second});
    m.source->start(false);
    CHECK(m.get(FakeNode::hash(100)));
    CHECK(m.uses(1));
    const auto status = m.source->status();
    CHECK_FALSE(status.nodes[0].is_up);
    CHECK_FALSE(status.nodes[0].reason.empty());
    CHECK(status.nodes[1].templates == 1);
    CHECK(status.template_age_ms >= 0);
    first.mood(Mood::good);
    CHECK(m.uses(0, 5'000));
  }
}

TEST_CASE("the start fails where no node is of use, and says whether waiting would help", "[C124]") {
  FakeNode node;
  const auto code_of = [&] {
    Served m({&node});
    try {
      m.source->start(false);
    } catch (const Error& e) {
      return e.code();
    }
    return Exit::ok;
  };
  node.mood(Mood::other_chain);
  CHECK(code_of() == Exit::config);
  node.mood(Mood::silent);
  CHECK(code_of() == Exit::unavailable);
  node.mood(Mood::no_templates);
  CHECK(code_of() == Exit::unavailable);
  node.mood(Mood::bad_templates);
  CHECK(code_of() == Exit::data);
  node.mood(Mood::good);
  CHECK(code_of() == Exit::ok);
}

TEST_CASE("a hint is as good as a poll", "[C124]") {
  FakeNode node;
  node.long_polls(false);
  auto config = Served::quick();
  config.poll_ms = 60'000;
  Served m({&node}, config);
  m.source->start(false);
  node.tip(101);
  CHECK_FALSE(m.get(FakeNode::hash(101), 300));
  m.source->hint("test");
  CHECK(m.get(FakeNode::hash(101), 1'000));
  CHECK(m.source->status().hints == 1);
}

TEST_CASE("a new tip whose template is slow: an empty job at once, then the template, which does not void it", "[C061][C124]") {
  FakeNode node;
  auto config = Served::quick();
  config.empty_after_ms = 50;
  Served m({&node}, config);
  m.source->start(false);
  node.tip(101);  // quick enough
  REQUIRE(m.get(FakeNode::hash(101)));
  CHECK(m.source->status().empty_jobs == 0);

  node.template_delay(500);
  node.tip(102);
  REQUIRE(m.get(FakeNode::hash(102), 400));
  CHECK(m.source->status().empty_jobs == 1);
  CHECK(m.soon(2'000, [&] { return m.jobs.size() == 4; }));
  const auto &empty = m.jobs[2], &full = m.jobs[3];
  CHECK(empty->new_tip);
  CHECK(empty->record.height == 103);
  CHECK(empty->least_time == 1'700'000'001);
  CHECK(empty->record.nbits == 0x207fffff);
  CHECK(full->record.prev_hash == empty->record.prev_hash);
  CHECK_FALSE(full->new_tip);
}

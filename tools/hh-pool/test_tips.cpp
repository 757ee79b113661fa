#include "tips.h"

#include <catch2/catch.hpp>

using namespace hh;
using namespace hh::pool;

namespace {

// A block of a chain with that much work; branch tells those of one work apart.
Tip block(uint64_t work, uint8_t branch = 0) {
  Tip t;
  t.hash.bytes.fill(static_cast<uint8_t>(work));
  t.hash.bytes[0] = branch;
  t.work = bitcoin::Uint256(work);
  t.height = static_cast<uint32_t>(work);
  return t;
}

struct Play {
  explicit Play(size_t nodes) : tips(nodes, {2'000, 30'000}) {}
  void say(size_t node, const Tip& t) { tips.seen(node, t, now, now + 1), now += 2; }
  // As TemplateSource does: from the node that Tips names, if its tip is another.
  void work() {
    if (const auto s = tips.source(now); s && (!tips.present() || tips.present()->hash != tips.node(*s).tip->hash)) tips.follow(*s, *tips.node(*s).tip, now), now += 2;
  }
  void pass(int64_t ms) { now += ms; }
  bitcoin::Hash256 on() const { return tips.present()->hash; }
  Tips tips;
  int64_t now = 1'000'000;
};

}  // namespace

TEST_CASE("the first of the list gives the templates, the next one while it is down, and it again after it was well for a while", "[C124]") {
  Play p(3);
  CHECK_FALSE(p.tips.source(p.now));
  for (const size_t i : {size_t{2}, size_t{1}, size_t{0}}) p.say(i, block(10));
  p.work();
  CHECK(p.tips.source(p.now) == 0u);
  CHECK(p.tips.failed(0, p.now));
  CHECK_FALSE(p.tips.failed(0, p.now));  // no news
  CHECK(p.tips.source(p.now) == 1u);
  p.say(0, block(10));
  p.pass(29'000);
  CHECK(p.tips.source(p.now) == 1u);
  p.pass(1'000);
  CHECK(p.tips.source(p.now) == 0u);
}

TEST_CASE("a chain with more work is followed whichever node knows it, and a node that catches up soon does not lag", "[C124]") {
  Play p(2);
  p.say(0, block(10)), p.say(1, block(10));
  p.work();
  p.say(1, block(11));
  CHECK(p.tips.source(p.now) == 1u);
  p.work();
  CHECK(p.on() == block(11).hash);
  p.pass(1'500);
  p.say(0, block(11));
  CHECK_FALSE(p.tips.node(0).lags);
  CHECK(p.tips.source(p.now) == 0u);
}

TEST_CASE("a node that stays behind lags, gives no templates, and must be in sync for a while before it does again", "[C124]") {
  Play p(2);
  p.say(0, block(10)), p.say(1, block(11));
  p.work();
  p.pass(2'100);
  p.say(0, block(10));
  CHECK(p.tips.node(0).lags);
  CHECK(p.on() == block(11).hash);
  p.say(0, block(11));
  CHECK_FALSE(p.tips.node(0).lags);
  CHECK(p.tips.source(p.now) == 1u);
  p.pass(30'000);
  CHECK(p.tips.source(p.now) == 0u);
}

TEST_CASE("the pool never goes back to a tip of less work because the node that knew better has gone", "[C124]") {
  Play p(2);
  p.say(0, block(12)), p.say(1, block(10));
  p.work();
  p.tips.failed(0, p.now);
  CHECK_FALSE(p.tips.source(p.now));
  CHECK_FALSE(p.tips.may_follow(1, block(10), p.now));
  p.pass(3'600'000);
  p.say(1, block(11));
  CHECK_FALSE(p.tips.source(p.now));
  p.say(1, block(12, 1));  // as much work: a competing block is not older
  CHECK(p.tips.source(p.now) == 1u);
}

TEST_CASE("of two tips of equal work the pool stays on its own as long as a node has it", "[C124]") {
  Play p(2);
  p.say(0, block(10)), p.say(1, block(10, 1));
  p.work();
  CHECK(p.on() == block(10).hash);
  CHECK_FALSE(p.tips.may_follow(1, block(10, 1), p.now));
  p.tips.failed(0, p.now);
  CHECK(p.tips.source(p.now) == 1u);
  p.work();
  p.say(0, block(10));
  p.pass(60'000);
  CHECK(p.tips.source(p.now) == 1u);  // the order of the list does not matter here
}

TEST_CASE("a node that gives up the present tip is followed to one of less work, unless another still has it", "[C124]") {
  Play p(2);
  p.say(0, block(12));
  p.work();
  p.say(0, block(9));
  CHECK(p.tips.source(p.now) == 0u);
  p.work();
  CHECK(p.on() == block(9).hash);

  Play two(2);
  two.say(0, block(12)), two.say(1, block(12));
  two.work();
  two.say(0, block(9));
  CHECK(two.tips.source(two.now) == 1u);
  CHECK_FALSE(two.tips.may_follow(0, block(9), two.now));
}

TEST_CASE("a node that comes back from a crash with an older tip is given time to find its last blocks", "[C124]") {
  Play p(1);
  p.say(0, block(12));
  p.work();
  p.tips.failed(0, p.now);
  p.say(0, block(10));
  CHECK_FALSE(p.tips.source(p.now));
  p.pass(29'000);
  CHECK_FALSE(p.tips.source(p.now));
  p.pass(1'000);
  CHECK(p.tips.source(p.now) == 0u);  // it does not have them any more
}

TEST_CASE("an answer that was asked for before the present tip came is no news", "[C124]") {
  Play p(1);
  p.say(0, block(10));
  p.work();
  const int64_t asked = p.now;
  p.pass(5);
  p.tips.follow(0, block(11), p.now);  // by a long poll
  p.tips.seen(0, block(10), asked, p.now + 5);
  CHECK_FALSE(p.tips.may_follow(0, block(10), p.now + 5));
  CHECK(p.tips.node(0).tip->hash == block(11).hash);
  p.pass(100);
  p.say(0, block(10));  // asked later: it is meant
  CHECK(p.tips.may_follow(0, block(10), p.now));
}

TEST_CASE("the time in which a node must prove itself begins when it has caught up, not when it answers", "[C124]") {
  Play p(2);
  p.say(0, block(10)), p.say(1, block(10));
  p.work();
  p.tips.failed(0, p.now);
  p.say(1, block(11));
  p.work();
  p.say(0, block(10));
  p.pass(1'900);
  p.say(0, block(11));  // soon enough not to lag
  p.pass(29'000);
  CHECK(p.tips.source(p.now) == 1u);
  p.pass(1'000);
  CHECK(p.tips.source(p.now) == 0u);
}

// The mapping between SV1 difficulty and SV2 target at its boundaries, and the work of both. [X060]
#include <cmath>
#include <limits>

#include "base/error.h"
#include "bitcoin/difficulty.h"
#include "bitcoin/test_support.h"
#include "bitcoin/work.h"

using namespace hh;
using namespace hh::bitcoin;

namespace {

Uint256 unit_target() { return Uint256(0xFFFF) << 240; }
Difficulty parsed(std::string_view text) {
  const auto d = Difficulty::from_text(text);
  REQUIRE(d);
  return *d;
}
// Evenly spread over magnitudes.
Difficulty any_difficulty(test::Random& random) { return Difficulty(random.u64() >> random.below(64) | 1); }

}  // namespace

TEST_CASE("the boundary difficulties have exactly these targets [X060][X021]") {
  CHECK(target_of(Difficulty::whole(1)).to_hex() == "00000000ffff0000000000000000000000000000000000000000000000000000");
  CHECK(target_of(Difficulty::whole(1)) == difficulty_one_target());
  CHECK(target_of(Difficulty::whole(1)).to_compact() == 0x1d00ffff);
  CHECK(target_of(Difficulty(1)).to_hex() == "ffff000000000000000000000000000000000000000000000000000000000000");
  CHECK(target_of(Difficulty(2)).to_hex() == "7fff800000000000000000000000000000000000000000000000000000000000");
  // Bitcoin's wiki, "Difficulty": 0x1b0404cb is 16307.420938523983…; that difficulty's target lies next to it.
  CHECK(network_difficulty_text(*Target::from_compact(0x1b0404cb)) == "16307.42093852");
  // Stratum's common 2^n difficulties shift the target by n bits.
  CHECK(target_of(Difficulty::whole(65536)).value == difficulty_one_target().value >> 16);
  CHECK(target_of(parsed("0.5")).value == difficulty_one_target().value << 1);
  // floor(0xFFFF·2^240 / (2^64 - 1)) = 0xFFFF·2^176 + 0xFFFF·2^112 + 0xFFFF·2^48, as 1/(2^64-1) = 2^-64 + 2^-128 + …
  CHECK(target_of(Difficulty(UINT64_MAX)).to_hex() == "0000000000000000ffff000000000000ffff000000000000ffff000000000000");
}

TEST_CASE("a target's difficulty is the easiest one that stays within it [X060][X021]") {
  test::Random random(6);
  for (int i = 0; i < 5000; ++i) {
    const Target t{random.number()};
    const Difficulty d = difficulty_within(t);
    if (d.units() != UINT64_MAX) CHECK(target_of(d) <= t);
    if (d.units() > 1) CHECK(target_of(Difficulty(d.units() - 1)) > t);
  }
}

TEST_CASE("difficulty to target and back is the identity, one unit either side too [X060][X021]") {
  test::Random random(7);
  for (int i = 0; i < 5000; ++i) {
    const Difficulty d = any_difficulty(random);
    CHECK(difficulty_within(target_of(d)) == d);
    if (d.units() == UINT64_MAX) continue;
    CHECK(difficulty_within(Target{target_of(d).value - Uint256(1)}).units() == d.units() + 1);
  }
  for (uint64_t units : {uint64_t{1}, uint64_t{2}, uint64_t{1} << 32, UINT64_MAX - 1, UINT64_MAX}) CHECK(difficulty_within(target_of(Difficulty(units))).units() == units);
  CHECK(difficulty_within(Target{Uint256::max()}).units() == 1);
  CHECK(difficulty_within(Target{unit_target()}).units() == 1);
  CHECK(difficulty_within(Target{unit_target() - Uint256(1)}).units() == 2);
  CHECK(difficulty_within(Target{}).units() == UINT64_MAX);
  CHECK(difficulty_within(Target{Uint256(1)}).units() == UINT64_MAX);
}

TEST_CASE("more difficulty never means a larger target or less work [X060]") {
  test::Random random(8);
  for (int i = 0; i < 5000; ++i) {
    Difficulty a = any_difficulty(random), b = any_difficulty(random);
    if (a > b) std::swap(a, b);
    CHECK(target_of(a) >= target_of(b));
    CHECK(work_of(a) <= work_of(b));
    CHECK((a == b) == (target_of(a) == target_of(b)));
  }
}

TEST_CASE("difficulty in decimal text is exact and comes back [X060]") {
  CHECK(Difficulty::whole(16384).to_text() == "16384");
  CHECK(parsed("0.5").to_text() == "0.5");
  CHECK(Difficulty(1).to_text() == "0.00000000023283064365386962890625");
  CHECK(Difficulty(UINT64_MAX).to_text() == "4294967295.99999999976716935634613037109375");
  CHECK(parsed("0.001").units() == 4294967);  // 4294967.296
  CHECK(parsed("1.0000000000").units() == uint64_t{1} << 32);
  CHECK(parsed("00001").units() == uint64_t{1} << 32);
  // Just below a unit stays below it, however long the text.
  CHECK(parsed("0.4" + std::string(200, '9')).units() == (uint64_t{1} << 31) - 1);
  CHECK(parsed("0.5" + std::string(200, '0')).units() == uint64_t{1} << 31);
  test::Random random(9);
  for (int i = 0; i < 2000; ++i) {
    const Difficulty d = any_difficulty(random);
    CHECK(Difficulty::from_text(d.to_text()) == d);
  }
}

TEST_CASE("text that is no difficulty is refused [X060]") {
  for (const char* bad : {"", ".", "1.", ".5", "-1", "+1", "1e3", "0x10", " 1", "1 ", "1..2", "1.2.3", "0", "0.0", "0.0000000001", "nan", "inf", "4294967296", "18446744073709551616", "99999999999999999999999999"})
    CHECK_FALSE(Difficulty::from_text(bad));
  CHECK_THROWS_AS(Difficulty(0), Error);
}

TEST_CASE("difficulties over Stratum V1 are doubles, rounded to the easier side [X060]") {
  CHECK(Difficulty::from_wire(1.0) == Difficulty::whole(1));
  CHECK(Difficulty::from_wire(0x1p-32)->units() == 1);
  CHECK(Difficulty::from_wire(0x1.fp-32)->units() == 1);
  CHECK(Difficulty::from_wire(std::nextafter(0x1p32, 0.0))->units() == UINT64_MAX - 2047);
  CHECK(Difficulty::from_wire(0.001)->units() == 4294967);
  const double inf = std::numeric_limits<double>::infinity();
  for (double bad : {0.0, -0.0, -1.0, std::nextafter(0x1p-32, 0.0), 0x1p32, 1e300, inf, -inf, std::nan("")}) CHECK_FALSE(Difficulty::from_wire(bad));
  test::Random random(10);
  for (int i = 0; i < 2000; ++i) {
    const Difficulty d = any_difficulty(random), assigned = d.for_wire();
    CHECK(assigned <= d);
    CHECK(d.units() - assigned.units() <= d.units() >> 52);
    CHECK(Difficulty::from_wire(assigned.to_wire()) == assigned);
    CHECK(d.to_wire() == assigned.to_wire());
  }
}

TEST_CASE("work is Bitcoin Core's expected number of hashes [X060]") {
  CHECK(work_of(difficulty_one_target()).to_text() == "4295032833");  // nChainWork of the genesis block: 0x100010001
  CHECK(work_of(*Target::from_compact(0x207fffff)).to_text() == "2");
  CHECK(work_of(Target{Uint256::max()}).to_text() == "1");
  CHECK(work_of(Target{Uint256(1) << 255}).to_text() == "1");
  CHECK(work_of(Target{(Uint256(1) << 255) - Uint256(1)}).to_text() == "2");
  CHECK(work_of(Target{(Uint256(1) << 129) - Uint256(1)}) == Work::max());
  CHECK(work_of(Target{Uint256(1) << 129}) == Work::max());  // 2^127 - 1 exactly
  CHECK(work_of(Target{(Uint256(1) << 130) - Uint256(1)}).to_text() == "85070591730234615865843651857942052864");  // 2^126
  CHECK(work_of(Target{}) == Work::max());
  CHECK(work_of(Target{Uint256(1)}) == Work::max());
}

TEST_CASE("a share's work stays below 2^63 up to the largest share difficulty, and not beyond [X060]") {
  const Difficulty most = max_share_difficulty();
  CHECK(target_of(most).value == Uint256(1) << 193);
  CHECK(work_of(most).to_int64() == INT64_MAX);
  CHECK_FALSE(work_of(Difficulty(most.units() + 1)).to_int64());
  CHECK(work_of(Difficulty(1)).to_text() == "1");
}

TEST_CASE("work times target plus one is 2^256, within one of both [X060]") {
  test::Random random(11);
  for (int i = 0; i < 2000; ++i) {
    const Target t{random.number()};
    const Work w = work_of(t);
    if (w == Work::max() || w.hashes() >> 64) continue;
    const auto n = static_cast<uint64_t>(w.hashes());
    // n·(t+1) <= 2^256 < (n+1)·(t+1): in wrapping arithmetic, 2^256 - n·(t+1) is a rest smaller than t+1.
    const Uint256 divisor = t.value + Uint256(1);
    CHECK(Uint256() - divisor * n < divisor);
  }
}

TEST_CASE("work in decimal text comes back; sums are checked") {
  for (const char* text : {"0", "1", "9223372036854775808", "18446744073709551615", "18446744073709551616", "20000000000000000000", "30000000000000000007",
                           "100000000000000000000000000000000000001", "170141183460469231731687303715884105727"}) {
    const auto w = Work::from_text(text);
    REQUIRE(w);
    CHECK(w->to_text() == text);
  }
  for (const char* bad : {"", "00", "01", "-1", "+1", "1.0", " 1", "1e3", "170141183460469231731687303715884105728", "999999999999999999999999999999999999999999"})
    CHECK_FALSE(Work::from_text(bad));
  CHECK((Work(3) + Work(4)).to_text() == "7");
  CHECK(Work::max() + Work(0) == Work::max());
  CHECK_THROWS_AS(Work::max() + Work(1), Error);
}

TEST_CASE("the network's difficulty is shown exactly, rounded down at the eighth decimal [X060]") {
  CHECK(network_difficulty_text(difficulty_one_target()) == "1.00000000");
  CHECK(network_difficulty_text(*Target::from_compact(0x207fffff)) == "0.00000000");
  CHECK(network_difficulty_text(*Target::from_compact(0x1e0377ae)) == "0.00112651");  // signet's genesis block: 0.001126515290698186
  // Main's block 840,000 (bits 0x17034219). Explorers show 86,388,558,925,171.02, the nearest that a double can say.
  CHECK(network_difficulty_text(*Target::from_compact(0x17034219)) == "86388558925171.01171269");
  CHECK_THROWS_AS(network_difficulty_text(Target{}), Error);
}

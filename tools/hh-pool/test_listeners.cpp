#include <catch2/catch.hpp>

#include "base/error.h"
#include "listeners.h"

using namespace hh;
using namespace hh::pool;
using bitcoin::Difficulty;

namespace {

DifficultyRange defaults() {
  DifficultyRange r;
  r.vardiff.least = Difficulty::whole(2);
  r.vardiff.most = Difficulty::whole(1'000);
  r.start = Difficulty::whole(16);
  return r;
}

Listener one(const std::string& text) { return parse_listeners({text}, defaults()).at(0); }

std::string refusal(const std::vector<std::string>& texts) {
  try {
    parse_listeners(texts, defaults());
    return "";
  } catch (const Error& e) {
    CHECK(e.code() == Exit::config);
    return e.what();
  }
}

}  // namespace

TEST_CASE("a listener without options has the pool's difficulties, and no other may come", "[C060]") {
  const Listener l = one("127.0.0.1:3333");
  CHECK(l.address == "127.0.0.1:3333");
  CHECK(l.range.vardiff.least == Difficulty::whole(2));
  CHECK(l.range.vardiff.most == Difficulty::whole(1'000));
  CHECK(l.range.start == Difficulty::whole(16));
  CHECK_FALSE(l.tls);
  CHECK_FALSE(l.proxy);
  CHECK_FALSE(l.share);
}

TEST_CASE("each listener has its own options; a start that was not given moves into the range", "[C060]") {
  const auto all = parse_listeners({"0.0.0.0:1|min=100", "[::]:2|max=4|tls|proxy", "127.0.0.1:3|min=0.5|max=8|start=1|share", "127.0.0.1:0", "127.0.0.1:0"}, defaults());
  REQUIRE(all.size() == 5);
  CHECK(all[0].range.start == Difficulty::whole(100));
  CHECK(all[1].address == "[::]:2");
  CHECK(all[1].range.start == Difficulty::whole(4));
  CHECK(all[1].range.vardiff.least == Difficulty::whole(2));
  CHECK((all[1].tls && all[1].proxy && !all[1].share));
  CHECK(all[2].range.vardiff.least == Difficulty(uint64_t{1} << 31));
  CHECK(all[2].range.start == Difficulty::whole(1));
  CHECK(all[2].range.vardiff.shares_per_minute == defaults().vardiff.shares_per_minute);
  CHECK((all[2].share && !all[2].tls));
}

TEST_CASE("nonsense in a listener is refused by its name", "[C060]") {
  const auto says = [](const std::vector<std::string>& texts, const std::string& part) {
    INFO(texts.back());
    CHECK(refusal(texts).find("\"" + texts.back() + "\" " + part) != std::string::npos);
  };
  says({"nowhere"}, "is not ADDRESS:PORT");
  says({"127.0.0.1:1|min=fast"}, "has min=fast, which is no difficulty");
  says({"127.0.0.1:1|max=3000000000"}, "has max=3000000000, which is above the largest");
  says({"127.0.0.1:1|min=9|max=8"}, "has the least difficulty 9, above the largest, 8");
  says({"127.0.0.1:1|min=2000"}, "has the least difficulty 2000, above the largest, 1000");
  says({"127.0.0.1:1|min=8|start=4"}, "starts at difficulty 4, which is not from 8 to 1000");
  says({"127.0.0.1:1|start=1001"}, "starts at difficulty 1001");
  says({"127.0.0.1:1|tsl"}, "has an option \"tsl\", which there is not: did you mean tls?");
  says({"127.0.0.1:1|tls=yes"}, "has an option \"tls=yes\"");
  says({"127.0.0.1:1|min"}, "has an option \"min\"");
  says({"127.0.0.1:1|"}, "has an option \"\"");
  says({"127.0.0.1:1|min=3|min=4"}, "has the option \"min\" twice");
  says({"127.0.0.1:1", "127.0.0.1:1|min=3"}, "is there twice");
}

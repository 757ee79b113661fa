// Every request that a miner may send, in every state of its connection: what it is answered, and that the answer has the form of one.
#include "json/strict.h"
#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;
using json::Json;

namespace {

PoolConfig easy_config() {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  return c;
}

// The line that answers request 7; others are notifications. Checked: one line, id echoed, either result or error, and the three parts of an error.
Json answer_in(const std::string& lines) {
  std::optional<Json> found;
  for (size_t start = 0, end; (end = lines.find('\n', start)) != std::string::npos; start = end + 1) {
    const Json j = json::parse(lines.substr(start, end - start));
    if (j.contains("method")) continue;
    CHECK_FALSE(found);
    found = j;
  }
  REQUIRE(found);
  CAPTURE(found->dump());
  CHECK(found->size() == 3);
  CHECK((*found)["id"] == 7);
  const Json& error = (*found)["error"];
  CHECK(error.is_null() != (*found)["result"].is_null());
  if (!error.is_null()) {
    REQUIRE(error.is_array());
    REQUIRE(error.size() == 3);
    CHECK(error[0].is_number_integer());
    CHECK_FALSE(error[1].get<std::string>().empty());
    CHECK(error[2].is_null());
  }
  return *found;
}

// 0 where the request was granted, else its error code.
int code_of(const Json& answer) { return answer["error"].is_null() ? 0 : answer["error"][0].get<int>(); }

enum State { fresh, subscribed, authorized };

struct Case {
  std::string method, params;
  int code[3];  // by State
};
const std::vector<Case> cases{
    {"mining.subscribe", R"([])", {0, 0, 0}},
    {"mining.subscribe", R"(["cgminer/4.12.0","0011aabb"])", {0, 0, 0}},
    {"mining.subscribe", R"([17,{}])", {0, 0, 0}},
    {"mining.configure", R"([[],{}])", {0, 0, 0}},
    {"mining.configure", R"([["version-rolling"],{"version-rolling.mask":"ffffffff"}])", {0, 0, 0}},
    {"mining.configure", R"(["version-rolling"])", {0, 0, 0}},  // without its array
    {"mining.configure", R"([7])", {20, 20, 20}},
    {"mining.configure", R"([])", {20, 20, 20}},
    {"mining.authorize", "[\"" + miner_address + R"(.rig","x"])", {0, 0, 0}},
    {"mining.authorize", "[\"" + treasury + R"(","x"])", {0, 0, 24}},  // one connection, one miner
    {"mining.authorize", R"(["nobody","x"])", {24, 24, 24}},
    {"mining.authorize", R"([])", {20, 20, 20}},
    {"mining.authorize", R"([{},"x"])", {20, 20, 20}},
    {"mining.suggest_difficulty", R"([0.5])", {0, 0, 0}},
    {"mining.suggest_difficulty", R"([0])", {20, 20, 20}},
    {"mining.suggest_difficulty", R"([])", {20, 20, 20}},
    {"mining.suggest_target", "[\"00000000ffff" + std::string(52, '0') + "\"]", {0, 0, 0}},
    {"mining.suggest_target", R"(["zz"])", {20, 20, 20}},
    {"mining.extranonce.subscribe", R"([])", {0, 0, 0}},
    {"mining.submit", "[\"" + miner_address + R"(.rig","1","0000000000000000","00000000","00000000"])", {25, 24, 21}},
    {"mining.submit", R"(["somebody","1","0000000000000000","00000000","00000000"])", {25, 24, 24}},
    {"mining.submit", R"([])", {20, 20, 20}},
    {"mining.submit", R"(["u","1","00","00000000",true])", {20, 20, 20}},
    {"mining.submit", R"(["u","1","00",0,0])", {25, 24, 24}},
    {"mining.ping", R"([])", {0, 0, 0}},
    {"client.ping", R"([])", {0, 0, 0}},
    {"mining.get_transactions", R"(["1"])", {21, 21, 21}},
    {"mining.get_transactions", R"([])", {21, 21, 0}},
    {"mining.nonsense", R"([])", {20, 20, 20}},
};

void bring_to(TestMiner& m, State state) {
  if (state >= subscribed) m.say(R"({"id":1,"method":"mining.subscribe","params":["t"]})");
  if (state >= authorized) m.say(v1::authorize_line(2, m.user_name, "x"));
}

}  // namespace

TEST_CASE("each request has its answer in each state, and a refusal leaves the connection as it was [C120][C125]", "[C120][C125]") {
  for (const State state : {fresh, subscribed, authorized})
    for (const Case& c : cases) {
      CAPTURE(c.method, c.params, state);
      TestPool p(easy_config());
      const auto job = p.give(simple_template());
      TestMiner m(p);
      bring_to(m, state);
      const uint64_t refused_before = p.pool->counters.refused[static_cast<size_t>(std::max(c.code[state], 20) - 20)];
      const Json answer = answer_in(m.say(R"({"id":7,"method":")" + c.method + R"(","params":)" + c.params + "}"));
      CHECK(code_of(answer) == c.code[state]);
      CHECK(p.store.lines("share").empty());
      CHECK(m.out.closed.empty());
      if (c.code[state] == 0) continue;
      if (c.method != "mining.nonsense") CHECK(p.pool->counters.refused[static_cast<size_t>(c.code[state] - 20)] == refused_before + 1);
      // Whatever was refused, the miner can still log in and its good share counts.
      m.log_in();
      CHECK(m.submit(m.find(*job, easy())).find("\"result\":true") != std::string::npos);
      CHECK(p.store.lines("share").size() == 1);
    }
}

TEST_CASE("what is granted is what was asked for [C120][C125]", "[C120][C125]") {
  TestPool p(easy_config());
  p.give(simple_template());
  TestMiner m(p);
  const auto ask = [&](const std::string& method, const std::string& params) {
    return answer_in(m.say(R"({"id":7,"method":")" + method + R"(","params":)" + params + "}"))["result"];
  };
  const Json subscription = ask("mining.subscribe", R"(["t"])");
  REQUIRE(subscription.size() == 3);
  CHECK(from_hex(subscription[1].get<std::string>())->size() == 4);
  CHECK(subscription[2] == 8);
  CHECK(ask("mining.configure", R"([["version-rolling"],{"version-rolling.mask":"00ffffff","version-rolling.min-bit-count":2}])") ==
        Json({{"version-rolling", true}, {"version-rolling.mask", "00ffe000"}}));
  // More bits than there are: refused, and the mask that was agreed on before is gone.
  CHECK(ask("mining.configure", R"([["version-rolling"],{"version-rolling.mask":"00006000","version-rolling.min-bit-count":3}])")["version-rolling"] == false);
  CHECK(ask("mining.authorize", "[\"" + m.user_name + "\",\"x\"]") == true);
}

TEST_CASE("a pool that cannot store says so to the miner and counts nothing [C120][C060]", "[C120][C060]") {
  TestPool p(easy_config());
  const auto job = p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  const auto share = m.find(*job, easy());
  p.store.fail("disk full");
  CHECK(m.submit(share) == "{\"id\":9,\"result\":null,\"error\":[20,\"pool cannot store shares\",null]}\n");
  CHECK(p.store.lines("share").empty());
}

#include <catch2/catch.hpp>

#include "stratum/v1.h"

using namespace hh;
using namespace hh::stratum::v1;

namespace {

template <class T>
T read(Parser& p, std::string_view line, std::string_view id = "1") {
  const auto parsed = p.request(line);
  INFO(line);
  if (const auto* bad = std::get_if<ParseFailure>(&parsed.value)) FAIL(bad->reason);
  CHECK(parsed.id == id);
  const auto& request = std::get<Request>(parsed.value);
  REQUIRE(std::holds_alternative<T>(request));
  return std::get<T>(request);
}

std::string refusal(Parser& p, std::string_view line) {
  const auto parsed = p.request(line);
  INFO(line);
  REQUIRE(std::holds_alternative<ParseFailure>(parsed.value));
  return std::get<ParseFailure>(parsed.value).reason;
}

}  // namespace

TEST_CASE("a miner's requests are read [C125]", "[C125]") {
  Parser p;
  CHECK(read<Subscribe>(p, R"({"id":1,"method":"mining.subscribe","params":["cgminer/4.10","0011"]})").user_agent == "cgminer/4.10");
  CHECK(read<Subscribe>(p, R"({"id": 1, "method": "mining.subscribe", "params": []})").user_agent.empty());
  CHECK(read<Subscribe>(p, R"({"id":1,"method":"mining.subscribe"})").user_agent.empty());
  const auto a = read<Authorize>(p, R"({"params":["bc1qx.rig 1","x"],"id":1,"method":"mining.authorize"})");
  CHECK(a.user == "bc1qx.rig 1");
  CHECK(a.password == "x");
  CHECK(read<Authorize>(p, R"({"params":["u",null],"id":1,"method":"mining.authorize"})").password.empty());
  CHECK(read<SuggestDifficulty>(p, R"({"id":1,"method":"mining.suggest_difficulty","params":[0.001]})").difficulty ==
        *bitcoin::Difficulty::from_text("0.001"));
  CHECK(read<GetTransactions>(p, R"({"id":1,"method":"mining.get_transactions","params":["a"]})").job == "a");
  CHECK(read<GetTransactions>(p, R"({"id":1,"method":"mining.get_transactions"})").job.empty());
  CHECK(read<Unknown>(p, R"({"id":1,"method":"mining.multi_version","params":[1]})").method == "mining.multi_version");
  read<Ping>(p, R"({"id":1,"method":"mining.ping","params":[]})");
  read<Ping>(p, R"({"id":1,"method":"client.ping"})");
  read<ExtranonceSubscribe>(p, R"({"id":"x\"y","method":"mining.extranonce.subscribe","params":[]})", R"("x\"y")");
}

TEST_CASE("BIP310 configure [C125]", "[C125]") {
  Parser p;
  const auto c = read<Configure>(
      p, R"({"id":1,"method":"mining.configure","params":[["version-rolling","minimum-difficulty","x"],
        {"version-rolling.mask":"1FFFE000","version-rolling.min-bit-count":2,"minimum-difficulty.value":2048}]})");
  CHECK(c.version_rolling);
  CHECK(c.version_mask == 0x1fffe000);
  CHECK(c.min_bit_count == 2);
  CHECK(c.minimum == bitcoin::Difficulty::whole(2048));
  CHECK_FALSE(c.info);
  CHECK(read<Configure>(p, R"({"id":1,"method":"mining.configure","params":[["version-rolling"]]})").version_mask == 0xffffffff);
  CHECK(refusal(p, R"({"id":1,"method":"mining.configure","params":[7,{}]})") == "parameter 1 (extensions) is not an array");
  CHECK(refusal(p, R"({"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"123456789"}]})") ==
        "parameter 2 (version-rolling.mask) is not a number of up to 8 hex digits");
}

TEST_CASE("shares are read, and what is wrong with one is named [C125]", "[C125]") {
  Parser p;
  auto s = read<Submit>(p, R"({"params":["u.w","17","00000001","504E86ED","b2957c02"],"id":4,"method":"mining.submit"})", "4");
  CHECK(s.user == "u.w");
  CHECK(s.job == "17");
  CHECK(s.extranonce2 == "00000001");
  CHECK(s.ntime == 0x504e86ed);
  CHECK(s.nonce == 0xb2957c02);
  CHECK_FALSE(s.version_bits);
  s = read<Submit>(p, R"({"params":["u","17","0001","504e86ed","b2957c02","00002000",9],"id":4,"method":"mining.submit"})", "4");
  CHECK(s.version_bits == 0x2000);
  const auto submit = [&](std::string_view params) { return refusal(p, std::string(R"({"id":4,"method":"mining.submit","params":)") + std::string(params) + "}"); };
  CHECK(submit(R"([])") == "parameter 1 (user name) is not text");
  CHECK(submit(R"({"a":1})") == "parameter 1 (user name) is not text");
  CHECK(submit(R"(["u",17,"00","504e86ed","b2957c02"])") == "parameter 2 (job) is not text");
  CHECK(submit(R"(["u","17","00","504e86ed1","b2957c02"])") == "parameter 4 (ntime) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","0x504e86ed1","b2957c02"])") == "parameter 4 (ntime) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","0x","b2957c02"])") == "parameter 4 (ntime) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","0x0x1","b2957c02"])") == "parameter 4 (ntime) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed",""])") == "parameter 5 (nonce) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed","-1"])") == "parameter 5 (nonce) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed",4294967296])") == "parameter 5 (nonce) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed",-1])") == "parameter 5 (nonce) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed",1.5])") == "parameter 5 (nonce) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed",true])") == "parameter 5 (nonce) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed","b2957c02",[1]])") == "parameter 6 (version bits) is not a number of up to 8 hex digits");
  CHECK(submit(R"(["u","17","00","504e86ed"])") == "parameter 5 (nonce) is not a number of up to 8 hex digits");
}

TEST_CASE("numbers as text, text as numbers, 0x, leading zeros left out: the value is the same [C125][X022]", "[C125][X022]") {
  Parser p;
  auto s = read<Submit>(p, R"({"params":["u","17","0xAB01","0x504E86ED",2996141058,8192],"id":4,"method":"mining.submit"})", "4");
  CHECK(s.extranonce2 == "AB01");
  CHECK(s.ntime == 0x504e86ed);
  CHECK(s.nonce == 0xb2957c02);
  CHECK(s.version_bits == 0x2000);
  s = read<Submit>(p, R"({"params":["u","17","ab01",1347323629,"1",null],"method":"mining.submit"})", "null");
  CHECK(s.ntime == 0x504e86ed);
  CHECK(s.nonce == 1);
  CHECK_FALSE(s.version_bits);
  CHECK(read<SuggestDifficulty>(p, R"({"id":1,"method":"mining.suggest_difficulty","params":["1024.5"]})").difficulty == *bitcoin::Difficulty::from_text("1024.5"));
  CHECK(read<SuggestDifficulty>(p, R"({"id":1,"method":"mining.suggest_difficulty","params":[1024]})").difficulty == bitcoin::Difficulty::whole(1024));
  const bitcoin::Target one = bitcoin::difficulty_one_target();
  CHECK(read<SuggestTarget>(p, R"({"id":1,"method":"mining.suggest_target","params":["0x)" + one.to_hex().substr(8) + R"("]})").target == one);
  CHECK(read<SuggestTarget>(p, R"({"id":1,"method":"mining.suggest_target","params":[")" + one.to_hex() + R"("]})").target == one);
  CHECK(refusal(p, R"({"id":1,"method":"mining.suggest_target","params":["0)" + one.to_hex() + R"("]})") == "parameter 1 (target) is not up to 64 hex digits");
  CHECK(refusal(p, R"({"id":1,"method":"mining.suggest_target","params":[""]})") == "parameter 1 (target) is not up to 64 hex digits");
  auto c = read<Configure>(p, R"({"id":1,"method":"mining.configure","params":["version-rolling",{"version-rolling.mask":"0x1fffe000","version-rolling.min-bit-count":"2"}]})");
  CHECK(c.version_rolling);
  CHECK(c.version_mask == 0x1fffe000);
  CHECK(c.min_bit_count == 2);
  c = read<Configure>(p, R"({"id":1,"method":"mining.configure","params":[["version-rolling","minimum-difficulty"],{"version-rolling.mask":536862720,"minimum-difficulty.value":"64"}]})");
  CHECK(c.version_mask == 0x1fffe000);
  CHECK(c.minimum == bitcoin::Difficulty::whole(64));
  CHECK_FALSE(read<Configure>(p, R"({"id":1,"method":"mining.configure","params":[["minimum-difficulty"],[]]})").minimum);
}

TEST_CASE("answers to what the pool asked [C125]", "[C125]") {
  Parser p;
  auto r = read<Reply>(p, R"({"id":5,"result":"cgminer/4.13.1","error":null})", "null");
  CHECK(r.id == 5);
  CHECK(r.text == "cgminer/4.13.1");
  r = read<Reply>(p, R"({"id":5,"result":{"a":1}})", "null");
  CHECK(r.text.empty());
  CHECK_FALSE(read<Reply>(p, R"({"id":"x","result":null,"error":[20,"no",null]})", "null").id);
  read<Reply>(p, R"({"id":5,"error":"unknown"})", "null");
  read<Reply>(p, R"({"id":1,"method":"pong","params":[]})");
}

TEST_CASE("what is no request is no crash [C125]", "[C125]") {
  Parser p;
  for (const std::string line : {"", "GET / HTTP/1.1", "[1,2]", "{", "\"x\"", "{\"id\":1}x", "\xff\xfe", "{\"id\":\"\xff\"}"}) {
    const auto parsed = p.request(line);
    REQUIRE(std::holds_alternative<ParseFailure>(parsed.value));
    CHECK_FALSE(std::get<ParseFailure>(parsed.value).is_json);
  }
  CHECK_FALSE(std::get<ParseFailure>(p.request(std::string(20, '[') + std::string(20, ']')).value).is_json);
  CHECK_FALSE(std::get<ParseFailure>(p.request(std::string(max_line + 1, ' ')).value).is_json);
  CHECK(refusal(p, R"({"id":1,"params":[]})") == "there is no method");
  CHECK(p.request(R"({"id":[1],"method":"x"})").id == "null");
  CHECK(p.request(R"({"id":")" + std::string(100, 'a') + R"(","method":"x"})").id == "null");
  CHECK(refusal(p, R"({"id":1,"method":"mining.suggest_difficulty","params":[-1]})") ==
        "parameter 1 (difficulty) is not a number above 2^-32 and below 2^32");
  CHECK(refusal(p, R"({"id":1,"method":"mining.suggest_difficulty","params":["x"]})") ==
        "parameter 1 (difficulty) is not a number above 2^-32 and below 2^32");
}

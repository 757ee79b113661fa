// What the strict parser takes and refuses (RFC 8259, RFC 7493) and how field errors read.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "json/fields.h"
#include "json/strict.h"

using namespace hh;
using json::parse;
using Catch::Contains;

TEST_CASE("good JSON keeps its order", "[json][C112]") {
  const auto v = parse(R"({"type":"x","v":1,"b":[1,-2,true,null,"é\u00e9\ud83d\ude00"],"a":{"k":9007199254740993}})");
  CHECK(json::to_line(v) == R"({"type":"x","v":1,"b":[1,-2,true,null,"éé😀"],"a":{"k":9007199254740993}})");
}

TEST_CASE("bad JSON is refused with its reason", "[json][C112]") {
  const auto refused = [](std::string_view text, const char* why) { CHECK_THROWS_WITH(parse(text), Contains(why)); };
  refused("", "not valid JSON");
  refused("{\"a\":1", "not valid JSON");
  refused("{} {}", "not valid JSON");
  refused("{\"a\":1,\"a\":1}", "duplicate key \"a\"");
  refused("{\"o\":{\"x\":1,\"y\":2,\"x\":3}}", "duplicate key \"x\"");
  refused("{\"a\":01}", "not valid JSON");
  refused("{\"a\":NaN}", "not valid JSON");
  refused(std::string_view("{}\0", 3), "not valid JSON at byte 3");
  refused(std::string_view("{\"a\":1}\0{\"a\":2}", 15), "zero byte");
  refused(std::string_view("\"\0\"", 3), "zero byte");
  refused("\"\xff\"", "invalid UTF-8");
  refused("\"\xed\xa0\x80\"", "invalid UTF-8");  // a surrogate
  refused("\"\\ud800\"", "not valid JSON");
  refused("[18446744073709551616]", "beyond 64 bits");
  refused("[-9223372036854775809]", "beyond 64 bits");
  refused(std::string(65, '[') + std::string(65, ']'), "nested deeper");
  CHECK_NOTHROW(parse(std::string(64, '[') + std::string(64, ']')));
  CHECK_NOTHROW(parse(R"({"a":{"x":1},"b":{"x":1}})"));  // the same key in two objects is no duplicate
}

TEST_CASE("field errors name the field", "[json][C112]") {
  const auto v = parse(R"({"n":"12","neg":-1,"big":9007199254740992,"f":1.0,"hex":"0G","up":"AB","dec":"007"})");
  const json::Fields f(v);
  CHECK_THROWS_WITH(f.text("none"), Contains("\"none\" is missing"));
  CHECK_THROWS_WITH(f.integer("n"), Contains("\"n\" must be an integer, is \"12\""));
  CHECK_THROWS_WITH(f.integer("neg"), Contains("at least 0"));
  CHECK_THROWS_WITH(f.integer("big"), Contains("at most 9007199254740991"));
  CHECK_THROWS_WITH(f.integer("f"), Contains("must be an integer, is 1.0"));
  CHECK_THROWS(f.hex("hex"));
  CHECK_THROWS(f.hex("up"));
  CHECK_THROWS(f.decimal("dec"));
  CHECK_THROWS_WITH(json::Fields(parse("[1]")), Contains("expected a JSON object"));
}

TEST_CASE("record headers", "[json][records]") {
  CHECK(json::record_type(parse(R"({"type":"share","v":1})")) == "share");
  CHECK_THROWS_WITH(json::record_type(parse(R"({"type":"share","v":2})")), Contains("unknown version 2 of record \"share\""));
  CHECK_THROWS(json::record_type(parse(R"({"type":"share"})")));
  CHECK_THROWS(json::record_type(parse(R"({"v":1})")));
  CHECK_THROWS_WITH(json::require_record(parse(R"({"type":"x","v":1})"), "share"), Contains("expected a record of type \"share\""));
}

TEST_CASE("text from strangers is cut between characters, and what is no text is replaced", "[json]") {
  CHECK(json::clean_text("plain", 5) == "plain");
  CHECK(json::clean_text("plainer", 5) == "plain…");
  CHECK(json::clean_text("ab\u00e9", 4) == "ab\u00e9");
  CHECK(json::clean_text("ab\u00e9c", 3) == "ab…");  // é has two bytes
  CHECK(json::clean_text("ab\u20acc", 4) == "ab…");   // € has three
  CHECK(json::clean_text("a\xff"
                         "b",
                         9) == "a\ufffd"
                               "b");
  CHECK(json::clean_text("\x80\x80\x80", 1) == "…");
  CHECK_NOTHROW(json::to_line(json::clean_text("x\xc3", 9)));
}

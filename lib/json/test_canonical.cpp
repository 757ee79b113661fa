// RFC 8785: the parts that apply where numbers are integers.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "json/canonical.h"

using namespace hh;

TEST_CASE("keys are sorted by UTF-16 code units", "[json][jcs][C073]") {
  // The property names of RFC 8785 section 3.2.3.
  const auto v = json::parse(
      R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})");
  CHECK(json::canonical(v) ==
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\","
        "\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST_CASE("text and literals are written as the RFC does", "[json][jcs][C073]") {
  // Section 3.2.2: the string and literals of its example (its numbers are floats, which manifests do not have).
  const auto v = json::parse(R"({"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})");
  CHECK(json::canonical(v) == R"({"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"})");
}

TEST_CASE("nesting, order and refusals", "[json][jcs][C073]") {
  CHECK(json::canonical(json::parse(R"({ "b" : { "z":1, "a":[ {"y":2,"x":-3} ] }, "a" : "" })")) == R"({"a":"","b":{"a":[{"x":-3,"y":2}],"z":1}})");
  CHECK_THROWS_AS(json::canonical(json::parse("[1.5]")), Error);
  CHECK_THROWS_AS(json::canonical(json::parse("[9007199254740992]")), Error);
  CHECK_THROWS_AS(json::canonical(json::parse("[-9007199254740992]")), Error);
  CHECK(json::canonical(json::parse("[9007199254740991,-9007199254740991]")) == "[9007199254740991,-9007199254740991]");
  CHECK_THROWS_AS(json::canonical(json::Json("\xff")), Error);
}

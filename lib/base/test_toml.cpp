#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/toml.h"

using namespace hh;

namespace {

std::string refused(std::string_view text) {
  try {
    parse_toml(text, "f");
  } catch (const Error& e) {
    return e.code() == Exit::config ? e.what() : "another exit code";
  }
  return "";
}

}  // namespace

TEST_CASE("TOML: letters outside of ASCII belong into strings and comments, and anywhere else are an error [C090]", "[C090]") {
  for (const char* good : {"# Grüße\na = 1 # für alle\n", "a = \"é\"", "a = 'é' # é", "a = \"\"\"é\n\"é\"\\\"\"\"\"", "a = '''é\n'é'''", "a = \"\\\"é\"", "\xef\xbb\xbf" "a = 1"}) {
    CAPTURE(good);
    CHECK(refused(good).empty());
  }
  for (const char* bad : {"\t\t\xd1\x87", "ключ = 1", "a = \"#\" é", "a = 1 é # x", "a = \"x\ny\" é", "a = '''x''' é", "a = 'x\\' é"}) {
    CAPTURE(bad);
    CHECK(!refused(bad).empty());
  }
  CHECK(refused("a = 1\n\nключ = 1").starts_with("f, line 3: "));
}

TEST_CASE("TOML: an error names file and line [C090]", "[C090]") {
  CHECK(refused("a = 1\n[#").starts_with("f, line 2: "));
  CHECK(refused("a = 1\na = 2").starts_with("f, line 2: "));
  CHECK(refused("a = \"\xff\"").starts_with("f, line 1: "));
}

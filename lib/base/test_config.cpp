// Configuration: which of flag, environment, file and default wins, and what is refused.
#include <catch2/catch.hpp>
#include <stdlib.h>

#include <CLI/CLI.hpp>

#include "base/config.h"
#include "base/error.h"
#include "base/file.h"

using namespace hh;
using Catch::Contains;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/hh-config-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { [[maybe_unused]] const int rc = ::system(("rm -rf " + path).c_str()); }
};

std::vector<Setting> settings() {
  return {{"listen", "127.0.0.1:3333", Kind::text, "where miners connect"},
          {"vardiff.target", "20", Kind::integer, "shares per minute", false, 1, 600},
          {"rpc.url", "", Kind::text, "node"},
          {"quiet", "false", Kind::boolean, "say less"},
          {"nodes", "", Kind::list, "several"}};
}

struct Parsed {
  Settings s{"hh-test", settings()};
  explicit Parsed(std::vector<std::string> arguments) {
    CLI::App app;
    s.add_flags(app);
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
    s.load();
  }
};

std::string file_with(const Folder& folder, const std::string& text) {
  const std::string path = folder.path + "/c.toml";
  write_file_durably(path, text, 0600);
  return path;
}

std::string refusal(std::vector<std::string> arguments, Exit code) {
  try {
    Parsed p(std::move(arguments));
  } catch (const Error& e) {
    CHECK(e.code() == code);
    return e.what();
  }
  return "not refused";
}

}  // namespace

TEST_CASE("flags win over environment over file over defaults", "[base][config][C090]") {
  const Folder folder;
  const std::string path = file_with(folder, "listen = \"file:1\"\nquiet = true\nnodes = [\"a\", \"b\"]\n[vardiff]\ntarget = 30\n[rpc]\nurl = \"http://u:pw@h:1\"\n");
  ::setenv("HH_TEST_LISTEN", "env:1", 1);
  ::setenv("HH_TEST_VARDIFF_TARGET", "40", 1);
  const Parsed p({"--config", path, "--vardiff-target", "50"});
  ::unsetenv("HH_TEST_LISTEN");
  ::unsetenv("HH_TEST_VARDIFF_TARGET");
  CHECK(p.s.integer("vardiff.target") == 50);
  CHECK(p.s.origin("vardiff.target") == "flag");
  CHECK(p.s.text("listen") == "env:1");
  CHECK(p.s.origin("listen") == "environment HH_TEST_LISTEN");
  CHECK(p.s.boolean("quiet"));
  CHECK(p.s.origin("quiet") == "file " + path);
  CHECK(p.s.list("nodes") == std::vector<std::string>{"a", "b"});
  CHECK_THAT(p.s.to_records(), Contains(R"({"type":"config","v":1,"key":"rpc.url","value":"http://u:[redacted]@h:1","origin":"file )"));
  CHECK(Parsed({}).s.text("listen") == "127.0.0.1:3333");
  CHECK(Parsed({"--quiet"}).s.boolean("quiet"));
  CHECK(Parsed({"--vardiff-target", "50", "--vardiff-target", "60"}).s.integer("vardiff.target") == 60);
}

TEST_CASE("what is wrong is refused with where, what and what was meant", "[base][config][C090]") {
  const Folder folder;
  CHECK_THAT(refusal({"--config", file_with(folder, "lisen = \"x\"\n")}, Exit::config), Contains("line 1: unknown key \"lisen\": did you mean \"listen\"?"));
  CHECK_THAT(refusal({"--config", file_with(folder, "[vardiff]\ntarget = \"many\"\n")}, Exit::config), Contains("\"many\" is not an integer"));
  CHECK_THAT(refusal({"--config", file_with(folder, "[vardiff]\ntarget = 1.5\n")}, Exit::config), Contains("line 2: vardiff.target is neither"));
  CHECK_THAT(refusal({"--config", file_with(folder, "listen = \n")}, Exit::config), Contains("line 1"));
  CHECK_THAT(refusal({"--config", folder.path + "/none"}, Exit::config), Contains("does not exist"));
  CHECK_THAT(refusal({"--vardiff-target", "0"}, Exit::usage), Contains("from 1 to 600"));
  CHECK_THAT(refusal({"--vardiff-target", "5x"}, Exit::usage), Contains("not an integer"));
  CHECK_THAT(refusal({"--log-level", "loud"}, Exit::usage), Contains("loud"));
  CHECK_THAT(refusal({"--config", file_with(folder, "[log]\nlevel = \"loud\"\n")}, Exit::config), Contains("log.level (file ") && Contains("loud"));
  Parsed p({});
  CHECK_THROWS_WITH(p.s.required("rpc.url"), Contains("--rpc-url, HH_TEST_RPC_URL"));
}

TEST_CASE("a misspelt environment variable is an error, those of other programs are not", "[base][config][C090]") {
  ::setenv("HH_TEST_VARDIF_TARGET", "40", 1);
  CHECK_THAT(refusal({}, Exit::config), Contains("unknown variable \"HH_TEST_VARDIF_TARGET\": did you mean \"HH_TEST_VARDIFF_TARGET\"?"));
  ::unsetenv("HH_TEST_VARDIF_TARGET");
  ::setenv("HH_TESTS", "1", 1);
  ::setenv("HH_OTHER_LISTEN", "1", 1);
  CHECK(Parsed({}).s.text("listen") == "127.0.0.1:3333");
  ::unsetenv("HH_TESTS");
  ::unsetenv("HH_OTHER_LISTEN");
}

TEST_CASE("a setting that names a secret is shown, a secret put in its place is not", "[base][config][C084]") {
  Settings s("hh-test", {{"key", "", Kind::text, "private key", true}});
  CLI::App app;
  s.add_flags(app);
  app.parse(std::vector<std::string>{"0201036c6e640247030a10b493608461fb", "--key"});
  s.load();
  CHECK_THAT(s.to_records(), Contains(R"("key":"key","value":"[redacted]","origin":"flag")"));
}

TEST_CASE("the nearest key", "[base][config]") {
  CHECK(nearest("vardif.target", {"listen", "vardiff.target"}) == "vardiff.target");
  CHECK(nearest("zzzzzz", {"listen"}).empty());
}

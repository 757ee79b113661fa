// Logs: secrets stay out, hostile text stays in its line.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"

using namespace hh;
using Catch::Contains;

namespace {

// What body writes to stderr.
template <class Body>
std::string stderr_of(Body body) {
  char name[] = "/tmp/hh-log-XXXXXX";
  const FileHandle file(::mkstemp(name));
  const FileHandle saved(::dup(STDERR_FILENO));
  ::dup2(file.get(), STDERR_FILENO);
  body();
  ::dup2(saved.get(), STDERR_FILENO);
  const std::string text = read_file(name);
  ::unlink(name);
  return text;
}

}  // namespace

TEST_CASE("secrets never reach a log line", "[base][log][C084]") {
  log::set_format(log::Format::json);
  log::hide("swordfish-canary");
  const std::string out = stderr_of([] {
    log::info("connect", {{"macaroon", "0201036c6e64"}, {"rpc_password", "hunter22"}, {"url", "http://x/?t=swordfish-canary"}, {"n", 5}});
    log::failure("cannot use swordfish-canary here", 69);
  });
  log::set_format(log::Format::automatic);
  CHECK_THAT(out, !Contains("canary") && !Contains("0201036c6e64") && !Contains("hunter22"));
  CHECK_THAT(out, Contains(R"("url":"http://x/?t=[redacted]","n":5})") && Contains(R"("exit_code":69)"));
}

TEST_CASE("hostile text stays in its line", "[base][log][C083]") {
  log::set_format(log::Format::json);
  const std::string out = stderr_of([] { log::warn("refused", {{"name", "a\n{\"level\":\"x\"}\x1b[31m\xff"}}); });
  log::set_format(log::Format::automatic);
  CHECK(std::count(out.begin(), out.end(), '\n') == 1);
  CHECK_THAT(out, Contains(R"(a\u000a{\"level\":\"x\"}\u001b[31m\u00ff)"));
}

TEST_CASE("in text, too, what a stranger chose is one field of one line", "[base][log][C083][C113]") {
  log::set_format(log::Format::text);
  const std::string out = stderr_of([] { log::warn("refused", {{"name", "a level=error\n00:00:00.000 error hh: forged x=\"y\""}, {"n", 5}, {"plain", "rig"}}); });
  log::set_format(log::Format::automatic);
  CHECK(std::count(out.begin(), out.end(), '\n') == 1);
  CHECK_THAT(out, Contains(R"( refused name="a level=error\u000a00:00:00.000 error hh: forged x=\"y\"" n=5 plain=rig)"));
}

TEST_CASE("secrets come from files that others cannot read, credentials or commands", "[base][C035]") {
  char name[] = "/tmp/hh-secret-XXXXXX";
  const FileHandle file(::mkstemp(name));
  write_all(file.get(), "topsecret-value\n", "test");
  CHECK(load_secret(name, "x") == "topsecret-value");
  ::chmod(name, 0644);
  CHECK_THROWS_WITH(load_secret(name, "lnd.macaroon"), Contains("lnd.macaroon") && Contains("chmod 600"));
  ::unlink(name);
  CHECK_THROWS_AS(load_secret(name, "x"), Error);
  CHECK(load_secret("exec:printf abc", "x") == "abc");
  CHECK_THROWS_AS(load_secret("exec:exit 3", "x"), Error);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  CHECK_THROWS_WITH(load_secret("credential:lnd", "x"), Contains("CREDENTIALS_DIRECTORY"));
}

TEST_CASE("a secret that is part of its own replacement ends, and each line of a key is hidden", "[base][log][C084]") {
  log::hide("redacted");
  CHECK(log::redact("a redacted b [redacted] c") == "a [redacted] b [[redacted]] c");
  CHECK(load_secret("exec:printf '%s\\n' BEGIN-OF-KEY first-line-of-key second-line-of-key", "key").size() == 49);
  CHECK(log::redact("it says second-line-of-key here") == "it says [redacted] here");
}

TEST_CASE("a secret given in place of its reference is not shown", "[base][log][C084]") {
  const std::string macaroon = "0201036c6e640247030a10b493608461fb";
  CHECK(shown_reference(macaroon) == "[redacted]");
  CHECK(shown_reference("-----BEGIN PRIVATE KEY-----\nx") == "[redacted]");
  for (const char* place : {"key.pem", "/run/secrets/a-long-name-without-any-dot-in-it", "exec:age -d -i key.txt rpc.age", "credential:a-long-name-of-a-credential"})
    CHECK(shown_reference(place) == place);
  CHECK_THROWS_WITH(load_secret(macaroon, "lnd.macaroon"), Contains("lnd.macaroon: secret file [redacted] cannot be read") && !Contains("0201036c"));
}

TEST_CASE("hex and time as text", "[base]") {
  CHECK(to_hex(*from_hex("00fFaB")) == "00ffab");
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
  CHECK(to_iso8601(1'700'000'000'123) == "2023-11-14T22:13:20.123Z");
  FakeClock clock(5000);
  clock.sleep_ms(10);
  CHECK(clock.unix_ms() == 5010);
}

TEST_CASE("what strangers bring about is logged at a bounded rate, and how much was left out", "[base][log][C113]") {
  log::set_format(log::Format::json);
  log::Bounded few("closed", 3, 2);
  int64_t now = 1'000'000;
  int written = 0;
  const std::string out = stderr_of([&] {
    for (int i = 0; i < 10; ++i) written += few.may_write(now);
    CHECK(written == 3);
    now += 999;
    CHECK_FALSE(few.may_write(now));
    now += 1;
    for (int i = 0; i < 10; ++i) written += few.may_write(now);
    CHECK(written == 5);
    now += 3'600'000;
    for (int i = 0; i < 10; ++i) written += few.may_write(now);
    CHECK(written == 8);
  });
  log::set_format(log::Format::automatic);
  CHECK_THAT(out, Contains(R"("event":"lines_left_out","of":"closed","count":8)"));
}

TEST_CASE("durable writes replace in one step and name what failed", "[base][file]") {
  char name[] = "/tmp/hh-file-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  write_file_durably(folder + "/a", "one", 0600);
  write_file_durably(folder + "/a", "two", 0600);
  CHECK(read_file(folder + "/a") == "two");
  CHECK_THROWS_WITH(write_file_durably(folder + "/none/a", "x", 0600), Contains("cannot create"));
  CHECK_THROWS_WITH(read_file(folder + "/b"), Contains("cannot open"));
  CHECK_THROWS_AS(read_file(folder + "/a", 2), Error);
  const FileHandle full = open_file("/dev/full", O_WRONLY);
  CHECK_THROWS_WITH(write_all(full.get(), "x", "spool"), Contains("cannot write spool: No space left"));
  ::unlink((folder + "/a").c_str());
  ::rmdir(folder.c_str());
}

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "spool.h"

using namespace hh;
using namespace hh::pool;

namespace {

struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "spool.XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path + "/" + name) << content;
    return path + "/" + name;
  }
  std::string path;
};

std::string record(const std::string& type, const std::string& source, int seq, const std::string& job) {
  return R"({"type":")" + type + R"(","v":1,"source":")" + source + "\"" + (seq > 0 ? ",\"seq\":" + std::to_string(seq) : "") + R"(,"job":")" + job + "\"}\n";
}

std::string failure(const std::string& path, const std::string& source = "a") {
  try {
    Spool spool(path, source);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a spool knows the last number and run of its source [C060]", "[C060]") {
  const Folder f;
  SECTION("new") {
    Spool s(f.path + "/new", "a");
    CHECK(s.last_seq() == 0);
    CHECK(s.last_run() == 0);
  }
  SECTION("a folder") {
    Spool s(f.path, "a");
    CHECK(s.path() == f.path + "/a.jsonl");
  }
  SECTION("shares, blocks, jobs, other sources") {
    const auto path = f.file("s", record("job", "a", 0, "ff000001") + record("share", "a", 1, "ff000001") + record("block", "a", 2, "ff000001") +
                                      record("share", "b", 900, "fff000001") + record("job", "a", 0, "100000002"));
    Spool s(path, "a");
    CHECK(s.last_seq() == 2);
    CHECK(s.last_run() == 0x100);
    CHECK(Spool(f.file("t", record("job", "a", 0, "ff000001")), "a").last_run() == 0xff);
  }
  SECTION("far from the end") {
    std::string text = record("share", "a", 7, "ff000001");
    while (text.size() < 700'000) text += record("share", "b", 9, "ff000001");
    CHECK(Spool(f.file("s", text), "a").last_seq() == 7);
    CHECK(Spool(f.file("t", text), "c").last_seq() == 0);
  }
}

TEST_CASE("a torn last line is cut away, nothing else [C060]", "[C060]") {
  const Folder f;
  const std::string whole = record("job", "a", 0, "ff000001") + record("share", "a", 1, "ff000001");
  const std::string torn = record("share", "a", 2, "ff000001");
  for (size_t n = 0; n < torn.size(); ++n) {
    const auto path = f.file("s", whole + torn.substr(0, n));
    Spool s(path, "a");
    REQUIRE(s.torn_bytes() == n);
    REQUIRE(s.last_seq() == 1);
    s.append(torn);
    REQUIRE(std::filesystem::file_size(path) == (whole + torn).size());
  }
  CHECK(Spool(f.file("only", torn.substr(0, 9)), "a").size() == 0);
}

TEST_CASE("what is no spool is left alone [C060]", "[C060]") {
  const Folder f;
  CHECK(failure(f.file("text", "hello\n")).find("line at byte 0") != std::string::npos);
  const auto big = f.file("big", std::string(3u << 20, 'x'));
  CHECK(failure(big).find("it is no spool of hh-pool") != std::string::npos);
  CHECK(std::filesystem::file_size(big) == 3u << 20);
  CHECK(failure(f.path + "/none/s").find("none/s") != std::string::npos);
  CHECK(failure("/dev/null").find("no regular file") != std::string::npos);
  Spool s(f.path + "/mine", "a");
  CHECK(failure(f.path + "/mine").find("in use") != std::string::npos);
}

TEST_CASE("a batch that does not fit is not half written [C060]", "[C060]") {
  const Folder f;
  const std::string line = record("share", "a", 1, "ff000001");
  const auto path = f.path + "/s";
  const pid_t child = ::fork();
  if (child == 0) {  // the limit on file sizes is a process's own
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{line.size() + 10, line.size() + 10};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Spool s(path, "a");
    s.append(line);
    try {
      s.append(line + line);
    } catch (const Error& e) {
      ::_exit(e.code() == Exit::io ? 0 : 2);
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(std::filesystem::file_size(path) == line.size());
}

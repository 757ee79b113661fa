#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "control/address.h"
#include "control/client.h"
#include "control/loop_call.h"
#include "control/server.h"

using namespace hh;

namespace {

std::string socket_path(const char* name) { return fmt::format("/tmp/hh-control-{}-{}.sock", name, ::getpid()); }

json::Json request(const char* command) { return json::Json{{"command", command}}; }

std::vector<std::string> answer(const std::string& path, const json::Json& r) {
  std::vector<std::string> lines;
  control::ask(path, r, [&](const json::Json&, const std::string& line) { lines.push_back(line); }, 5'000);
  return lines;
}

Exit code_of(const std::string& path, const json::Json& r) {
  try {
    answer(path, r);
  } catch (const Error& e) {
    return e.code();
  }
  return Exit::ok;
}

FileHandle raw(const std::string& path) {
  FileHandle fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  const control::Address a = control::unix_address(path);
  REQUIRE(::connect(fd.get(), a.pointer(), a.size) == 0);
  return fd;
}

std::string read_all(int fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<size_t>(n));
  return all;
}

void echo(const json::Fields& f, std::string& out) { out += fmt::format("{{\"type\":\"echo\",\"v\":1,\"said\":{}}}\n", f.integer("number")); }

}  // namespace

TEST_CASE("a command's lines, then its end; errors keep their code and sentence", "[C093]") {
  const std::string path = socket_path("talk");
  control::Server s;
  s.on("echo", echo);
  s.on("fail", [](const json::Fields&, std::string& out) {
    out += "{\"type\":\"echo\",\"v\":1}\n";
    throw Error(Exit::no_input, "no such \x01\xff thing");
  });
  s.start(path);
  CHECK(answer(path, {{"command", "echo"}, {"number", 7}}) == std::vector<std::string>{R"({"type":"echo","v":1,"said":7})"});
  CHECK(code_of(path, request("fail")) == Exit::no_input);
  CHECK_THROWS_WITH(answer(path, request("fail")), "no such ?? thing");
  CHECK(code_of(path, request("nothing")) == Exit::usage);
  CHECK(code_of(path, request("echo")) == Exit::data);  // the field is missing
  for (const char* line : {"[]\n", "nonsense\n", "\n", "{\"command\":1}\n", "{\"command\":\"\xff\"}\n"}) {
    const FileHandle fd = raw(path);
    REQUIRE(::write(fd.get(), line, strlen(line)) > 0);
    CHECK(read_all(fd.get()).find("\"ok\":false") != std::string::npos);
  }
}

TEST_CASE("only its owner may ask, and a dead daemon's socket is replaced, a live one's is not", "[C093]") {
  const std::string path = socket_path("owner");
  {
    control::Server s;
    s.start(path);
    struct stat st {};
    REQUIRE(::stat(path.c_str(), &st) == 0);
    CHECK((st.st_mode & 0777) == 0600);
    control::Server second;
    CHECK_THROWS_WITH(second.start(path), Catch::Matchers::Contains("in use"));
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
  CHECK(code_of(path, request("echo")) == Exit::unavailable);
  {  // a socket that nobody listens on
    const FileHandle fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    const control::Address a = control::unix_address(path);
    REQUIRE(::bind(fd.get(), a.pointer(), a.size) == 0);
  }
  CHECK(code_of(path, request("echo")) == Exit::unavailable);
  control::Server s;
  s.on("echo", echo);
  s.start(path);
  CHECK(code_of(path, {{"command", "echo"}, {"number", 1}}) == Exit::ok);
  s.stop();
  std::ofstream(path) << "precious";
  control::Server other;
  CHECK_THROWS_AS(other.start(path), Error);
  CHECK(::unlink(path.c_str()) == 0);
  CHECK_THROWS_AS(other.start("/nonexistent/s"), Error);
  CHECK_THROWS_AS(other.start("/tmp/" + std::string(200, 'x')), Error);
}

TEST_CASE("who takes over keeps the name when the old one ends", "[C093]") {
  const std::string path = socket_path("over");
  control::Server before, after;
  before.start(path);
  after.on("echo", echo);
  after.start(path, true);
  before.stop();
  CHECK(code_of(path, {{"command", "echo"}, {"number", 1}}) == Exit::ok);
}

TEST_CASE("clients that say nothing, too much, or do not read hold nobody up and are dropped [C113]", "[C113]") {
  const std::string path = socket_path("stuck");
  control::Server s({4, 1024, 64u << 20, 300});
  s.on("echo", echo);
  s.on("much", [](const json::Fields&, std::string& out) {
    for (int i = 0; i < 100'000; ++i) out += "{\"type\":\"echo\",\"v\":1,\"filler\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n";
  });
  s.on("endless", [](const json::Fields&, std::string& out) { out.assign(65u << 20, '\n'); });
  s.start(path);
  const FileHandle silent = raw(path), deaf = raw(path), long_winded = raw(path);
  REQUIRE(::write(deaf.get(), "{\"command\":\"much\"}\n", 19) == 19);
  const std::string flood(5'000, 'x');
  REQUIRE(::write(long_winded.get(), flood.data(), flood.size()) > 0);
  CHECK(code_of(path, {{"command", "echo"}, {"number", 1}}) == Exit::ok);
  CHECK(read_all(long_winded.get()).find("longer than 1024 bytes") != std::string::npos);
  CHECK(read_all(silent.get()).empty());  // returns, as it is hung up on
  CHECK(answer(path, request("much")).size() == 100'000);
  CHECK(code_of(path, request("endless")) == Exit::temp_fail);
  std::vector<FileHandle> many;
  for (int i = 0; i < 20; ++i) many.push_back(raw(path));
  CHECK(code_of(path, {{"command", "echo"}, {"number", 1}}) == Exit::ok);  // once the first of them have been dropped
}

TEST_CASE("a call on the loop: its value, its error, and nothing once nobody waits", "[C113]") {
  std::mutex mutex;
  std::deque<std::function<void()>> posted;
  const auto post = [&](std::function<void()> f) {
    std::lock_guard lock(mutex);
    posted.push_back(std::move(f));
  };
  std::atomic<bool> end{false}, cancelled{false};
  std::thread loop([&] {
    while (!end) {
      std::function<void()> f;
      {
        std::lock_guard lock(mutex);
        if (!posted.empty()) f = std::move(posted.front()), posted.pop_front();
      }
      if (f) f();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const control::LoopCall call(post, 10'000);
  CHECK(call([] { return 7; }) == 7);
  CHECK_THROWS_WITH(call([]() -> int { throw Error(Exit::data, "no"); }), "no");
  end = true;
  loop.join();
  bool ran = false;
  CHECK_THROWS_WITH(control::LoopCall(post, 60)([&] { return ran = true; }), "the event loop does not answer");
  for (const auto& f : posted) f();
  CHECK_FALSE(ran);
  cancelled = true;
  CHECK_THROWS_AS(control::LoopCall(post, 600'000, &cancelled)([&] { return ran = true; }), Error);
}

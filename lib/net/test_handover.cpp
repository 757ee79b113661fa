// Both sides of a handover, in one process: the owner on a loop, the taker in a thread.
#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/error.h"
#include "net/handover.h"

using namespace hh;
using namespace hh::net;

namespace {

struct Owner {
  explicit Owner(int64_t patience_ms = 2'000)
      : path((std::filesystem::temp_directory_path() / ("handover." + std::to_string(::getpid()))).string()),
        offer(loop, path, patience_ms,
              {[](std::string_view greeting) { return greeting == "hello" ? std::string() : "I do not know " + std::string(greeting); },
               [this]() -> std::variant<HandoverOffer::State, std::string> {
                 if (busy) return std::string("busy");
                 if (breaks) throw Error(Exit::io, "half way");
                 ++stopped;
                 return state;
               },
               [this] { ++resumed, loop.stop(); }, [this](pid_t) { ++gone, loop.stop(); }}) {}
  // Runs the loop while the taker does its part.
  template <class Function>
  void with_taker(Function&& f) {
    std::thread taker([&] {
      f();
      loop.post([this] { loop.stop(); });
    });
    loop.run();
    taker.join();
    loop.run_posted();
  }
  Loop loop;
  std::string path;
  HandoverOffer::State state{"some state", {}};
  bool busy = false, breaks = false;
  int stopped = 0, resumed = 0, gone = 0;
  HandoverOffer offer;
};

std::string refusal(const std::function<void()>& f, Exit code) {
  try {
    f();
  } catch (const Error& e) {
    return e.code() == code ? e.what() : "another code";
  }
  return "none";
}

}  // namespace

TEST_CASE("state and descriptors change hands whole [C124]", "[C124]") {
  Owner o;
  struct stat s {};
  REQUIRE(::stat(o.path.c_str(), &s) == 0);
  CHECK((s.st_mode & 0777) == 0600);
  o.state.bytes = std::string(3'000'000, 's') + "end";
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const FileHandle read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  for (int i = 0; i < 450; ++i) o.state.fds.push_back(i == 449 ? write_end.get() : read_end.get());
  std::string got;
  size_t files = 0;
  o.with_taker([&] {
    Takeover t(o.path, "hello", 2'000);
    got = t.state();
    files = t.files().size();
    t.ready();
    REQUIRE(::write(t.files().back().get(), "x", 1) == 1);
  });
  CHECK(got == o.state.bytes);
  CHECK(files == 450);
  CHECK(o.gone == 1);
  CHECK(o.resumed == 0);
  char c = 0;
  CHECK(::read(read_end.get(), &c, 1) == 1);
  CHECK(c == 'x');
}

TEST_CASE("the owner declines and stops nothing, or cannot stop now [C124]", "[C124]") {
  Owner o;
  std::string stranger, busy;
  o.with_taker([&] { stranger = refusal([&] { Takeover(o.path, "good day", 2'000); }, Exit::temp_fail); });
  CHECK(stranger == "the running process declines: I do not know good day");
  CHECK(o.stopped == 0);
  o.busy = true;
  o.with_taker([&] { busy = refusal([&] { Takeover(o.path, "hello", 2'000); }, Exit::temp_fail); });
  CHECK(busy == "the running process declines: busy");
  CHECK(o.stopped + o.resumed + o.gone == 0);
}

TEST_CASE("an owner that fails while it stops goes on, and the taker hears why [C124]", "[C124]") {
  Owner o;
  o.breaks = true;
  std::string why;
  o.with_taker([&] { why = refusal([&] { Takeover(o.path, "hello", 2'000); }, Exit::temp_fail); });
  CHECK(why == "the running process declines: half way");
  CHECK(o.resumed == 1);
  CHECK(o.gone == 0);
}

TEST_CASE("a taker that dies or dawdles leaves the owner in charge [C124]", "[C124]") {
  Owner o(200);
  o.with_taker([&] { Takeover(o.path, "hello", 2'000); });  // gone before it was ready
  CHECK(o.resumed == 1);
  std::string late;
  o.with_taker([&] {
    Takeover t(o.path, "hello", 2'000);
    ::usleep(500'000);
    late = refusal([&] { t.ready(); }, Exit::temp_fail);
  });
  CHECK(late.find("does not let go") != std::string::npos);
  CHECK(o.resumed == 2);
  CHECK(o.gone == 0);
}

TEST_CASE("a socket that nobody serves is replaced, one that is served is not [C124]", "[C124]") {
  Owner o;
  CHECK(refusal([&] { HandoverOffer(o.loop, o.path, 100, {}); }, Exit::temp_fail).find("another process listens there") != std::string::npos);
  const std::string other = o.path + ".other";
  CHECK(refusal([&] { Takeover(other, "hello", 100); }, Exit::unavailable).find("nobody offers") != std::string::npos);
  { HandoverOffer first(o.loop, other, 100, {}); first.leave_path(); }
  CHECK(std::filesystem::exists(other));
  { HandoverOffer second(o.loop, other, 100, {}); }
  CHECK_FALSE(std::filesystem::exists(other));
}

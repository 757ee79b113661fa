#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "base/file.h"
#include "spool.h"
#include "store.h"

using namespace hh;
using namespace hh::pool;

namespace {

// The loop: functions that threads post, run by the test.
struct Loop {
  Post post() {
    return [this](std::function<void()> f) {
      std::lock_guard lock(mutex);
      posted.push_back(std::move(f));
      changed.notify_all();
    };
  }
  bool run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 200 && !done(); ++i) {
      std::vector<std::function<void()>> now;
      {
        std::unique_lock lock(mutex);
        changed.wait_for(lock, std::chrono::milliseconds(50), [&] { return !posted.empty(); });
        now = std::exchange(posted, {});
      }
      for (const auto& f : now) f();
    }
    return done();
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::function<void()>> posted;
};

struct Answers : Waiter {
  void stored(const stratum::v1::Id&, bool ok) override { (ok ? good : bad)++; }
  int good = 0, bad = 0;
};

struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    for (const int fd : ends)
      if (fd >= 0) ::close(fd);
  }
  std::string read_some() {
    std::string out(65536, '\0');
    const ssize_t n = ::read(ends[0], out.data(), out.size());
    out.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return out;
  }
  void close_reader() {
    ::close(ends[0]);
    ends[0] = -1;
  }
  int ends[2];
};

std::string temporary(const std::string& name) {
  const auto path = std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()));
  std::filesystem::remove(path);
  return path.string();
}

}  // namespace

TEST_CASE("with a spool: in the file before the answer, on stdout after the first line [C060]", "[C060]") {
  const bool always = GENERATE(false, true);
  const auto path = temporary("store");
  Loop loop;
  Pipe pipe;
  const auto answers = std::make_shared<Answers>();
  auto store = make_spool_store(std::make_unique<Spool>(path, "a"), always, pipe.ends[1], loop.post());
  store->write("one\n", {{answers, "1"}}, false);
  CHECK(read_file(path) == "one\n");
  CHECK(answers->good == (always ? 0 : 1));
  store->start("first\n");
  CHECK(loop.run_until([&] { return answers->good == 1; }));
  store->write("two\n", {}, true);
  store->close(5000);
  std::string out = pipe.read_some();
  CHECK(out == "first\none\ntwo\n");
  CHECK(store->failed().empty());
  std::filesystem::remove(path);
}

TEST_CASE("a reader that does not read delays nobody when there is a spool [C060]", "[C060]") {
  const auto path = temporary("slow");
  Loop loop;
  Pipe pipe;
  const auto answers = std::make_shared<Answers>();
  auto store = make_spool_store(std::make_unique<Spool>(path, "a"), false, pipe.ends[1], loop.post());
  store->start("first\n");
  const std::string line(1000, 'x');
  for (int i = 0; i < 1000; ++i) store->write(line + "\n", {{answers, "1"}}, false);  // more than a pipe holds
  CHECK(answers->good == 1000);
  CHECK(store->can_take());
  store->close(50);  // gives up on the reader
  CHECK(std::filesystem::file_size(path) == 1001 * 1000);
  std::filesystem::remove(path);
}

TEST_CASE("a closed pipe is a failure that says so [C060]", "[C060]") {
  std::signal(SIGPIPE, SIG_IGN);
  Loop loop;
  Pipe pipe;
  const auto answers = std::make_shared<Answers>();
  auto store = make_pipe_store(pipe.ends[1], loop.post());
  store->start("first\n");
  pipe.read_some();
  pipe.close_reader();
  store->write("one\n", {{answers, "1"}}, false);
  CHECK(loop.run_until([&] { return answers->bad == 1; }));
  CHECK(store->failed().find("standard output") != std::string::npos);
  CHECK_FALSE(store->can_take());
  store->write("two\n", {{answers, "2"}}, false);
  CHECK(answers->bad == 2);
  store->close(10);
}

TEST_CASE("without a spool stdout is the only copy: no answer before it is written, a bound on what waits [C060]", "[C060]") {
  Loop loop;
  Pipe pipe;
  const auto answers = std::make_shared<Answers>();
  auto store = make_pipe_store(pipe.ends[1], loop.post());
  store->write("one\n", {{answers, "1"}}, false);
  CHECK(answers->good == 0);
  store->start("first\n");
  CHECK(loop.run_until([&] { return answers->good == 1; }));
  CHECK(pipe.read_some() == "first\none\n");
  const std::string megabyte(1u << 20, 'x');
  for (int i = 0; i < 17; ++i) store->write(megabyte, {}, false);
  CHECK_FALSE(store->can_take());
  CHECK_THROWS(store->close(50));
}

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "base/error.h"
#include "base/file.h"
#include "spool.h"
#include "store.h"
#include "store_alarm.h"

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

// A disk whose fdatasync waits for the test, and which has as much room as the test says.
struct SlowSpool : Spool {
  using Spool::Spool;
  void sync() const override {
    std::unique_lock lock(mutex);
    ++syncs;
    changed.notify_all();
    changed.wait(lock, [&] { return !hangs; });
    if (fails) throw Error(Exit::io, "cannot fsync");
  }
  int64_t free_bytes() const override { return room; }
  void hang(bool on) {
    std::lock_guard lock(mutex);
    hangs = on;
    changed.notify_all();
  }
  void wait_for_sync() {
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return syncs > 0; }));
  }
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  mutable int syncs = 0;
  bool hangs = false;
  std::atomic<bool> fails = false;
  std::atomic<int64_t> room = int64_t{1} << 40;
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
  auto store = make_spool_store(std::make_unique<Spool>(path, "a"), always, {}, pipe.ends[1], loop.post());
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
  auto store = make_spool_store(std::make_unique<Spool>(path, "a"), false, {}, pipe.ends[1], loop.post());
  store->start("first\n");
  const std::string line(1000, 'x');
  for (int i = 0; i < 1000; ++i) store->write(line + "\n", {{answers, "1"}}, false);  // more than a pipe holds
  CHECK(answers->good == 1000);
  CHECK(store->strain() == Strain::none);
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
  CHECK(store->strain() == Strain::failed);
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
  CHECK(store->strain() == Strain::slow_reader);
  CHECK(store->figures().waiting_bytes > 16u << 20);
  while (store->strain() != Strain::none) pipe.read_some();  // ends by itself, with room to spare
  CHECK_THROWS(store->close(50));
}

TEST_CASE("while fdatasync hangs writes go on until the limit, then shares are refused, until it ends [C060]", "[C060]") {
  const auto path = temporary("hung");
  Loop loop;
  Pipe pipe;
  const auto answers = std::make_shared<Answers>();
  auto spool = std::make_shared<SlowSpool>(path, "a");
  auto store = make_spool_store(spool, false, {4000, 0}, pipe.ends[1], loop.post());
  spool->hang(true);
  const std::string line = std::string(999, 'x') + "\n";
  store->write(line, {{answers, "1"}}, false);
  spool->wait_for_sync();
  for (int i = 0; i < 2; ++i) store->write(line, {{answers, "1"}}, false);
  CHECK(answers->good == 3);  // none of which is durable
  CHECK(store->strain() == Strain::none);
  CHECK(store->figures().waiting_bytes == 3000);
  store->write(line, {{answers, "1"}}, false);
  CHECK(store->strain() == Strain::slow_sync);
  store->write("block\n", {{answers, "1"}}, true);  // what must be recorded is
  CHECK(answers->good == 5);
  CHECK(std::filesystem::file_size(path) == 4006);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  CHECK(store->figures().sync_ms > 1000);
  CHECK(store->rest(10).find("slow") != std::string::npos);  // no takeover waits for it
  spool->hang(false);
  CHECK(loop.run_until([&] { return store->figures().waiting_bytes == 0; }));
  CHECK(store->strain() == Strain::none);
  CHECK(store->figures().sync_ms == 0);
  store->close(10);
  std::filesystem::remove(path);
}

TEST_CASE("nothing is handed over whose last sync failed, though the loop has not heard of it yet; going on without having rested changes nothing [C060] [C124]", "[C060][C124]") {
  const auto path = temporary("unsynced");
  Loop loop;
  Pipe pipe;
  auto spool = std::make_shared<SlowSpool>(path, "a");
  auto store = make_spool_store(spool, false, {}, pipe.ends[1], loop.post());
  store->start("first\n");
  store->go_on();
  spool->hang(true);
  store->write("one\n", {}, true);
  spool->wait_for_sync();
  spool->fails = true;
  spool->hang(false);
  CHECK(store->rest(1000) == "cannot fsync");
  CHECK(loop.run_until([&] { return !store->failed().empty(); }));
  spool->fails = false;
  std::filesystem::remove(path);
}

TEST_CASE("with sync always a hung fdatasync holds the answers back, and the limit counts as well [C060]", "[C060]") {
  const auto path = temporary("hung_always");
  Loop loop;
  Pipe pipe;
  const auto answers = std::make_shared<Answers>();
  auto spool = std::make_shared<SlowSpool>(path, "a");
  auto store = make_spool_store(spool, true, {1000, 0}, pipe.ends[1], loop.post());
  spool->hang(true);
  store->write(std::string(999, 'x') + "\n", {{answers, "1"}}, false);
  spool->wait_for_sync();
  CHECK(answers->good == 0);
  CHECK(store->strain() == Strain::slow_sync);
  spool->hang(false);
  CHECK(loop.run_until([&] { return answers->good == 1; }));
  CHECK(store->strain() == Strain::none);
  store->close(10);
  std::filesystem::remove(path);
}

TEST_CASE("too little space refuses shares before a write fails, at the start and later, until there is room again [C060]", "[C060]") {
  const auto path = temporary("small");
  Loop loop;
  Pipe pipe;
  auto spool = std::make_shared<SlowSpool>(path, "a");
  spool->room = 99;
  auto store = make_spool_store(spool, false, {1u << 20, 100}, pipe.ends[1], loop.post());
  CHECK(store->strain() == Strain::little_space);
  CHECK(store->figures().free_bytes == 99);
  spool->room = 100;
  CHECK(loop.run_until([&] { return store->strain() == Strain::none; }));  // though nothing is written
  spool->room = 0;
  CHECK(loop.run_until([&] { return store->strain() == Strain::little_space; }));
  spool->room = -1;  // not known is no reason to refuse
  CHECK(loop.run_until([&] { return store->strain() == Strain::none; }));
  store->close(10);
  std::filesystem::remove(path);
}

TEST_CASE("the alarm of a store that refuses: once, on when the reason changes, over after five calm seconds [C060]", "[C060]") {
  StoreAlarm alarm;
  alarm.update({Strain::none}, 0);
  CHECK(alarm.alarms() == 0);
  for (int64_t t = 1000; t < 20'000; t += 100) alarm.update({t % 2000 < 1000 ? Strain::slow_sync : Strain::none}, t);
  CHECK(alarm.alarms() == 1);  // it came and went
  alarm.update({Strain::none}, 25'000);
  alarm.update({Strain::little_space}, 25'100);
  CHECK(alarm.alarms() == 2);
  alarm.update({Strain::failed}, 40'000);
  alarm.update({Strain::none}, 40'100);
  CHECK(alarm.alarms() == 2);
}

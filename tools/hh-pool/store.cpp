#include "store.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "spool.h"

namespace hh::pool {
namespace {

constexpr size_t pipe_piece = 4096;           // PIPE_BUF: what poll's POLLOUT promises
constexpr size_t most_waiting = 16u << 20;    // bytes for stdout without a spool
constexpr auto group_delay = std::chrono::milliseconds(3);  // so that fdatasync ends within 5 ms on any usual disk
constexpr auto space_pause = std::chrono::seconds(1);          // between two looks at the free space
constexpr int64_t hung_ms = 1'000;                             // a sync that takes longer hangs
constexpr auto copy_delay = std::chrono::milliseconds(3);   // of a pipe's reader, who gets many lines at once for it

using Lock = std::unique_lock<std::mutex>;
using Time = std::chrono::steady_clock;

int64_t now_ms() { return system_clock().monotonic_ms(); }

class SpoolStore : public Store {
 public:
  SpoolStore(std::shared_ptr<Spool> spool, bool always, StoreLimits limits, int out, Post post)
      : spool_(std::move(spool)), always_(always), limits_(limits), out_(out), post_(std::move(post)), written_(spool_->size()), copied_(written_), synced_(written_),
        free_(spool_->free_bytes()) {
    syncer_ = std::thread([this] { sync_loop(); });
  }
  ~SpoolStore() override { end_threads(); }

  void start(std::string first_line) override {
    copier_ = std::thread([this, line = std::move(first_line)] { copy_loop(line); });
  }
  // For every share, so without the lock.
  Strain strain() const override {
    if (!failed_.empty()) return Strain::failed;
    if (const int64_t left = free_; left >= 0 && static_cast<uint64_t>(left) < limits_.reserve) return Strain::little_space;
    return spool_->size() - synced_ >= limits_.most_unsynced ? Strain::slow_sync : Strain::none;
  }
  StoreFigures figures() const override { return {strain(), spool_->size() - synced_, sync_ms(), free_}; }

  void write(std::string lines, Acks acks, bool urgent) override {
    if (!failed_.empty()) return answer(acks, false);
    try {
      spool_->append(lines);
    } catch (const Error& e) {
      failed_ = e.what();
      return answer(acks, false);
    }
    bool wake_syncer = false, wake_copier = false;
    {
      Lock lock(mutex_);
      written_ = spool_->size();
      wake_syncer = !std::exchange(dirty_, true) || urgent;
      wake_copier = std::exchange(copier_rests_, false);
      urgent_ = urgent_ || urgent;
      if (always_) std::move(acks.begin(), acks.end(), std::back_inserter(waiting_));
    }
    // A thread is woken when it rests, not for every batch: a wake-up costs the loop more than the write.
    if (wake_syncer) to_sync_.notify_one();
    if (wake_copier) to_copy_.notify_one();
    if (!always_) answer(acks, true);
  }

  void close(int64_t patience_ms) override {
    const uint64_t left = let_catch_up(patience_ms);
    end_threads();
    if (left != 0) log::warn("stdout_behind", {{"bytes_left", left}, {"spool", spool_->path()}, {"hint", "the rest is in the spool"}});
    if (failed_.empty()) spool_->sync();
  }

  std::string rest(int64_t patience_ms) override {
    if (sync_ms() > hung_ms) return "the spool's disk is slow: a sync has taken " + std::to_string(sync_ms()) + " ms so far";
    if (const uint64_t left = let_catch_up(patience_ms); left != 0) return "the reader of standard output is " + std::to_string(left) + " bytes behind";
    end_threads();  // the syncer syncs what is there before it ends
    return failed_.empty() ? broken_ : failed_;
  }
  void go_on() override {
    if (syncer_.joinable()) return;  // it never rested
    stop_ = copy_ended_ = copier_rests_ = false;
    syncer_ = std::thread([this] { sync_loop(); });
    start("");
  }

 private:
  // How many bytes stdout has not got when the time is over.
  uint64_t let_catch_up(int64_t patience_ms) {
    Lock lock(mutex_);
    const auto done = [&] { return copied_ == written_ || copy_ended_; };
    if (copier_.joinable() && failed_.empty()) all_copied_.wait_for(lock, std::chrono::milliseconds(patience_ms), done);
    return written_ - copied_;
  }
  void end_threads() {
    {
      Lock lock(mutex_);
      stop_ = true;
    }
    to_sync_.notify_one();
    to_copy_.notify_one();
    if (syncer_.joinable()) syncer_.join();
    if (copier_.joinable()) copier_.join();
  }
  void fail(std::string why, Acks acks) {
    {
      Lock lock(mutex_);
      broken_ = why;
    }
    post_([this, why = std::move(why), acks = std::move(acks)] {
      if (failed_.empty()) failed_ = why;
      answer(acks, false);
    });
  }

  void sync_loop() {
    Lock lock(mutex_);
    auto looked = Time::now();
    while (true) {
      to_sync_.wait_for(lock, space_pause, [&] { return dirty_ || stop_; });
      if (!dirty_ && stop_) return;
      if (dirty_ && !always_) to_sync_.wait_for(lock, group_delay, [&] { return urgent_ || stop_; });
      const bool was_dirty = std::exchange(dirty_, false);
      const uint64_t end = written_;
      urgent_ = false;
      Acks acks = std::move(waiting_);
      waiting_.clear();
      lock.unlock();
      sync_since_ms_ = now_ms();
      try {
        if (was_dirty) spool_->sync();
      } catch (const Error& e) {
        sync_since_ms_ = 0;
        return fail(e.what(), std::move(acks));
      }
      synced_ = end;
      if (Time::now() - looked >= space_pause) {
        free_ = spool_->free_bytes();  // here, as it may hang with the disk
        looked = Time::now();
      }
      sync_since_ms_ = 0;
      if (!acks.empty()) post_([acks = std::move(acks)] { answer(acks, true); });
      lock.lock();
    }
  }

  void copy_loop(const std::string& first_line) {
    const auto stopping = [this] {
      Lock lock(mutex_);
      return stop_;
    };
    try {
      bool going = write_patiently(out_, first_line, stopping);
      while (going) {
        Lock lock(mutex_);
        if (copied_ == written_ && !stop_) {
          copier_rests_ = true;
          to_copy_.wait(lock, [&] { return !copier_rests_ || stop_; });
          to_copy_.wait_for(lock, copy_delay, [&] { return stop_; });
        }
        if (stop_) break;
        const uint64_t from = copied_, size = std::min<uint64_t>(written_ - from, 256 * 1024);
        lock.unlock();
        going = copy(from, static_cast<size_t>(size), stopping);
      }
    } catch (const Error& e) {
      fail(e.what(), {});
    }
    Lock lock(mutex_);
    copy_ended_ = true;
    all_copied_.notify_all();
  }
  bool copy(uint64_t from, size_t size, const std::function<bool()>& stopping) {
    std::string piece(size, '\0');
    const ssize_t n = ::pread(spool_->fd(), piece.data(), size, static_cast<off_t>(from));
    if (n <= 0) throw Error(Exit::io, "cannot read back spool " + spool_->path() + ": " + (n < 0 ? reason(errno) : "it became shorter"));
    if (!write_patiently(out_, std::string_view(piece).substr(0, static_cast<size_t>(n)), stopping)) return false;
    Lock lock(mutex_);
    copied_ += static_cast<uint64_t>(n);
    if (copied_ == written_) all_copied_.notify_all();
    return true;
  }

  int64_t sync_ms() const {
    const int64_t since = sync_since_ms_;
    return since == 0 ? 0 : now_ms() - since;
  }

  std::shared_ptr<Spool> spool_;
  const bool always_;
  const StoreLimits limits_;
  const int out_;
  Post post_;
  std::mutex mutex_;
  std::condition_variable to_sync_, to_copy_, all_copied_;
  uint64_t written_, copied_;
  std::atomic<uint64_t> synced_;  // bytes of the file that a sync has covered
  std::atomic<int64_t> free_, sync_since_ms_ = 0;
  bool dirty_ = false, urgent_ = false, copier_rests_ = false, stop_ = false, copy_ended_ = false;
  Acks waiting_;
  std::string broken_;  // what failed_ will be as soon as the loop gets to it
  std::thread syncer_, copier_;
};

class PipeStore : public Store {
 public:
  PipeStore(int out, Post post) : out_(out), post_(std::move(post)) {}
  ~PipeStore() override { end_thread(); }

  void start(std::string first_line) override {
    {
      Lock lock(mutex_);
      bytes_ += first_line.size();
      queue_.push_front({std::move(first_line), {}});
    }
    writer_ = std::thread([this] { write_loop(); });
  }
  Strain strain() const override { return figures().strain; }
  StoreFigures figures() const override {
    Lock lock(mutex_);
    return {!failed_.empty() ? Strain::failed : bytes_ < most_waiting ? Strain::none : Strain::slow_reader, bytes_};
  }
  void write(std::string lines, Acks acks, bool) override {
    if (!failed_.empty()) return answer(acks, false);
    {
      Lock lock(mutex_);
      bytes_ += lines.size();
      queue_.push_back({std::move(lines), std::move(acks)});
    }
    changed_.notify_all();
  }
  void close(int64_t patience_ms) override {
    Lock lock(mutex_);
    if (writer_.joinable()) changed_.wait_for(lock, std::chrono::milliseconds(patience_ms), [&] { return bytes_ == 0 || ended_; });
    const size_t left = bytes_;
    lock.unlock();
    end_thread();
    if (left != 0 && failed_.empty()) throw Error(Exit::io, "standard output was not read: " + std::to_string(left) + " bytes of unacknowledged records are dropped");
  }
  std::string rest(int64_t) override { return "a pool without a spool cannot be taken over"; }
  void go_on() override {}

 private:
  struct Batch {
    std::string lines;
    Acks acks;
  };
  void end_thread() {
    {
      Lock lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (writer_.joinable()) writer_.join();
  }
  void write_loop() {
    const auto stopping = [this] {
      Lock lock(mutex_);
      return stop_;
    };
    Lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return !queue_.empty() || stop_; });
      if (stop_) return;
      Batch batch = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      try {
        if (!write_patiently(out_, batch.lines, stopping)) return;
      } catch (const Error& e) {
        post_([this, why = std::string(e.what()), acks = std::move(batch.acks)] {
          if (failed_.empty()) failed_ = why;
          answer(acks, false);
        });
        lock.lock();
        ended_ = true;
        changed_.notify_all();
        return;
      }
      if (!batch.acks.empty()) post_([acks = std::move(batch.acks)] { answer(acks, true); });
      lock.lock();
      bytes_ -= batch.lines.size();
      if (bytes_ == 0) changed_.notify_all();
    }
  }

  const int out_;
  Post post_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> queue_;
  size_t bytes_ = 0;
  bool stop_ = false, ended_ = false;
  std::thread writer_;
};

constexpr std::array<const char*, 5> strain_names{"none", "slow_sync", "little_space", "slow_reader", "failed"};
constexpr std::array<const char*, 5> refusals{"", "pool cannot store shares now: its disk is too slow", "pool cannot store shares now: its disk is nearly full",
                                              "pool cannot store shares now: the reader of its records is too slow", "pool cannot store shares"};

}  // namespace

const char* refusal(Strain s) { return refusals.at(static_cast<size_t>(s)); }
const char* name(Strain s) { return strain_names.at(static_cast<size_t>(s)); }

void answer(const Acks& acks, bool ok) {
  for (const Ack& a : acks)
    if (const auto waiter = a.waiter.lock()) waiter->stored(a.id, ok);
}

bool write_patiently(int fd, std::string_view data, const std::function<bool()>& stop) {
  while (!data.empty()) {
    pollfd p{fd, POLLOUT, 0};
    const int ready = ::poll(&p, 1, 100);
    if (ready < 0 && errno != EINTR) throw Error(Exit::io, "cannot write records to standard output: " + reason(errno));
    if (ready <= 0) {
      if (stop()) return false;
      continue;
    }
    const ssize_t n = ::write(fd, data.data(), std::min(data.size(), pipe_piece));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) throw Error(Exit::io, "cannot write records to standard output: " + reason(errno));
    data.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::unique_ptr<Store> make_spool_store(std::shared_ptr<Spool> spool, bool sync_always, StoreLimits limits, int stdout_fd, Post post) {
  return std::make_unique<SpoolStore>(std::move(spool), sync_always, limits, stdout_fd, std::move(post));
}
std::unique_ptr<Store> make_pipe_store(int stdout_fd, Post post) { return std::make_unique<PipeStore>(stdout_fd, std::move(post)); }

}  // namespace hh::pool

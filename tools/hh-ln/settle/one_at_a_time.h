// Threads of which one at a time goes on, chosen by a seed: the real code with its real threads, but the same seed gives the same run.
//
// A thread gives way where it calls the node and where it sleeps. Time stands still while any thread can go on, and jumps to the next that wakes when
// none can. A death ends all threads where they stand, as kill -9 does: whoever is given way to after it gets no further.
#pragma once
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "base/clock.h"
#include "settle/crew.h"

namespace hh::ln::test {

struct Killed {};

class OneAtATime : public Crew, public Clock {
 public:
  explicit OneAtATime(uint64_t seed) : random_(seed) {}

  uint64_t random(uint64_t below) { return random_() % below; }
  bool chance(uint64_t percent) { return random(100) < percent; }
  // The process dies when way has been given so often.
  void die_after(int64_t points) { points_left_ = points, dead_ = false; }
  void live() { points_left_ = -1, dead_ = false; }

  int64_t unix_ms() const override { return now_; }
  int64_t monotonic_ms() const override { return now_; }
  void sleep_ms(int64_t ms) override { give_way(now_ + ms); }
  void give_way() { give_way(now_); }
  void pass_time(int64_t ms) { now_ += ms; }  // between runs

  void run(const std::vector<std::function<void()>>& jobs) override {
    std::exception_ptr first;
    {
      std::unique_lock lock(mutex_);
      wakes_.assign(jobs.size(), now_);
      turns_ = std::vector<std::condition_variable>(jobs.size());
      running_ = nobody;
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < jobs.size(); ++i)
        threads.emplace_back([&, i] {
          me_ = i;
          try {
            wait_for_turn();
            if (dead_) throw Killed{};
            jobs[i]();
          } catch (...) {
            const std::lock_guard guard(mutex_);
            if (!first) first = std::current_exception();
          }
          const std::lock_guard guard(mutex_);
          wakes_[i] = ended;
          choose();
        });
      choose();
      lock.unlock();
    }
    me_ = nobody;
    if (first) std::rethrow_exception(first);
  }

 private:
  static constexpr size_t nobody = static_cast<size_t>(-1);
  static constexpr int64_t ended = INT64_MAX;

  void give_way(int64_t until) {
    if (dead_ || points_left_ == 0) {
      dead_ = true;
      throw Killed{};
    }
    if (points_left_ > 0) --points_left_;
    if (me_ == nobody) {  // not one of a crew
      now_ = std::max(now_, until);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      wakes_[me_] = until;
      choose();
    }
    wait_for_turn();
    if (dead_) throw Killed{};
  }

  // REQUIRES mutex_. The next thread is one of those that can go on; where none can, time goes to the first that wakes.
  void choose() {
    const int64_t first = *std::min_element(wakes_.begin(), wakes_.end());
    running_ = nobody;
    if (first != ended) {
      now_ = std::max(now_, first);
      std::vector<size_t> ready;
      for (size_t i = 0; i < wakes_.size(); ++i)
        if (wakes_[i] <= now_) ready.push_back(i);
      running_ = ready[random(ready.size())];
    }
    if (running_ != nobody) turns_[running_].notify_one();
  }

  void wait_for_turn() {
    std::unique_lock lock(mutex_);
    turns_[me_].wait(lock, [&] { return running_ == me_; });
  }

  std::mt19937_64 random_;
  std::mutex mutex_;
  std::vector<int64_t> wakes_;  // of each thread: when it goes on
  std::vector<std::condition_variable> turns_;
  size_t running_ = nobody;
  int64_t now_ = 1'700'000'000'000, points_left_ = -1;
  bool dead_ = false;
  static inline thread_local size_t me_ = nobody;
};

}  // namespace hh::ln::test

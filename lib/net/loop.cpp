#include "net/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/error.h"

namespace hh::net {
namespace {

constexpr size_t most_events = 512;  // of one turn: bounds how long an accepted share waits for the turn's end

}  // namespace

struct Loop::Shared {
  FileHandle wake;
  std::mutex mutex;
  std::vector<std::function<void()>> functions;
};

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), shared_(std::make_unique<Shared>()) {
  shared_->wake = FileHandle(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !shared_->wake) throw Error(Exit::io, "cannot make an event loop: " + reason(errno));
  epoll_event e{};
  e.events = EPOLLIN;  // data.ptr null: the wake-up
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, shared_->wake.get(), &e);
}

Loop::~Loop() = default;

void Loop::watch(int fd, uint32_t events, Watcher& watcher) {
  epoll_event e{};
  e.events = events;
  e.data.ptr = &watcher;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) != 0) throw Error(Exit::io, "cannot watch a descriptor: " + reason(errno));
}

void Loop::change(int fd, uint32_t events, Watcher& watcher) {
  epoll_event e{};
  e.events = events;
  e.data.ptr = &watcher;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &e);
}

void Loop::forget(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Loop::bury(std::shared_ptr<void> dead) { dead_.push_back(std::move(dead)); }

void Loop::post(std::function<void()> f) {
  bool was_empty = false;
  {
    std::lock_guard lock(shared_->mutex);
    was_empty = shared_->functions.empty();
    shared_->functions.push_back(std::move(f));
  }
  const uint64_t one = 1;
  if (was_empty) [[maybe_unused]] const auto n = ::write(shared_->wake.get(), &one, sizeof one);
}

void Loop::at_turn_end(std::function<void()> f) { turn_end_.push_back(std::move(f)); }
void Loop::every_tick(std::function<void()> f) { ticks_.push_back(std::move(f)); }

void Loop::stop() { stopped_ = true; }

void Loop::run_functions() {
  std::vector<std::function<void()>> now;
  {
    std::lock_guard lock(shared_->mutex);
    now.swap(shared_->functions);
  }
  for (const auto& f : now) f();
}

void Loop::end_turn() {
  run_functions();
  for (const auto& f : turn_end_) f();
  while (!dead_.empty()) std::exchange(dead_, {});  // what dies may bury what it held
}

void Loop::run() {
  stopped_ = false;
  std::array<epoll_event, most_events> events;
  int64_t next_tick = system_clock().monotonic_ms() + tick_ms;
  while (!stopped_) {
    const int64_t left = std::exchange(hurried_, false) ? 0 : next_tick - system_clock().monotonic_ms();
    const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(std::max<int64_t>(left, 0)));
    if (n < 0 && errno != EINTR) throw Error(Exit::io, "epoll_wait: " + reason(errno));
    for (int i = 0; i < n; ++i) {
      const epoll_event& e = events[static_cast<size_t>(i)];
      uint64_t count = 0;
      if (e.data.ptr == nullptr)
        [[maybe_unused]] const auto ignored = ::read(shared_->wake.get(), &count, sizeof count);
      else
        static_cast<Watcher*>(e.data.ptr)->ready(e.events);
    }
    end_turn();
    if (stopped_ || system_clock().monotonic_ms() < next_tick) continue;  // what stops the loop may have ended what ticks look at
    next_tick = system_clock().monotonic_ms() + tick_ms;
    for (const auto& f : ticks_) f();
    end_turn();
  }
}

void Loop::run_posted() { end_turn(); }

}  // namespace hh::net

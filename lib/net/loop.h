// One thread's event loop on epoll(7): descriptors, functions from other threads, and what is done at the end of each turn.
//
// Why not Asio: a pool's connections are mostly silent and there are ten thousand of them. Level-triggered epoll needs one system call per
// message (recv) where Asio's reactor needs two, and what a connection costs in memory is what we put into it. A turn is: wait, hand out
// the events, run what was posted, then the turn's end, so that everything that one turn accepted can be stored with one write and
// answered with one send per connection.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/file.h"

namespace hh::net {

// Runs a function on the loop's thread, soon.
using Post = std::function<void(std::function<void()>)>;

class Watcher {
 public:
  // events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP … Must not destroy a watcher: see Loop::bury.
  virtual void ready(uint32_t events) = 0;

 protected:
  ~Watcher() = default;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The descriptor stays the caller's, who calls forget() before closing it. Throws Error(io) where the kernel has no room.
  void watch(int fd, uint32_t events, Watcher& watcher);
  void change(int fd, uint32_t events, Watcher& watcher);
  void forget(int fd);

  // Keeps something alive until the turn has ended: events for it may be waiting behind the present one.
  void bury(std::shared_ptr<void> dead);

  // From any thread, for as long as the loop lives. In order.
  void post(std::function<void()> f);
  Post poster() {
    return [this](std::function<void()> f) { post(std::move(f)); };
  }

  // Called at the end of every turn, in the order in which they were given.
  void at_turn_end(std::function<void()> f);
  // There is more to do: the next turn begins without waiting.
  void hurry() { hurried_ = true; }
  // Called about every 100 ms.
  void every_tick(std::function<void()> f);

  void run();         // until stop()
  void stop();        // from the loop's thread
  void run_posted();  // what was posted so far and the turn's end, without waiting; after run() has ended

  static constexpr int64_t tick_ms = 100;

 private:
  void run_functions();
  void end_turn();
  struct Shared;  // with other threads
  FileHandle epoll_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::function<void()>> turn_end_, ticks_;
  std::vector<std::shared_ptr<void>> dead_;
  bool stopped_ = false, hurried_ = false;
};

}  // namespace hh::net

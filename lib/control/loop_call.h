// Runs a function on a daemon's event loop and waits for what it returns: how other threads look at what only the loop may touch.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"

namespace hh::control {

class LoopCall {
 public:
  using Post = std::function<void(std::function<void()>)>;  // runs a function on the loop's thread, soon; from any thread
  // cancelled (may be null): set where the loop is about to end, so that nobody waits for it any more.
  LoopCall(Post post, int64_t patience_ms, const std::atomic<bool>* cancelled = nullptr)
      : post_(std::move(post)), patience_ms_(patience_ms), cancelled_(cancelled) {}

  // What f() returned or threw on the loop. Throws Error(temp_fail) where the loop does not get to it in time; f is then never run, so that it
  // may refer to what the caller has on its stack. Where f has begun, its end is waited for.
  template <class F>
  auto operator()(F f) const -> decltype(f()) {
    using Result = decltype(f());
    struct State {
      std::mutex mutex;
      std::condition_variable changed;
      bool begun = false, given_up = false, ended = false;
      std::optional<Result> result;
      std::exception_ptr thrown;
    };
    const auto state = std::make_shared<State>();
    post_([state, &f] {
      {
        std::lock_guard lock(state->mutex);
        if (state->given_up) return;
        state->begun = true;
      }
      std::optional<Result> result;
      std::exception_ptr thrown;
      try {
        result.emplace(f());
      } catch (...) {
        thrown = std::current_exception();
      }
      std::lock_guard lock(state->mutex);
      state->result = std::move(result);
      state->thrown = std::move(thrown);
      state->ended = true;
      state->changed.notify_all();
    });
    std::unique_lock lock(state->mutex);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms_);
    while (!state->changed.wait_for(lock, std::chrono::milliseconds(50), [&] { return state->ended; })) {
      const bool over = std::chrono::steady_clock::now() >= end || (cancelled_ != nullptr && *cancelled_);
      if (!over || state->begun) continue;
      state->given_up = true;
      throw Error(Exit::temp_fail, "the event loop does not answer");
    }
    if (state->thrown) std::rethrow_exception(std::exchange(state->thrown, nullptr));  // whose end is then this thread's alone
    return std::move(*state->result);
  }

 private:
  Post post_;
  int64_t patience_ms_;
  const std::atomic<bool>* cancelled_;
};

}  // namespace hh::control

// A running process gives its sockets and its state to another one that takes over, over a Unix socket. Either all of it changes hands or nothing.
//
//   taker  ── greeting ──▶  owner     who asks, and for what: the owner may decline and goes on
//          ◀── state, descriptors ──  the owner has stopped all work
//          ── ready ──▶               the taker has everything and could begin
//          ◀── go ──                  from here on it is the taker's; the owner does nothing more than leave
//
// Where "ready" does not come in time, or the taker goes away, the owner resumes as if nothing had been. The taker begins at "go" and not
// before, so the two never work at once. Only a process of the same user (or root) is listened to; the socket has mode 0600.
// The state travels in a memfd(2), so its size does not matter; descriptors by SCM_RIGHTS (unix(7)).
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file.h"
#include "net/loop.h"

namespace hh::net {

// The owner's side. Waits on the loop; a handover stops the loop for as long as it takes, at most patience_ms for each step. The owner's
// functions run as posted ones do: between events, so that they may run what is posted and destroy what is watched.
class HandoverOffer final : private Watcher {
 public:
  struct State {
    std::string bytes;
    std::vector<int> fds;  // stay the owner's
  };
  struct Owner {
    std::function<std::string(std::string_view greeting)> judge;       // "" or why not; nothing has been stopped yet
    std::function<std::variant<State, std::string>()> stop;            // stops all work; or says why that cannot be now; or throws half way
    std::function<void()> resume;                                      // after stop threw, or where the taker did not become ready
    std::function<void(pid_t taker)> gone;                             // it is the taker's now: leave without touching anything
  };
  // Replaces a socket that nobody listens at. Throws Error(cant_create), Error(temp_fail) where another process listens.
  HandoverOffer(Loop& loop, std::string path, int64_t patience_ms, Owner owner);
  ~HandoverOffer();
  // After gone(): the taker has the path now.
  void leave_path() { path_.clear(); }

 private:
  void ready(uint32_t events) override;
  void serve(int fd, pid_t taker);
  std::variant<State, std::string> stop_owner();
  Loop& loop_;
  std::string path_;
  const int64_t patience_ms_;
  Owner owner_;
  FileHandle socket_;
};

// The taker's side; blocks.
class Takeover {
 public:
  // Throws Error(unavailable) where nobody offers at the path, Error(temp_fail) with the owner's reason where it declines.
  Takeover(const std::string& path, std::string_view greeting, int64_t patience_ms);
  const std::string& state() const { return state_; }
  std::vector<FileHandle>& files() { return files_; }
  // Says that everything is in place. Throws Error(temp_fail) where the owner does not let go: then nothing may be touched.
  void ready();

 private:
  FileHandle socket_;
  std::string state_;
  std::vector<FileHandle> files_;
};

}  // namespace hh::net

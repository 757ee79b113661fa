// Bans for operators: the commands of the control socket, and the file that they survive a restart in (bans.h).
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "control/loop_call.h"
#include "control/server.h"
#include "guard.h"

namespace hh::pool {

class BanKeeper {
 public:
  // spool: its file, "" for none: then nothing is kept. on_loop: for what only the loop's thread may touch, which is the guard.
  BanKeeper(Guard& guard, const std::string& spool, const control::LoopCall& on_loop);
  void restore();  // before the loop runs
  // bans; ban with address and seconds; unban with address.
  void add_commands(control::Server& control);
  void keep_if_changed();  // not on the loop's thread
  void keep();             // on the loop's thread

 private:
  struct Seen {
    std::vector<Ban> bans;
    uint64_t changes = 0;
  };
  Seen look() const { return {guard_.saved(), guard_.changes()}; }
  void write(const Seen& seen);

  Guard& guard_;
  const std::string path_;
  const control::LoopCall& on_loop_;
  std::mutex writing_;
  std::atomic<uint64_t> kept_{0};  // of the changes
  bool failed_ = false;
};

}  // namespace hh::pool

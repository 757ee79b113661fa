// Cuts what is read into whole lines.
#pragma once
#include <string>

#include "feed.h"

namespace hh::ledger {

class LineBuffer {
 public:
  // One read(2) of up to half a megabyte. Returns the bytes read; 0 at the end. Throws Error(io) naming name.
  size_t fill(int fd, const std::string& name);
  // Takes the whole lines that are there, or notes that a line is too long. False: not one whole line yet.
  bool take(Chunk& chunk);
  // Takes what is left, a line without newline. False: nothing is left.
  bool take_rest(Chunk& chunk);
  bool empty() const { return pending_.empty() && !skipping_; }
  size_t held() const { return pending_.size() + skipped_; }  // bytes read and not handed out
  void clear() { *this = LineBuffer(); }

 private:
  bool skip();
  std::string pending_;
  size_t skipped_ = 0;      // bytes of a line that is too long, dropped already
  bool skipping_ = false;
  uint64_t line_ = 1;       // number of the first line in pending_
};

}  // namespace hh::ledger

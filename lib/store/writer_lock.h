// One writer per file: an advisory lock (flock) on "<path>.lock", held for as long as the object lives.
//
// The kernel drops it when the process dies, however it dies, so there is no stale lock to clean up; the file stays, and holds the
// pid of the last holder for the error message. Network file systems without flock are not supported.
#pragma once
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/file.h"

namespace hh::store {

class WriterLock {
 public:
  // Tries for wait_ms (0: once). Throws Error(temp_fail) naming the holder's pid, Error(cant_create) where the lock file cannot be made.
  explicit WriterLock(const std::string& path, int64_t wait_ms = 0, Clock& clock = system_clock());

 private:
  FileHandle file_;
};

}  // namespace hh::store

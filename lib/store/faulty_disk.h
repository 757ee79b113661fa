// A disk that fails when told to, for tests: an SQLite VFS (sqlite.org/vfs.html) that passes everything on to the system's and counts.
//
//   FaultyDisk disk;
//   Database db(path, {.mode = Mode::create, .vfs = disk.vfs()});
//   disk.fail_after(n, DiskFault::io);   // the n+1-th write, truncation, deletion or fsync from here fails, and all after it
//
// Running the same work with n = 0, 1, 2 … until it succeeds, and reopening the file each time with the system's VFS, visits every
// point at which a process can die. Bytes written but not synced are not taken back: a power cut is not simulated.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace hh::store {

enum class DiskFault { io, full, sync_only };  // sync_only: writes succeed, every fsync fails

class FaultyDisk {
 public:
  FaultyDisk();  // registers the VFS; databases that use it must be closed before the object goes
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  const std::string& vfs() const;
  void fail_after(int64_t operations, DiskFault fault);
  void heal();                // from now on all succeeds
  int64_t operations() const;  // writes, truncations, deletions and fsyncs since the beginning
  int64_t syncs() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hh::store

#include "store/faulty_disk.h"

#include <sqlite3.h>

#include <atomic>
#include <limits>
#include <new>
#include <stdexcept>

namespace hh::store {

struct FaultyDisk::State {
  std::string name;
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::atomic<int64_t> operations{0}, syncs{0}, left{std::numeric_limits<int64_t>::max()};
  DiskFault fault = DiskFault::io;
};

namespace {

using State = FaultyDisk::State;

// What SQLite holds for an open file: ours first, the system's behind it in the same allocation.
struct File {
  sqlite3_file base;
  State* disk;
  sqlite3_file* real;
};

File& ours(sqlite3_file* f) { return *reinterpret_cast<File*>(f); }
sqlite3_file* real(sqlite3_file* f) { return ours(f).real; }
State& disk_of(sqlite3_vfs* v) { return *static_cast<State*>(v->pAppData); }

// Counts one operation; SQLITE_OK lets it through.
int pass(State& disk, bool is_sync, int io_code) {
  ++disk.operations;
  if (is_sync) ++disk.syncs;
  if (disk.left > 0) {
    --disk.left;
    return SQLITE_OK;
  }
  if (disk.fault == DiskFault::sync_only) return is_sync ? SQLITE_IOERR_FSYNC : SQLITE_OK;
  return disk.fault == DiskFault::full && !is_sync ? SQLITE_FULL : io_code;
}

int close_file(sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); }
int read_file(sqlite3_file* f, void* p, int n, sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), p, n, at); }
int write_file(sqlite3_file* f, const void* p, int n, sqlite3_int64 at) {
  const int code = pass(*ours(f).disk, false, SQLITE_IOERR_WRITE);
  return code != SQLITE_OK ? code : real(f)->pMethods->xWrite(real(f), p, n, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  const int code = pass(*ours(f).disk, false, SQLITE_IOERR_TRUNCATE);
  return code != SQLITE_OK ? code : real(f)->pMethods->xTruncate(real(f), size);
}
int sync_file(sqlite3_file* f, int flags) {
  const int code = pass(*ours(f).disk, true, SQLITE_IOERR_FSYNC);
  return code != SQLITE_OK ? code : real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); }
int lock(sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); }
int unlock(sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); }
int reserved(sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); }
int control(sqlite3_file* f, int op, void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); }
int sector_size(sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); }
int traits(sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) { return real(f)->pMethods->xShmMap(real(f), page, size, extend, out); }
int shm_lock(sqlite3_file* f, int offset, int n, int flags) { return real(f)->pMethods->xShmLock(real(f), offset, n, flags); }
void shm_barrier(sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); }

constexpr sqlite3_io_methods methods{2,      close_file, read_file, write_file,  truncate_file, sync_file, file_size, lock,        unlock,
                                     reserved, control,    sector_size, traits, shm_map,       shm_lock,  shm_barrier, shm_unmap, nullptr, nullptr};

int open_file(sqlite3_vfs* v, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  File& file = ours(f);
  file.disk = &disk_of(v);
  file.real = reinterpret_cast<sqlite3_file*>(&file + 1);
  const int code = disk_of(v).real->xOpen(disk_of(v).real, name, file.real, flags, out_flags);
  file.base.pMethods = code == SQLITE_OK ? &methods : nullptr;
  return code;
}

int delete_file(sqlite3_vfs* v, const char* name, int sync_folder) {
  const int code = pass(disk_of(v), false, SQLITE_IOERR_DELETE);
  return code != SQLITE_OK ? code : disk_of(v).real->xDelete(disk_of(v).real, name, sync_folder);
}

}  // namespace

FaultyDisk::FaultyDisk() : state_(std::make_unique<State>()) {
  static std::atomic<int> count{0};
  state_->name = "faulty-disk-" + std::to_string(++count);
  state_->real = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->real;  // what is not replaced is the system's own; its functions do not look at pAppData's owner
  state_->vfs.pNext = nullptr;
  state_->vfs.zName = state_->name.c_str();
  state_->vfs.pAppData = state_.get();
  state_->vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->real->szOsFile;
  state_->vfs.xOpen = open_file;
  state_->vfs.xDelete = delete_file;
  if (sqlite3_vfs_register(&state_->vfs, 0) != SQLITE_OK) throw std::runtime_error("cannot register a VFS");
}

FaultyDisk::~FaultyDisk() { sqlite3_vfs_unregister(&state_->vfs); }

const std::string& FaultyDisk::vfs() const { return state_->name; }

void FaultyDisk::fail_after(int64_t operations, DiskFault fault) {
  state_->fault = fault;
  state_->left = operations;
}

void FaultyDisk::heal() { state_->left = std::numeric_limits<int64_t>::max(); }
int64_t FaultyDisk::operations() const { return state_->operations; }
int64_t FaultyDisk::syncs() const { return state_->syncs; }

}  // namespace hh::store

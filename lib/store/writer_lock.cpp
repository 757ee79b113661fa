#include "store/writer_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace hh::store {
namespace {

constexpr int64_t retry_ms = 20;

// What the holder wrote; it may be writing right now, so anything but digits is "another process".
std::string holder(int fd) {
  char buffer[24];
  const ssize_t n = ::pread(fd, buffer, sizeof buffer, 0);
  const std::string_view text(buffer, n > 0 ? static_cast<size_t>(n) : 0);
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return digits == 0 ? "another process" : fmt::format("process {}", text.substr(0, digits));
}

}  // namespace

WriterLock::WriterLock(const std::string& path, int64_t wait_ms, Clock& clock) {
  const std::string lock_path = path + ".lock";
  file_ = open_file(lock_path, O_RDWR | O_CREAT, 0640);
  const int64_t deadline = clock.monotonic_ms() + wait_ms;
  while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw Error(Exit::io, fmt::format("cannot lock {}: {}", lock_path, reason(errno)));
    const int64_t left = deadline - clock.monotonic_ms();
    if (left <= 0) throw Error(Exit::temp_fail, fmt::format("{} is in use by {}, which holds {}: only one writer at a time", path, holder(file_.get()), lock_path));
    clock.sleep_ms(std::min(left, retry_ms));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(file_.get(), 0) != 0 || ::pwrite(file_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    throw Error(Exit::io, fmt::format("cannot write {}: {}", lock_path, reason(errno)));
}

}  // namespace hh::store

// A spool is known by device, inode and the hash of its first bytes. At its end we look whether the path still leads to it. Where it does not,
// the spool was rotated. Its writer may hold the old file open for a while, even when an empty new one is there already (logrotate's
// `create`); but once it has written to the new file it is done with the old one. So the old file is read until the new one has
// something in it, then once more to its end, and only then the new one from its beginning. After a restart the old file is looked for beside the path under another name. Where it is gone, or a file has
// become shorter than the place in it (copytruncate), reading starts at the beginning: nothing is counted twice, since the ledger knows each
// (source, seq), and lines that were lost show as a gap in seq.
#include "feed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "line_buffer.h"

namespace hh::ledger {
namespace {

constexpr size_t head_size = 256;
constexpr int look_again_ms = 50;

class PipeFeed : public Feed {
 public:
  PipeFeed(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  const std::string& name() const override { return name_; }

  Got next(Chunk& chunk, int wait_ms) override {
    if (buffer_.take(chunk)) return Got::lines;
    if (ended_) return buffer_.take_rest(chunk) ? Got::lines : Got::end;
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, wait_ms) <= 0) return Got::nothing_yet;
    if (buffer_.fill(fd_, name_) == 0) ended_ = true;
    if (buffer_.take(chunk)) return Got::lines;
    return Got::nothing_yet;
  }

 private:
  int fd_;
  std::string name_;
  LineBuffer buffer_;
  bool ended_ = false;
};

std::string head_of(int fd) {
  char bytes[head_size];
  const ssize_t n = ::pread(fd, bytes, sizeof bytes, 0);
  const std::string_view start(bytes, n > 0 ? static_cast<size_t>(n) : 0);
  return to_hex(crypto::sha256(start.substr(0, start.find('\n'))));
}

bool is_at(const Place& place, int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && info.st_ino == place.inode && info.st_dev == place.device && static_cast<uint64_t>(info.st_size) >= place.offset &&
         head_of(fd) == place.head;
}

class SpoolFeed : public Feed {
 public:
  SpoolFeed(std::string path, const std::optional<Place>& from, bool once) : path_(std::move(path)), once_(once) { start(from); }
  const std::string& name() const override { return path_; }

  Got next(Chunk& chunk, int wait_ms) override {
    if (take(chunk)) return Got::lines;
    if (file_ && buffer_.fill(file_.get(), path_) > 0) return take(chunk) ? Got::lines : Got::nothing_yet;
    if (look_around()) return Got::nothing_yet;
    if (once_) return Got::end;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(wait_ms, look_again_ms)));
    return Got::nothing_yet;
  }

 private:
  void start(const std::optional<Place>& from) {
    if (once_ || ::access(path_.c_str(), F_OK) == 0) use(open_file(path_, O_RDONLY), 0);
    if (!from) return;
    if (file_ && is_at(*from, file_.get())) return use(std::move(file_), from->offset);
    if (find_renamed(*from)) return;
    log::warn("spool_changed", {{"path", path_}, {"message", "the file that was read before is gone; starting at the beginning of the one that is there now"}});
  }

  bool find_renamed(const Place& from) {
    const std::filesystem::path path(path_);
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      struct stat info {};
      if (::stat(entry.path().c_str(), &info) != 0 || info.st_ino != from.inode || !S_ISREG(info.st_mode)) continue;
      FileHandle file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
      if (!file || !is_at(from, file.get())) continue;
      log::info("spool_rotated", {{"path", path_}, {"reading_first", entry.path().string()}});
      use(std::move(file), from.offset);
      return true;
    }
    return false;
  }

  void use(FileHandle file, uint64_t offset) {
    file_ = std::move(file);
    buffer_.clear();
    head_.clear();
    succeeded_ = false;
    handed_out_ = offset;
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0 || ::lseek(file_.get(), static_cast<off_t>(offset), SEEK_SET) < 0)
      throw Error(Exit::io, fmt::format("cannot read {}: {}", path_, reason(errno)));
    device_ = info.st_dev, inode_ = info.st_ino;
  }

  bool take(Chunk& chunk) {
    if (!file_) return false;
    const size_t before = buffer_.held();
    if (!buffer_.take(chunk)) return false;
    if (head_.empty()) head_ = head_of(file_.get());
    chunk.place = Place{device_, inode_, handed_out_, head_};
    handed_out_ += before - buffer_.held();
    return true;
  }

  // At the end of the file: what the path leads to now. True: there may be more to read.
  bool look_around() {
    struct stat there {};
    const bool exists = ::stat(path_.c_str(), &there) == 0;
    if (file_ && exists && there.st_ino == inode_ && there.st_dev == device_) return was_truncated();
    if (file_ && (!exists || there.st_size == 0)) return false;
    if (file_ && !succeeded_) return succeeded_ = true;  // what came between our last read and the writer's first in the new file is read now
    return reopen();
  }

  bool reopen() {
    FileHandle file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return false;  // between the rename and the new file
    if (!buffer_.empty()) log::warn("torn_line", {{"path", path_}, {"message", "the file ended in the middle of a line before it was rotated; that line is no record"}});
    use(std::move(file), 0);
    return true;
  }

  bool was_truncated() {
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0 || static_cast<uint64_t>(info.st_size) >= handed_out_ + buffer_.held()) return false;
    log::warn("spool_truncated", {{"path", path_}, {"message", "the file became shorter; reading it from its beginning"}});
    use(std::move(file_), 0);
    return true;
  }

  std::string path_;
  bool once_;
  FileHandle file_;
  LineBuffer buffer_;
  std::string head_;  // of the file in use; empty: not computed yet
  uint64_t device_ = 0, inode_ = 0, handed_out_ = 0;
  bool succeeded_ = false;  // the path leads to a newer file that is written to; this one is read to its end for the last time
};

}  // namespace

std::unique_ptr<Feed> make_pipe_feed(int fd, std::string name) { return std::make_unique<PipeFeed>(fd, std::move(name)); }
std::unique_ptr<Feed> make_spool_feed(const std::string& path, const std::optional<Place>& from, bool once) {
  return std::make_unique<SpoolFeed>(path, from, once);
}

}  // namespace hh::ledger

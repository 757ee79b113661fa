#include "spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/error.h"
#include "json/fields.h"

namespace hh::pool {
namespace {

constexpr size_t chunk_size = 256 * 1024;
constexpr size_t most_line = 1u << 20;  // no record is as long; a longer "line" is no spool

std::string read_at(int fd, uint64_t offset, size_t size, const std::string& path) {
  std::string out(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, out.data() + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error(Exit::io, fmt::format("cannot read spool {}: {}", path, n < 0 ? reason(errno) : "it became shorter"));
    done += static_cast<size_t>(n);
  }
  return out;
}

// The run of a job id made by JobMaker: all but its last six digits. (A counter of seven digits makes the run look larger: harmless.)
uint64_t run_of(std::string_view job) {
  uint64_t run = 0;
  if (job.size() > 6) std::from_chars(job.data(), job.data() + job.size() - 6, run, 16);
  return run < uint64_t{1} << 52 ? run : 0;
}

}  // namespace

Spool::Spool(const std::string& path, const std::string& source) : path_(path_of(path, source)) {
  const bool is_new = ::access(path_.c_str(), F_OK) != 0;
  file_ = open_file(path_, O_RDWR | O_CREAT | O_APPEND, 0640);
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0)
    throw Error(Exit::temp_fail, fmt::format("spool {} is in use by another process: every pool needs a spool of its own", path_));
  if (is_new) sync_folder_of(path_);
  struct stat s {};
  if (::fstat(file_.get(), &s) != 0) throw Error(Exit::io, fmt::format("cannot look at spool {}: {}", path_, reason(errno)));
  if (!S_ISREG(s.st_mode)) throw Error(Exit::cant_create, fmt::format("spool {} is no regular file", path_));
  size_ = static_cast<uint64_t>(s.st_size);
  cut_torn_line();
  find_last(source);
}

std::string Spool::path_of(const std::string& path, const std::string& source) {
  struct stat s {};
  if (::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode)) return path + "/" + source + ".jsonl";
  return path;
}

Spool::Spool(FileHandle file, std::string path, uint64_t last_seq, uint64_t last_run)
    : path_(std::move(path)), file_(std::move(file)), last_seq_(last_seq), last_run_(last_run) {
  struct stat s {};
  if (::fstat(file_.get(), &s) != 0 || !S_ISREG(s.st_mode)) throw Error(Exit::io, fmt::format("cannot look at spool {}: {}", path_, reason(errno)));
  size_ = static_cast<uint64_t>(s.st_size);
}

void Spool::cut_torn_line() {
  uint64_t end = size_;
  while (end > 0) {
    const uint64_t start = end - std::min<uint64_t>(end, chunk_size);
    const std::string chunk = read_at(file_.get(), start, static_cast<size_t>(end - start), path_);
    const size_t newline = chunk.rfind('\n');
    end = newline == std::string::npos ? start : start + newline + 1;
    if (newline != std::string::npos) break;
    if (size_ - start > most_line) throw Error(Exit::data, fmt::format("spool {} ends with a line of more than {} bytes: it is no spool of hh-pool", path_, most_line));
  }
  if (end == size_) return;
  torn_bytes_ = size_ - end;
  if (::ftruncate(file_.get(), static_cast<off_t>(end)) != 0) throw Error(Exit::io, fmt::format("cannot cut the torn last line of spool {}: {}", path_, reason(errno)));
  size_ = end;
  Spool::sync();
}

// Goes backwards line by line until both are known. A job record is newer than the shares before it, a share's job is at most as new as
// the last job record, so the first job or share of the source that is met tells the run.
void Spool::find_last(const std::string& source) {
  std::string tail;  // of the file from `start` on, up to what was looked at
  uint64_t start = size_;
  while (true) {
    const size_t last = tail.empty() ? std::string::npos : tail.rfind('\n', tail.size() - 2);
    if (tail.size() < 2 || (last == std::string::npos && start > 0)) {
      if (start == 0) return;
      const size_t size = static_cast<size_t>(std::min<uint64_t>(start, chunk_size));
      start -= size;
      tail.insert(0, read_at(file_.get(), start, size, path_));
      if (tail.size() > most_line + chunk_size) throw Error(Exit::data, fmt::format("spool {} has a line of more than {} bytes: it is no spool of hh-pool", path_, most_line));
      continue;
    }
    const size_t from = last == std::string::npos ? 0 : last + 1;
    const std::string line = tail.substr(from, tail.size() - 1 - from);
    tail.resize(from);
    try {
      const json::Json record = json::parse(line);
      const std::string type = json::record_type(record);
      const json::Fields f(record);
      if (f.text("source") == source && (type == "share" || type == "block" || type == "job")) {
        last_run_ = std::max(last_run_, run_of(f.text("job")));
        if (type != "job") last_seq_ = static_cast<uint64_t>(f.integer("seq", 1));
      }
    } catch (const Error& e) {
      throw Error(Exit::data, fmt::format("spool {}, line at byte {}: {}", path_, start + from, e.what()));
    }
    if (last_seq_ != 0 || (tail.empty() && start == 0)) return;
  }
}

void Spool::append(std::string_view data) {
  size_t done = 0;
  while (done < data.size()) {
    const ssize_t n = ::write(file_.get(), data.data() + done, data.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int why = errno;
      const bool cut = ::ftruncate(file_.get(), static_cast<off_t>(size_)) == 0;
      throw Error(Exit::io, fmt::format("cannot write to spool {}: {}{}", path_, reason(why), cut ? "" : " (and a torn line remains)"));
    }
    done += static_cast<size_t>(n);
  }
  size_ += data.size();
}

void Spool::sync() const {
  if (::fdatasync(file_.get()) != 0) throw Error(Exit::io, fmt::format("cannot fsync spool {}: {}", path_, reason(errno)));
}

int64_t Spool::free_bytes() const {
  struct statvfs s {};
  if (::fstatvfs(file_.get(), &s) != 0) return -1;
  return static_cast<int64_t>(s.f_bavail * s.f_frsize);
}

}  // namespace hh::pool

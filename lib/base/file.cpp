#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/error.h"

namespace hh {

std::string reason(int errno_value) { return std::generic_category().message(errno_value); }

FileHandle& FileHandle::operator=(FileHandle&& o) noexcept {
  if (this != &o) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = o.fd_;
    o.fd_ = -1;
  }
  return *this;
}

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

FileHandle open_file(const std::string& path, int flags, unsigned mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd >= 0) return FileHandle(fd);
  if (flags & O_CREAT) throw Error(Exit::cant_create, fmt::format("cannot create {}: {}", path, reason(errno)));
  throw Error(Exit::no_input, fmt::format("cannot open {}: {}", path, reason(errno)));
}

void write_all(int fd, std::string_view data, std::string_view what) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error(Exit::io, fmt::format("cannot write {}: {}", what, reason(errno)));
    data.remove_prefix(static_cast<size_t>(n));
  }
}

void sync_file(int fd, std::string_view what) {
  if (::fsync(fd) != 0) throw Error(Exit::io, fmt::format("cannot make {} durable: fsync: {}", what, reason(errno)));
}

void sync_folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const FileHandle folder = open_file(parent.empty() ? "." : parent.string(), O_RDONLY | O_DIRECTORY);
  sync_file(folder.get(), "folder of " + path);
}

std::string read_file(const std::string& path, size_t limit) {
  const FileHandle file = path == "-" ? FileHandle(::dup(STDIN_FILENO)) : open_file(path, O_RDONLY);
  const std::string name = path == "-" ? "standard input" : path;
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(errno == EISDIR ? Exit::no_input : Exit::io, fmt::format("cannot read {}: {}", name, reason(errno)));
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (content.size() > limit) throw Error(Exit::data, fmt::format("{} is larger than {} bytes", name, limit));
  }
}

void write_file_durably(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  try {
    const FileHandle file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode);
    write_all(file.get(), content, path);
    sync_file(file.get(), path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw Error(Exit::cant_create, fmt::format("cannot replace {}: {}", path, reason(errno)));
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder_of(path);
}

}  // namespace hh

// Whole files and durable writes, with errors that name the file.
#pragma once
#include <string>
#include <string_view>

namespace hh {

// Reads all of path, or of stdin where path is "-". Throws Error(no_input) where it cannot be opened, Error(io) where reading fails,
// Error(data) where it is larger than limit bytes.
std::string read_file(const std::string& path, size_t limit = 64u << 20);

// Replaces path in one step: temporary file beside it, fsync, rename, fsync of the folder. mode e.g. 0600. Throws Error(cant_create) or Error(io).
void write_file_durably(const std::string& path, std::string_view content, unsigned mode);

// A file descriptor that closes itself.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& o) noexcept : fd_(o.fd_) { o.fd_ = -1; }
  FileHandle& operator=(FileHandle&& o) noexcept;
  ~FileHandle();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Opens with O_CLOEXEC; throws Error(cant_create) when creating, Error(no_input) otherwise, naming path and reason.
FileHandle open_file(const std::string& path, int flags, unsigned mode = 0644);
// Writes all of data or throws Error(io) naming what ("spool shares.jsonl").
void write_all(int fd, std::string_view data, std::string_view what);
// fsync, or Error(io). A failed fsync is never retried: the kernel may have dropped the pages.
void sync_file(int fd, std::string_view what);
// fsync of the folder that holds path, so that a new name survives a power cut.
void sync_folder_of(const std::string& path);
std::string reason(int errno_value);  // strerror without its thread trap

}  // namespace hh

// The spool: one append-only file of record lines, the durable copy of everything the pool accepted. [C060]
//
// A record exists once its newline is in the file. Opening cuts away a torn last line (of a crash in the middle of a write), so that what
// follows starts on a line of its own, and reads from the end backwards to the last sequence number and job of this source.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace hh::pool {

class Spool {
 public:
  // path: a file, or a folder in which SOURCE.jsonl is used. Creates the file (0640). Throws Error: cant_create, io, data (the file holds
  // something that is no record), temp_fail (another process has it open as its spool).
  Spool(const std::string& path, const std::string& source);

  virtual ~Spool() = default;

  // The file of a pool that was taken over, with its lock; the last numbers are known from there.
  Spool(FileHandle file, std::string path, uint64_t last_seq, uint64_t last_run);

  static std::string path_of(const std::string& path, const std::string& source);  // SOURCE.jsonl in a folder
  const std::string& path() const { return path_; }
  uint64_t last_seq() const { return last_seq_; }      // of this source; 0: none
  uint64_t last_run() const { return last_run_; }      // the largest run that its job ids tell of; 0: none
  uint64_t torn_bytes() const { return torn_bytes_; }  // cut away when opened
  uint64_t size() const { return size_; }

  // Appends whole lines. Throws Error(io) after cutting away what a failed write left: all of data is in the file or none of it.
  void append(std::string_view data);
  virtual void sync() const;           // throws Error(io)
  virtual int64_t free_bytes() const;  // that the pool may use on its disk; -1: not known
  int fd() const { return file_.get(); }

 private:
  void cut_torn_line();
  void find_last(const std::string& source);
  std::string path_;
  FileHandle file_;
  uint64_t size_ = 0, last_seq_ = 0, last_run_ = 0, torn_bytes_ = 0;
};

}  // namespace hh::pool

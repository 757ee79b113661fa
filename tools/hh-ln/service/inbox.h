// Manifests from files and standard input: a folder that is watched, and a pipe. [L040]
//
// Who puts a file into the inbox writes it elsewhere in the same file system and renames it, or writes it in place under a name that begins with a dot and
// renames that. A file is one or more signed manifests, one a line; all of them are good, or none is taken. It then goes to done/, or to refused/ with the
// reason beside it in a file of that name and ".reason". A file that is found again after a crash is taken again, which changes nothing.
#pragma once
#include <set>
#include <string>

#include "base/file.h"
#include "service/desk.h"

namespace hh::ln {

class Inbox {
 public:
  // Makes the folders done and refused. Throws Error(no_input, cant_create).
  Inbox(const std::string& folder, Desk& desk);
  int fd() const { return watch_.get(); }  // readable where something has changed
  // Looks through the folder. Throws Error(io) where the journal cannot take it.
  void scan();

 private:
  void take(const std::string& name);
  void move(const std::string& name, const std::string& to, const std::string& reason);
  std::string folder_;
  Desk& desk_;
  FileHandle watch_;
  std::set<std::string> stuck_;  // files that cannot be moved away
};

// Lines as they come, without ever waiting for the rest of one.
class Pipe {
 public:
  Pipe(int fd, Desk& desk) : fd_(fd), desk_(desk) {}
  int fd() const { return over_ || waits_ ? -1 : fd_; }
  void read();        // what there is. Throws Error(temp_fail) where the journal cannot take it now, and then waits():
  bool waits() const { return waits_; }
  void take_lines();  // tries again

 private:
  void take(std::string_view line);
  int fd_;
  Desk& desk_;
  std::string buffer_;
  int64_t number_ = 0;
  bool over_ = false, skipping_ = false, waits_ = false;
};

}  // namespace hh::ln

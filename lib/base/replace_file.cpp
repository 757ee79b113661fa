#include "base/replace_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/file.h"

namespace hh {

void replace_file(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  ::unlink(temporary.c_str());  // of a process with our id that died; and O_EXCL follows no link
  try {
    const FileHandle file = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode);
    write_all(file.get(), content, path);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw Error(Exit::cant_create, fmt::format("cannot replace {}: {}", path, reason(errno)));
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace hh

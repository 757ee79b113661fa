#include "control/client.h"

#include <fmt/format.h>
#include <sys/time.h>

#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "control/address.h"
#include "json/lines.h"

namespace hh::control {
namespace {

constexpr size_t most_line = 16u << 20;

FileHandle connect_to(const std::string& path, int64_t patience_ms) {
  const Address a = unix_address(path);
  FileHandle fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw Error(Exit::io, "cannot make a socket: " + reason(errno));
  const timeval patience{static_cast<time_t>(patience_ms / 1000), static_cast<suseconds_t>(patience_ms % 1000 * 1000)};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), a.pointer(), a.size) != 0) {
    const int why = errno;
    if (why == EACCES || why == EPERM) throw Error(Exit::no_permission, fmt::format("control socket {}: {}", path, reason(why)));
    throw Error(Exit::unavailable, fmt::format("nobody listens at the control socket {}: {}", path, reason(why)));
  }
  return fd;
}

}  // namespace

void ask(const std::string& path, const json::Json& request, const std::function<void(const json::Json& record, const std::string& line)>& each, int64_t patience_ms) {
  const FileHandle fd = connect_to(path, patience_ms);
  const std::string line = json::to_line(request) + "\n";
  if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    throw Error(Exit::unavailable, fmt::format("control socket {}: the daemon does not listen: {}", path, reason(errno)));
  json::LineReader reader(fd.get(), "control socket " + path, most_line);
  std::string_view text;
  bool more = false;
  while (true) {
    try {
      more = reader.next(text);
    } catch (const Error& e) {
      throw Error(e.code() == Exit::io ? Exit::unavailable : e.code(), fmt::format("{} (is the daemon stuck?)", e.what()));
    }
    if (!more || reader.is_torn()) throw Error(Exit::unavailable, fmt::format("control socket {}: the daemon hung up before it had said all", path));
    const json::Json record = json::parse(text);
    if (json::record_type(record) != "control") {
      each(record, std::string(text));
      continue;
    }
    const json::Fields f(record);
    if (f.boolean("ok")) return;
    throw Error(static_cast<Exit>(f.integer("exit_code", 1, 255)), f.text("reason"));
  }
}

}  // namespace hh::control

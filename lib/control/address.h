// The address of a Unix socket, which holds at most 107 bytes of path.
#pragma once
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "base/error.h"

namespace hh::control {

struct Address {
  sockaddr_un name{};
  socklen_t size = 0;
  const sockaddr* pointer() const { return reinterpret_cast<const sockaddr*>(&name); }
};

// Throws Error(cant_create) for a path that does not fit.
inline Address unix_address(const std::string& path) {
  Address a;
  if (path.empty() || path.size() >= sizeof a.name.sun_path)
    throw Error(Exit::cant_create, fmt::format("control socket {}: a path has 1 to {} bytes", path, sizeof a.name.sun_path - 1));
  a.name.sun_family = AF_UNIX;
  std::memcpy(a.name.sun_path, path.c_str(), path.size() + 1);
  a.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return a;
}

}  // namespace hh::control

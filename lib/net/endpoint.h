// "ADDRESS:PORT" in settings and log lines, and the listening socket made of it.
#pragma once
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/file.h"

namespace hh::net {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;

  // "127.0.0.1:3333", "[::]:3333"; numeric addresses only. Throws Error(config) naming what (a setting).
  static Endpoint parse(std::string_view text, std::string_view what);
  static Endpoint of_peer(int fd);   // size 0 where it is gone already
  static Endpoint of_socket(int fd);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  std::string text() const;          // as parse reads it
  std::string host() const;          // without the port
  bool is_loopback() const;
};

struct ListenOptions {
  int backlog = 4096;        // the kernel takes at most net.core.somaxconn
  bool share_port = false;   // SO_REUSEPORT: several processes listen, the kernel spreads connections over them
};

// Non-blocking, bound and listening. Throws Error(unavailable).
FileHandle listen_on(const Endpoint& at, const ListenOptions& options = {});

}  // namespace hh::net

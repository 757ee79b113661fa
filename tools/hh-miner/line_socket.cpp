#include "line_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "stratum/v1.h"

namespace hh::miner {
namespace {

bool wait_for(int fd, short events, int64_t ms) {
  pollfd p{fd, events, 0};
  return ::poll(&p, 1, static_cast<int>(ms)) > 0;
}

// 0 or the errno of the attempt.
int try_connect(int fd, const addrinfo& to, int64_t timeout_ms) {
  if (::connect(fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!wait_for(fd, POLLOUT, timeout_ms)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

}  // namespace

PoolAddress parse_pool_url(const std::string& url) {
  std::string rest = url;
  if (const size_t scheme = rest.find("://"); scheme != std::string::npos) {
    const std::string name = rest.substr(0, scheme);
    if (name != "stratum+tcp" && name != "tcp") throw Error(Exit::usage, fmt::format("--url: \"{}\" is no scheme we speak: stratum+tcp://HOST:PORT", name));
    rest = rest.substr(scheme + 3);
  }
  while (rest.ends_with('/')) rest.pop_back();
  const size_t colon = rest.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == rest.size() || rest.find_first_not_of("0123456789", colon + 1) != std::string::npos)
    throw Error(Exit::usage, fmt::format("--url: \"{}\" is not stratum+tcp://HOST:PORT", url));
  std::string host = rest.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {host, rest.substr(colon + 1)};
}

LineSocket::LineSocket(const PoolAddress& to, int64_t timeout_ms) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int e = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found); e != 0)
    throw Error(Exit::unavailable, fmt::format("{}: {}", to.host, ::gai_strerror(e)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  int error = 0;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    FileHandle fd(::socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol));
    error = fd ? try_connect(fd.get(), *a, timeout_ms) : errno;
    if (error != 0) continue;
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fd_ = std::move(fd);
    return;
  }
  throw Error(Exit::unavailable, fmt::format("cannot connect to {}:{}: {}", to.host, to.port, reason(error)));
}

std::optional<std::string> LineSocket::line(int64_t wait_ms) {
  size_t end = buffer_.find('\n');
  if (end == std::string::npos && wait_for(fd_.get(), POLLIN, wait_ms)) {
    std::array<char, 65536> piece;
    const ssize_t n = ::recv(fd_.get(), piece.data(), piece.size(), 0);
    if (n == 0) throw Error(Exit::unavailable, "the pool closed the connection");
    if (n < 0 && errno != EAGAIN && errno != EINTR) throw Error(Exit::unavailable, "the connection to the pool broke: " + reason(errno));
    if (n > 0) buffer_.append(piece.data(), static_cast<size_t>(n));
    end = buffer_.find('\n');
  }
  if (end == std::string::npos) {
    if (buffer_.size() > 4 * stratum::v1::max_line) throw Error(Exit::data, "the pool sent a line that does not end");
    return std::nullopt;
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

void LineSocket::send(std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (n > 0) {
      line.remove_prefix(static_cast<size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      if (!wait_for(fd_.get(), POLLOUT, 10'000)) throw Error(Exit::unavailable, "the pool does not read");
    } else if (n < 0 && errno != EINTR) {
      throw Error(Exit::unavailable, "the connection to the pool broke: " + reason(errno));
    }
  }
}

}  // namespace hh::miner

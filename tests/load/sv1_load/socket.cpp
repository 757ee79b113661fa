#include "socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

namespace hh::load {
namespace {

constexpr size_t buffer_size = 256 * 1024;
constexpr size_t most_partial = 1u << 20;  // a server that never ends its line is not read on

sockaddr_in address_of(uint32_t host_order, uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(host_order);
  a.sin_port = htons(port);
  return a;
}

}  // namespace

uint32_t source_address(const Options& o, uint64_t index) {
  const uint64_t n = index / o.per_address, last = n % 254 + 1, rest = n / 254;
  return 127u << 24 | static_cast<uint32_t>((1 + rest / 256 % 255) << 16 | rest % 256 << 8 | last);
}

bool Socket::connect(const Options& o, uint64_t index) {
  close();
  fd_ = FileHandle(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  const sockaddr_in from = address_of(source_address(o, index), 0), to = address_of(o.target_address, o.target_port);
  if (fd_ && ::setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 && ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
      ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
      (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 || errno == EINPROGRESS))
    return true;
  close();
  return false;
}

bool Socket::is_connected_now() const {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool Socket::send(std::string_view data) {
  if (!unsent_.empty()) {
    unsent_.append(data);
    data = unsent_;
  }
  while (!data.empty()) {
    const ssize_t n = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return false;
    if (n < 0) break;
    data.remove_prefix(static_cast<size_t>(n));
  }
  unsent_ = std::string(data);
  return true;
}

Socket::Read Socket::read_some(std::string_view& data) {
  static const auto buffer = std::make_unique<char[]>(buffer_size);
  ssize_t n = 0;
  do n = ::recv(fd_.get(), buffer.get(), buffer_size, 0);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return Read::nothing;
  if (n <= 0 || partial_.size() > most_partial) return Read::closed;
  data = std::string_view(buffer.get(), static_cast<size_t>(n));
  return Read::data;
}

}  // namespace hh::load

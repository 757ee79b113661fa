#include "socket.h"

#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "moment.h"

namespace hh::load {
namespace {

constexpr size_t buffer_size = 256 * 1024;
constexpr uint64_t close_us = 50;
constexpr size_t most_partial = 1u << 20;  // a server that never ends its line is not read on

sockaddr_in address_of(uint32_t host_order, uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(host_order);
  a.sin_port = htons(port);
  return a;
}

// The kernel's receive time of SO_TIMESTAMPING, which is of the wall clock, on the monotonic clock; now where there is none.
uint64_t arrival_of(msghdr& message) {
  timespec real{};
  uint64_t before = 0, now = 0;
  int tries = 0;
  do {  // both clocks at one moment, also where another process is given the processor between them
    before = now_us();
    clock_gettime(CLOCK_REALTIME, &real);
    now = now_us();
  } while (now - before > close_us && ++tries < 10);
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING) continue;
    timespec at{};
    std::memcpy(&at, CMSG_DATA(c), sizeof at);  // the first of three: by software
    const int64_t ago_us = (real.tv_sec - at.tv_sec) * 1'000'000 + (real.tv_nsec - at.tv_nsec) / 1000;
    if (at.tv_sec != 0 && ago_us > 0 && ago_us < 60'000'000) return now - static_cast<uint64_t>(ago_us);
  }
  return now;
}

}  // namespace

uint32_t source_address(const Options& o, uint64_t index) {
  const uint64_t n = index / o.per_address, last = n % 254 + 1, rest = n / 254;
  return 127u << 24 | static_cast<uint32_t>((1 + rest / 256 % 255) << 16 | rest % 256 << 8 | last);
}

bool Socket::connect(const Options& o, uint64_t index) {
  close();
  fd_ = FileHandle(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1, stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  const sockaddr_in from = address_of(source_address(o, index), 0), to = address_of(o.target_address, o.target_port);
  if (fd_ && ::setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 && ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
      (o.pipeline != 0 || ::setsockopt(fd_.get(), SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps) == 0) &&  // flat out, every microsecond is dear
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

Socket::Read Socket::read_some(std::string_view& data, uint64_t& arrived_us) {
  static const auto buffer = std::make_unique<char[]>(buffer_size);
  alignas(cmsghdr) char control[256];
  iovec piece{buffer.get(), buffer_size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = 0;
  do n = ::recvmsg(fd_.get(), &message, 0);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return Read::nothing;
  if (n <= 0 || partial_.size() > most_partial) return Read::closed;
  arrived_us = arrival_of(message);
  data = std::string_view(buffer.get(), static_cast<size_t>(n));
  return Read::data;
}

}  // namespace hh::load

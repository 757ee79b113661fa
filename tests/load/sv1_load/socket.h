// One non-blocking TCP connection from a loopback address of its own, with what has yet to be written.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "options.h"

namespace hh::load {

class Socket {
 public:
  enum class Read { data, nothing, closed };

  // Begins to connect, from 127.x.y.z chosen by `index`. False: failed at once.
  bool connect(const Options& o, uint64_t index);
  bool is_connected_now() const;  // after EPOLLOUT: whether connecting succeeded
  int fd() const { return fd_.get(); }
  bool is_open() const { return static_cast<bool>(fd_); }
  void close() { fd_ = FileHandle(), unsent_.clear(), partial_.clear(); }

  // Sends what it can now and keeps the rest. False: the peer has closed.
  bool send(std::string_view data);
  bool has_unsent() const { return !unsent_.empty(); }
  size_t unsent() const { return unsent_.size(); }

  // Reads once and calls each(line, arrived_us) for every whole line. arrived_us (monotonic): when the kernel had the last of what was read,
  // so that a reader that comes late, for want of a processor, does not make the server look slow. The time of reading where the kernel does
  // not tell.
  template <class Each>
  Read read_lines(const Each& each);

 private:
  Read read_some(std::string_view& data, uint64_t& arrived_us);
  FileHandle fd_;
  std::string unsent_, partial_;
};

// 127.x.y.z in host order for connection `index`: never .0 or .255 at the end, never 127.0.
uint32_t source_address(const Options& o, uint64_t index);

template <class Each>
Socket::Read Socket::read_lines(const Each& each) {
  std::string_view data;
  uint64_t arrived_us = 0;
  const Read result = read_some(data, arrived_us);
  if (result != Read::data) return result;
  if (!partial_.empty()) {
    const size_t newline = data.find('\n');
    partial_.append(data.substr(0, newline));
    if (newline == std::string_view::npos) return Read::data;
    const std::string line = std::exchange(partial_, {});
    each(std::string_view(line), arrived_us);
    data.remove_prefix(newline + 1);
  }
  for (size_t newline; (newline = data.find('\n')) != std::string_view::npos; data.remove_prefix(newline + 1)) each(data.substr(0, newline), arrived_us);
  partial_ = data;
  return Read::data;
}

}  // namespace hh::load

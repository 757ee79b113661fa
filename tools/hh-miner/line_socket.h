// A TCP connection that carries lines.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

namespace hh::miner {

struct PoolAddress {
  std::string host, port;
};
// stratum+tcp://HOST:PORT (or tcp://, or without a scheme). Throws Error(usage).
PoolAddress parse_pool_url(const std::string& url);

class LineSocket {
 public:
  // Connects within timeout_ms. Throws Error(unavailable).
  LineSocket(const PoolAddress& to, int64_t timeout_ms);
  // Waits up to that long for data; the next whole line, or nullopt where there is none yet. Throws Error(unavailable) once the other side
  // has closed or the connection broke, Error(data) for a line above 16 kB.
  std::optional<std::string> line(int64_t wait_ms);
  void send(std::string_view line);  // throws Error(unavailable)

 private:
  FileHandle fd_;
  std::string buffer_;
};

}  // namespace hh::miner

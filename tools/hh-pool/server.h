// The sockets: listens, reads lines, writes lines, bounded in every direction. One thread and one event loop (Boost.Asio).
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "pool.h"

namespace hh::pool {

struct ServerLimits {
  size_t most_connections = 10'000;
  size_t most_unsent = 1u << 20;  // bytes that a connection does not read before it is dropped
};

class Server {
 public:
  struct Impl;  // in server.cpp
  // Binds at once: throws Error(unavailable) or Error(config) for a bad address. listen: "127.0.0.1:3333", "[::]:3333"; port 0: any.
  Server(const std::string& listen, ServerLimits limits);
  ~Server();
  std::string address() const;  // with the port that it got

  Post post() const;            // usable from any thread as long as the server lives
  void accept_for(Pool& pool);  // starts taking connections
  // Runs until stop(): on_tick about every 100 ms.
  void run(const std::function<void()>& on_tick);
  void stop();
  void refuse_new();                    // stops listening
  void drop_connections();              // all at once
  void run_posted();                    // what was posted so far; after run() has ended

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace hh::pool

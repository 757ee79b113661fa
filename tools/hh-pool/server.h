// The sockets of the pool: listens, accepts within limits, cuts what arrives into lines. One thread and one event loop (lib/net).
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "net/loop.h"
#include "pool.h"
#include "state.h"

namespace hh::pool {

struct ServerLimits {
  size_t most_connections = 10'000;
};

class Server {
 public:
  struct Impl;  // in server.cpp
  // Binds at once: throws Error(unavailable) or Error(config) for a bad address. listen: "127.0.0.1:3333", "[::]:3333"; port 0: any.
  Server(net::Loop& loop, const std::string& listen, ServerLimits limits);
  // With the listening socket of a pool that is taken over.
  Server(net::Loop& loop, FileHandle listener, ServerLimits limits);
  ~Server();
  std::string address() const;  // with the port that it got

  void accept_for(Pool& pool);  // starts taking connections
  void refuse_new();            // stops listening
  void drop_connections();      // all at once, after what was sent to them
  size_t connection_count() const;

  // A handover: between suspend() and resume() nothing is accepted, read or written. save: every connection with its session; fds gets
  // the listening socket first, then those of the connections in the same order. inherit: before accept_for(), on the other side.
  void suspend();
  void resume();
  void save(StateWriter& to, std::vector<int>& fds) const;
  void inherit(StateReader& from, std::vector<FileHandle>& connections, Pool& pool);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace hh::pool

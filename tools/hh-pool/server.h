// The sockets of the pool: listens, accepts within limits, cuts what arrives into lines. One thread and one event loop (lib/net).
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "net/address_range.h"
#include "net/loop.h"
#include "net/tls_filter.h"
#include "pool.h"
#include "pool_figures.h"
#include "state.h"
#include "stratum/noise_filter.h"

namespace hh::pool {

struct ServerLimits {
  size_t most_connections = 10'000;
};

class Server {
 public:
  struct Impl;  // in server.cpp
  Server(net::Loop& loop, ServerLimits limits);
  ~Server();
  void open(const Listener& listener);  // binds at once: throws Error(unavailable)
  std::vector<PoolFigures::Door> doors() const;
  // For the listeners with proxy, tls and sv2; whoever has come in already keeps what he began with. tls, sv2: null where no listener speaks it.
  void believe(std::vector<net::AddressRange> proxies, std::shared_ptr<const net::TlsContext> tls, std::shared_ptr<const stratum::ServerKeys> sv2);
  // By a reload: limits, and the difficulties of the doors whose addresses are among the listeners. Sessions hear of it by Pool::reload().
  void change(ServerLimits limits, const std::vector<Listener>& listeners);

  void accept_for(Pool& pool);  // starts taking connections
  void refuse_new();            // stops listening
  void drop_connections();      // all at once, after what was sent to them
  size_t connection_count() const;

  // A handover: between suspend() and resume() nothing is accepted, read or written. save: every connection with its session; fds gets
  // the listening sockets first, then those of the connections in the same order. inherit: instead of open(), on the other side: takes
  // those of the sockets whose addresses are among the listeners, opens the others (throws as open() does), and lets go of the rest.
  // Connections with TLS stay behind, as their keys are OpenSSL's (Stratum V2's go along): send_away() tells them to come back, when the other side listens.
  void suspend();
  void resume();
  void send_away();
  void save(StateWriter& to, std::vector<int>& fds) const;
  void inherit(StateReader& from, std::vector<FileHandle>& files, const std::vector<Listener>& listeners, Pool& pool);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace hh::pool

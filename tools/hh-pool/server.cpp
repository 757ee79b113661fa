#include "server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "net/endpoint.h"
#include "net/proxy_header.h"
#include "net/stream.h"
#include "session_v1.h"
#include "session_v2.h"

namespace hh::pool {
namespace {

constexpr int accepts_in_a_turn = 16;        // of a port, half a millisecond: a storm of newcomers does not keep those who work waiting
constexpr int64_t accept_pause_ms = 1'000;   // when descriptors have run out
constexpr int64_t goodbye_ms = 5'000;        // for the last lines to a miner that is let go
constexpr net::StreamLimits stream_limits{};

constexpr int send_buffer = 128 * 1024;      // of the kernel, which else grows to megabytes for each of those who do not read
constexpr int64_t check_every_ms = 1'000;

class Connection;
class Port;

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

// Came and went, before we got to it: whoever scans or storms, and nobody else.
bool has_left(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_PEEK) == 0;
}

// Closing it then costs no packet that waits for an answer, and leaves nothing behind.
void reset(int fd) {
  const linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

struct Server::Impl {
  Impl(net::Loop& l, ServerLimits lim) : loop(l), hub(l), limits(lim) {}
  void add(Listener listener, FileHandle socket) { ports.push_back(std::make_unique<Port>(*this, std::move(listener), std::move(socket))); }
  void listen(bool on);
  void accept_failed(int why);
  void take(FileHandle fd, const net::Endpoint& peer, Port& port);
  void await_header(const std::shared_ptr<Connection>& c) { unknown.emplace_back(system_clock().monotonic_ms() + pool->config().login_ms, c); }
  void tick();
  void check_connections(int64_t now);
  void remove(Connection& c);

  net::Loop& loop;
  net::StreamHub hub;
  ServerLimits limits;
  Pool* pool = nullptr;
  std::vector<net::AddressRange> proxies;
  std::shared_ptr<const net::TlsContext> tls;
  std::shared_ptr<const stratum::ServerKeys> sv2;
  std::vector<std::unique_ptr<Port>> ports;  // as long as their connections
  std::vector<std::shared_ptr<Connection>> connections;
  std::vector<std::pair<int64_t, std::weak_ptr<Connection>>> leaving;  // by when
  std::vector<std::pair<int64_t, std::weak_ptr<Connection>>> unknown;  // whose PROXY header has not come; by when it must
  int64_t accept_again_ms = -1;
  int64_t next_check_ms = 0;
  uint64_t bans_seen = 0;
  uint64_t distrusted = 0;
};

namespace {

// A listening socket, and what those get who come in by it.
class Port final : net::Watcher {
 public:
  Port(Server::Impl& server, Listener l, FileHandle socket) : listener(std::move(l)), server_(server), socket_(std::move(socket)) {}
  ~Port() { watch(false); }
  void watch(bool on);
  void close() {
    watch(false);
    socket_ = FileHandle();
  }
  int fd() const { return socket_.get(); }
  std::string address() const { return socket_ ? net::Endpoint::of_socket(fd()).text() : listener.address; }

  Listener listener;
  uint64_t sessions = 0;

 private:
  void ready(uint32_t) override;
  Server::Impl& server_;
  FileHandle socket_;
  bool watched_ = false;
};

class Connection : public net::Stream, public Outlet {
 public:
  // port: null where the door by which it came, in a pool that was taken over, is no more.
  Connection(Server::Impl& server, FileHandle fd, Port* port, size_t at) : Stream(server.hub, std::move(fd), stream_limits), place(at), server_(server), port_(port) {
    if (port_ != nullptr) ++port_->sessions;
  }

  // Where a proxy is in between, nothing is known before its header has told who comes.
  void begin(const net::Endpoint& from, Guard::Pass pass) {
    if (!port_->listener.proxy) welcome(from, std::move(pass));
    start();
  }
  void drop() { close_when_sent(); }
  void send_away() {
    resume();
    if (session_) session_->reconnect("", 0, 0);
    drop();
  }
  bool is_known() const { return session_ != nullptr; }
  bool can_move() const { return is_open() && filter_can_move(); }  // else it is on its way out, or send_away()'s
  const Port* port() const { return port_; }
  void save(StateWriter& to) const {
    to.text(received());
    to.text(not_sent());
    const auto filter = filter_state();
    to.flag(filter.has_value());
    if (filter) to.text(*filter);
    to.flag(is_known());
    if (!is_known()) return;
    to.number(static_cast<uint64_t>(session_->protocol()));
    session_->save(to);
  }
  // Nothing happens before start().
  void inherit(StateReader& from) {
    std::string in(from.text());
    Stream::inherit(std::move(in), std::string(from.text()));
    if (from.flag()) put_filter(stratum::NoiseFilter::inherit(from.text(), server_.sv2, SessionV2::most_payload));
    if (!from.flag()) return;
    if (from.number() == static_cast<uint64_t>(Session::Protocol::v2)) session_ = SessionV2::inherit(*server_.pool, *this, from, range());
    else session_ = SessionV1::inherit(*server_.pool, *this, from, range());
    pass_ = guard().readmit(net::Address::of(net::Endpoint::parse(peer(), "handover")));
  }
  // About once a second.
  void check(int64_t now, bool bans_changed) {
    if (!is_known()) return;
    const int64_t limit = guard().limits().unfinished_line_ms;
    if (limit != 0 && line_since_ms_ != 0 && now - line_since_ms_ > limit) session_->message_unfinished();
    if (bans_changed && guard().is_banned(pass_)) session_->address_banned();
  }
  std::string peer() const { return is_known() ? session_->peer() : net::Endpoint::of_peer(fd()).text(); }

  // Outlet
  void send(std::string_view line) override { Stream::send(line); }
  void send_now(std::span<const std::string_view> pieces) override { Stream::send_now(pieces); }
  void offended(Offence what) override { guard().offended(pass_, what); }
  void mines() override { guard().mines(pass_); }
  void close(const char* why) override {
    if (server_.pool->closed_log.may_write(system_clock().monotonic_ms())) log::info("closed", {{"peer", peer()}, {"reason", why}});
    close_when_sent();
    server_.leaving.emplace_back(system_clock().monotonic_ms() + goodbye_ms, server_.connections[place]);
  }

  size_t place;  // in the server's list

 private:
  Guard& guard() const { return server_.pool->guard; }
  const DifficultyRange* range() const { return port_ != nullptr ? &port_->listener.range : nullptr; }
  void welcome(const net::Endpoint& from, Guard::Pass pass) {
    log::debug("connected", {{"peer", from.text()}});
    pass_ = std::move(pass);
    const bool sv2 = port_ != nullptr && port_->listener.sv2;
    if (sv2) session_ = SessionV2::make(*server_.pool, *this, from.text(), range());
    else session_ = SessionV1::make(*server_.pool, *this, from.text(), range());
    if (sv2) put_filter(std::make_unique<stratum::NoiseFilter>(server_.sv2, SessionV2::most_payload));
    else if (port_ != nullptr && port_->listener.tls) put_filter(server_.tls->make_filter());
  }
  size_t take_header(std::string_view all) {
    const net::ProxyHeader h = net::parse_proxy_header(all);
    if (h.error != nullptr) {
      if (server_.pool->closed_log.may_write(system_clock().monotonic_ms())) log::info("closed", {{"peer", peer()}, {"reason", h.error}});
      close_now(h.error);
    }
    if (h.size == 0) return 0;
    const bool announced = h.source.size != 0;
    auto pass = announced ? guard().admit(net::Address::of(h.source)) : std::optional(Guard::Pass());
    if (pass) welcome(announced ? h.source : net::Endpoint::of_peer(fd()), std::move(*pass));
    else close_now("its address is turned away");
    return h.size;
  }
  // Hands each whole message to the session.
  size_t on_bytes(std::string_view all) override {
    const int64_t now = system_clock().monotonic_ms();
    size_t start = 0;
    if (!is_known()) {
      start = take_header(all);
      if (!is_known() || has_filter()) return start;
    }
    while (is_open() && start < all.size()) {
      const std::string_view arrived = all.substr(start);
      const Session::Cut cut = session_->cut(arrived);
      if (cut.too_long) session_->message_too_long();
      else if (cut.size != 0 && !guard().may_say(pass_, cut.size, now)) session_->too_many_messages();
      else if (cut.size != 0) session_->message(arrived.substr(0, cut.size));
      if (cut.size == 0) break;
      start += cut.size;
    }
    if (start != 0 || line_since_ms_ == 0) line_since_ms_ = start == all.size() ? 0 : now;
    return is_open() ? start : all.size();
  }
  void on_closed(const char* why) override {
    if (is_known()) {
      if (why != nullptr) log::debug("disconnected", {{"peer", peer()}, {"reason", why}});
      session_->disconnected();
    }
    if (port_ != nullptr) --port_->sessions;
    server_.remove(*this);
  }

  Server::Impl& server_;
  Port* port_;
  std::shared_ptr<Session> session_;
  Guard::Pass pass_;
  int64_t line_since_ms_ = 0;  // when the line began whose end has not come; 0: there is none
};

void Port::watch(bool on) {
  if (on == watched_ || !socket_) return;
  watched_ = on;
  if (on) server_.loop.watch(fd(), EPOLLIN, *this);
  else server_.loop.forget(fd());
}

void Port::ready(uint32_t) {
  for (int i = 0; i < accepts_in_a_turn && socket_; ++i) {
    net::Endpoint peer;
    peer.size = sizeof peer.address;
    FileHandle accepted(::accept4(fd(), reinterpret_cast<sockaddr*>(&peer.address), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted) return server_.accept_failed(errno);
    server_.take(std::move(accepted), peer, *this);
  }
}

}  // namespace

void Server::Impl::remove(Connection& c) {
  auto& place = connections[c.place];
  loop.bury(std::move(place));
  if (c.place + 1 != connections.size()) {
    place = std::move(connections.back());
    place->place = c.place;
  }
  connections.pop_back();
}

void Server::Impl::accept_failed(int why) {
  if (why == EAGAIN || why == EINTR || why == ECONNABORTED) return;
  log::error("accept_failed", {{"reason", reason(why)}});  // out of descriptors, most likely: breathe, then go on
  accept_again_ms = system_clock().monotonic_ms() + accept_pause_ms;
  listen(false);
}

void Server::Impl::listen(bool on) {
  for (const auto& port : ports) port->watch(on);
}

void Server::Impl::take(FileHandle fd, const net::Endpoint& peer, Port& port) {
  const auto address = net::Address::of(peer);
  const bool proxied = port.listener.proxy;  // then limits are for whom its header names
  if (proxied && !net::contains(proxies, address)) {
    if (distrusted++ % 1000 == 0)
      log::warn("proxy_not_trusted", {{"peer", peer.text()}, {"listener", port.address()}, {"times", distrusted}, {"hint", "proxy.trusted names those that may send a PROXY header"}});
    return reset(fd.get());
  }
  auto pass = proxied ? std::optional(Guard::Pass()) : pool->guard.admit(address);
  if (pass && connections.size() >= limits.most_connections) {
    pool->guard.turned_away(TurnedAway::connections, address);
    pass.reset();
  }
  if (!pass || has_left(fd.get())) return reset(fd.get());
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, send_buffer);
  connections.push_back(std::make_shared<Connection>(*this, std::move(fd), &port, connections.size()));
  if (proxied) await_header(connections.back());
  connections.back()->begin(peer, std::move(*pass));
}

void Server::Impl::tick() {
  const int64_t now = system_clock().monotonic_ms();
  if (accept_again_ms >= 0 && now >= accept_again_ms) {
    accept_again_ms = -1;
    listen(true);
  }
  std::erase_if(leaving, [now](const auto& entry) {
    const auto c = entry.second.lock();
    if (c && now >= entry.first) c->close_now(nullptr);
    return !c || now >= entry.first;
  });
  std::erase_if(unknown, [now](const auto& entry) {
    const auto c = entry.second.lock();
    if (c && !c->is_known() && now >= entry.first) c->close_now("no PROXY header came in time");
    return !c || c->is_known() || now >= entry.first;
  });
  if (now < next_check_ms) return;
  next_check_ms = now + check_every_ms;
  check_connections(now);
}

// Closing one does not remove it yet: that comes at the turn's end.
void Server::Impl::check_connections(int64_t now) {
  const bool changed = std::exchange(bans_seen, pool->guard.bans_begun()) != pool->guard.bans_begun();
  for (const auto& c : connections) c->check(now, changed);
}

Server::Server(net::Loop& loop, ServerLimits limits) : impl_(std::make_shared<Impl>(loop, limits)) {}

// The turn that is under way still calls the hub.
Server::~Server() {
  impl_->connections.clear();
  impl_->loop.bury(impl_);
}

void Server::open(const Listener& listener) {
  net::ListenOptions options;
  options.share_port = listener.share;
  impl_->add(listener, net::listen_on(net::Endpoint::parse(listener.address, "listen"), options));
}

void Server::believe(std::vector<net::AddressRange> proxies, std::shared_ptr<const net::TlsContext> tls, std::shared_ptr<const stratum::ServerKeys> sv2) {
  impl_->proxies = std::move(proxies);
  impl_->tls = std::move(tls);
  impl_->sv2 = std::move(sv2);
}

// In place: sessions' vardiffs point into it. Of two doors with one address (port 0) the first of the list is the first of the ports.
void Server::change(ServerLimits limits, const std::vector<Listener>& listeners) {
  impl_->limits = limits;
  std::vector<bool> taken(listeners.size());
  for (const auto& port : impl_->ports)
    for (size_t i = 0; i < listeners.size(); ++i) {
      if (taken[i] || listeners[i].address != port->listener.address) continue;
      taken[i] = true;
      port->listener.range = listeners[i].range;
      break;
    }
}

std::vector<PoolFigures::Door> Server::doors() const {
  std::vector<PoolFigures::Door> all;
  for (const auto& port : impl_->ports) {
    all.push_back({port->listener, port->sessions});
    all.back().listener.address = port->address();
  }
  return all;
}

size_t Server::connection_count() const { return impl_->connections.size(); }

void Server::accept_for(Pool& pool) {
  impl_->pool = &pool;
  impl_->loop.every_tick([weak = std::weak_ptr(impl_)] {
    if (const auto impl = weak.lock()) impl->tick();
  });
  resume();
}

void Server::suspend() {
  impl_->listen(false);
  for (const auto& c : impl_->connections) c->suspend();
}

void Server::send_away() {
  const auto all = impl_->connections;
  for (const auto& c : all)
    if (!c->can_move()) c->send_away();
}

void Server::resume() {
  impl_->listen(true);
  const auto all = impl_->connections;  // one that has died meanwhile leaves the list
  for (const auto& c : all) c->resume();
}

void Server::save(StateWriter& to, std::vector<int>& fds) const {
  to.number(impl_->ports.size());
  for (const auto& port : impl_->ports) {
    to.text(port->listener.address);
    fds.push_back(port->fd());
  }
  to.number(static_cast<uint64_t>(std::count_if(impl_->connections.begin(), impl_->connections.end(), [](const auto& c) { return c->can_move(); })));
  for (const auto& c : impl_->connections) {
    if (!c->can_move()) continue;
    to.number(static_cast<uint64_t>(std::find_if(impl_->ports.begin(), impl_->ports.end(), [&](const auto& p) { return p.get() == c->port(); }) - impl_->ports.begin()));
    c->save(to);
    fds.push_back(c->fd());
  }
}

// A socket goes on where its address is still listened at; whoever came in by another stays, as of no door.
void Server::inherit(StateReader& from, std::vector<FileHandle>& files, const std::vector<Listener>& listeners, Pool& pool) {
  impl_->pool = &pool;
  const uint64_t theirs = from.number();
  if (theirs > files.size()) throw Error(Exit::data, "handover: descriptors are missing");
  std::vector<std::string> addresses;
  for (uint64_t i = 0; i < theirs; ++i) addresses.emplace_back(from.text());
  std::vector<Port*> door_of(theirs, nullptr);
  for (const Listener& l : listeners) {
    size_t i = 0;
    while (i < theirs && (addresses[i] != l.address || door_of[i] != nullptr)) ++i;
    if (i == theirs) {
      open(l);
      continue;
    }
    impl_->add(l, std::move(files[i]));
    door_of[i] = impl_->ports.back().get();
  }
  if (from.number() != files.size() - theirs) throw Error(Exit::data, "handover: the number of connections and of descriptors differ");
  for (size_t i = theirs; i < files.size(); ++i) {
    const uint64_t door = from.number();
    impl_->connections.push_back(std::make_shared<Connection>(*impl_, std::move(files[i]), door < theirs ? door_of[door] : nullptr, impl_->connections.size()));
    impl_->connections.back()->inherit(from);
    if (!impl_->connections.back()->is_known()) impl_->await_header(impl_->connections.back());
  }
}

void Server::refuse_new() {
  for (const auto& port : impl_->ports) port->close();
}

void Server::drop_connections() {
  const auto all = impl_->connections;
  for (const auto& c : all) c->drop();
}

}  // namespace hh::pool

#include "server.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <deque>
#include <unordered_set>

#include "base/error.h"
#include "base/log.h"
#include "session.h"

namespace hh::pool {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr auto tick_interval = std::chrono::milliseconds(100);
constexpr size_t most_gathered = 64;  // lines in one writev

std::string text_of(const tcp::endpoint& e) {
  const auto address = e.address().to_string();
  return e.address().is_v6() ? fmt::format("[{}]:{}", address, e.port()) : fmt::format("{}:{}", address, e.port());
}

tcp::endpoint parse_endpoint(const std::string& text) {
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  ErrorCode bad_host;
  const auto address = asio::ip::make_address(host, bad_host);
  if (colon == std::string::npos || bad_host) throw Error(Exit::config, fmt::format("listen: \"{}\" is not ADDRESS:PORT, such as 0.0.0.0:3333 or [::]:3333", text));
  if (const auto [at, error] = std::from_chars(text.data() + colon + 1, end, port); error != std::errc{} || at != end)
    throw Error(Exit::config, fmt::format("listen: \"{}\" has no port from 0 to 65535", text));
  return {address, port};
}

class Connection;

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer ticker{io}, accept_pause{io};
  ServerLimits limits;
  Pool* pool = nullptr;
  std::unordered_set<Connection*> connections;
  uint64_t turned_away = 0;
  bool stopped = false;

  void accept();
  void tick(const std::function<void()>& on_tick);
};

namespace {

class Connection : public Outlet, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server::Impl> server, tcp::socket socket, std::string peer)
      : server_(std::move(server)), socket_(std::move(socket)), peer_(std::move(peer)) {
    server_->connections.insert(this);
  }
  ~Connection() override { server_->connections.erase(this); }

  void start() {
    session_ = Session::make(*server_->pool, *this, peer_);
    log::debug("connected", {{"peer", peer_}});
    read();
  }

  void send(std::string line) override { push({std::make_shared<const std::string>(std::move(line))}); }
  void send(std::shared_ptr<const std::string> line) override { push(std::move(line)); }
  void close(const char* why) override {
    log::info("closed", {{"peer", peer_}, {"reason", why}});
    closing_ = true;
    if (!writing_) shut();
  }
  void drop() { shut(); }

 private:
  void read() {
    const auto rest = asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_);
    socket_.async_read_some(rest, [self = shared_from_this()](const ErrorCode& e, size_t n) { self->on_read(e, n); });
  }

  void on_read(const ErrorCode& e, size_t n) {
    if (e || closing_) {
      if (!closing_) log::debug("disconnected", {{"peer", peer_}, {"reason", e.message()}});
      return shut();
    }
    filled_ += n;
    const size_t used = take_lines();
    std::copy(buffer_.begin() + static_cast<ptrdiff_t>(used), buffer_.begin() + static_cast<ptrdiff_t>(filled_), buffer_.begin());
    filled_ -= used;
    if (filled_ == buffer_.size()) session_->line_too_long();
    if (!closing_) read();
  }

  // Hands each whole line to the session; how many bytes they were.
  size_t take_lines() {
    const std::string_view all(buffer_.data(), filled_);
    size_t start = 0;
    for (size_t end; !closing_ && (end = all.find('\n', start)) != std::string_view::npos; start = end + 1) {
      std::string_view line = all.substr(start, end - start);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.empty()) session_->line(line);
    }
    return start;
  }

  void push(std::shared_ptr<const std::string> line) {
    if (closing_) return;
    unsent_ += line->size();
    queue_.push_back(std::move(line));
    if (unsent_ > server_->limits.most_unsent) {
      log::info("closed", {{"peer", peer_}, {"reason", "it does not read what it is sent"}});
      return shut();
    }
    if (!writing_) write();
  }

  void write() {
    writing_ = true;
    gathered_.clear();
    for (const auto& line : queue_) {
      if (gathered_.size() == most_gathered) break;
      gathered_.push_back(asio::buffer(*line));
    }
    asio::async_write(socket_, gathered_, [self = shared_from_this()](const ErrorCode& e, size_t n) { self->on_written(e, n); });
  }

  void on_written(const ErrorCode& e, size_t n) {
    writing_ = false;
    if (e || shut_) return shut();
    unsent_ -= n;
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(gathered_.size()));
    if (!queue_.empty()) return write();
    if (closing_) shut();
  }

  void shut() {
    closing_ = shut_ = true;
    if (session_) session_->disconnected();
    ErrorCode ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  std::shared_ptr<Server::Impl> server_;
  tcp::socket socket_;
  const std::string peer_;
  std::shared_ptr<Session> session_;
  std::array<char, stratum::v1::max_line> buffer_{};
  size_t filled_ = 0, unsent_ = 0;
  std::deque<std::shared_ptr<const std::string>> queue_;
  std::vector<asio::const_buffer> gathered_;
  bool writing_ = false, closing_ = false, shut_ = false;
};

}  // namespace

void Server::Impl::accept() {
  acceptor.async_accept([self = shared_from_this()](const ErrorCode& e, tcp::socket socket) {
    if (e == asio::error::operation_aborted || self->stopped) return;
    if (e) {  // out of descriptors, most likely: breathe, then go on
      log::error("accept_failed", {{"reason", e.message()}});
      self->accept_pause.expires_after(std::chrono::seconds(1));
      return self->accept_pause.async_wait([self](const ErrorCode& cancelled) {
        if (!cancelled) self->accept();
      });
    }
    ErrorCode gone;
    const auto peer = socket.remote_endpoint(gone);
    if (self->connections.size() >= self->limits.most_connections) {
      if (self->turned_away++ % 1000 == 0) log::warn("too_many_connections", {{"limit", self->limits.most_connections}, {"turned_away", self->turned_away}});
    } else if (!gone) {
      socket.set_option(tcp::no_delay(true), gone);
      socket.set_option(asio::socket_base::keep_alive(true), gone);
      std::make_shared<Connection>(self, std::move(socket), text_of(peer))->start();
    }
    self->accept();
  });
}

void Server::Impl::tick(const std::function<void()>& on_tick) {
  ticker.expires_after(tick_interval);
  ticker.async_wait([self = shared_from_this(), on_tick](const ErrorCode& e) {
    if (e || self->stopped) return;
    on_tick();
    if (!self->stopped) self->tick(on_tick);
  });
}

Server::Server(const std::string& listen, ServerLimits limits) : impl_(std::make_shared<Impl>()) {
  impl_->limits = limits;
  const tcp::endpoint endpoint = parse_endpoint(listen);
  ErrorCode e;
  impl_->acceptor.open(endpoint.protocol(), e);
  if (!e) impl_->acceptor.set_option(tcp::acceptor::reuse_address(true), e);
  if (!e) impl_->acceptor.bind(endpoint, e);
  if (!e) impl_->acceptor.listen(asio::socket_base::max_listen_connections, e);
  if (e) throw Error(Exit::unavailable, fmt::format("cannot listen on {}: {}", listen, e.message()));
}

Server::~Server() = default;

std::string Server::address() const { return text_of(impl_->acceptor.local_endpoint()); }

Post Server::post() const {
  return [io = &impl_->io](std::function<void()> f) { asio::post(*io, std::move(f)); };
}

void Server::accept_for(Pool& pool) {
  impl_->pool = &pool;
  impl_->accept();
}

void Server::run(const std::function<void()>& on_tick) {
  impl_->tick(on_tick);
  impl_->io.run();
}

void Server::stop() {
  impl_->stopped = true;
  impl_->io.stop();
}

void Server::refuse_new() {
  ErrorCode ignored;
  impl_->acceptor.close(ignored);
}

void Server::drop_connections() {
  const std::unordered_set<Connection*> all = impl_->connections;
  for (Connection* c : all) c->drop();
}

void Server::run_posted() {
  impl_->io.restart();
  impl_->io.poll();
}

}  // namespace hh::pool

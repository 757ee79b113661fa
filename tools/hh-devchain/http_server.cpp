#include "http_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <list>
#include <thread>

#include "base/error.h"
#include "crypto/base64url.h"

namespace hh::devchain {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

namespace {

constexpr size_t max_connections = 64;
constexpr uint64_t max_body = 16u << 20;  // a full block in hex is 8 MB
constexpr auto idle_time = std::chrono::seconds(60);

}  // namespace

// One client. Its thread runs an io_context of its own, because only asynchronous operations of Beast know time-outs.
struct Connection {
  asio::io_context io{1};
  beast::tcp_stream stream{io};
  int fd = -1;  // for shutdown(2) from another thread, which may not touch the stream
  std::thread thread;
  std::atomic<bool> done{false};

  template <class Start>
  bool wait_for(Start start) {
    beast::error_code error = asio::error::would_block;
    stream.expires_after(idle_time);
    start([&error](beast::error_code e, size_t) { error = e; });
    io.restart();
    io.run();
    return !error;
  }
};

struct HttpServer::Impl {
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  std::string authorization;
  Handler handler;
  std::list<Connection> connections;

  http::response<http::string_body> respond(const http::request<http::string_body>& request) const {
    http::response<http::string_body> response;
    response.version(11);
    response.keep_alive(request.keep_alive());
    if (request[http::field::authorization] != authorization) {
      response.result(http::status::unauthorized);
      response.set(http::field::www_authenticate, "Basic realm=\"jsonrpc\"");
    } else if (request.method() != http::verb::post) {
      response.result(http::status::method_not_allowed);
      response.body() = "JSONRPC server handles only POST requests";
    } else {
      HttpReply reply = handler(request.body());
      response.result(static_cast<unsigned>(reply.status));
      response.set(http::field::content_type, "application/json");
      response.body() = std::move(reply.body);
    }
    response.prepare_payload();
    return response;
  }

  void serve(Connection& c) const {
    beast::flat_buffer buffer;
    for (bool keep = true; keep;) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(max_body);
      if (!c.wait_for([&](auto done) { http::async_read(c.stream, buffer, parser, done); })) break;
      const auto response = respond(parser.get());
      keep = c.wait_for([&](auto done) { http::async_write(c.stream, response, done); }) && response.keep_alive();
    }
  }

  void reap() {
    for (auto c = connections.begin(); c != connections.end();) {
      if (!c->done) {
        ++c;
        continue;
      }
      c->thread.join();
      c = connections.erase(c);
    }
  }
  void accept() {
    Connection& c = connections.emplace_back();
    beast::error_code error;
    acceptor.accept(c.stream.socket(), error);
    if (error || connections.size() > max_connections) {
      connections.pop_back();
      return;
    }
    c.fd = c.stream.socket().native_handle();
    c.thread = std::thread([this, &c] {
      serve(c);
      c.done = true;
    });
  }
};

HttpServer::HttpServer(uint16_t port, std::string credentials, Handler handler) : impl_(std::make_unique<Impl>()) {
  impl_->authorization = "Basic " + crypto::to_base64(as_bytes(credentials));
  impl_->handler = std::move(handler);
  beast::error_code error;
  const tcp::endpoint where(asio::ip::address_v4::loopback(), port);
  impl_->acceptor.open(where.protocol());
  impl_->acceptor.set_option(asio::socket_base::reuse_address(true));
  impl_->acceptor.bind(where, error);
  if (error) throw Error(Exit::unavailable, fmt::format("cannot listen on 127.0.0.1:{}: {}", port, error.message()));
  impl_->acceptor.listen();
}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return impl_->acceptor.local_endpoint().port(); }

void HttpServer::run(const std::function<bool()>& stop) {
  while (!stop()) {
    pollfd listening{impl_->acceptor.native_handle(), POLLIN, 0};
    if (::poll(&listening, 1, 200) > 0) impl_->accept();
    impl_->reap();
  }
  impl_->acceptor.close();
  // Wakes every thread that reads or writes. A socket that its thread has closed meanwhile is none any more, which does no harm.
  for (auto& c : impl_->connections) ::shutdown(c.fd, SHUT_RDWR);
  for (auto& c : impl_->connections) c.thread.join();
  impl_->connections.clear();
}

}  // namespace hh::devchain

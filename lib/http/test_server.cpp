#include "http/test_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

namespace hh::http {

Connection::~Connection() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  SSL_free(ssl_);
}

int Connection::read_some(char* buffer, int size) {
  if (ssl_ != nullptr) return SSL_read(ssl_, buffer, size);
  return static_cast<int>(::recv(fd_, buffer, static_cast<size_t>(size), 0));
}

std::string Connection::read_request() {
  std::string text;
  size_t wanted = 0;
  char buffer[4096];
  while (wanted == 0 || text.size() < wanted) {
    const int n = read_some(buffer, sizeof buffer);
    if (n <= 0) return {};
    text.append(buffer, static_cast<size_t>(n));
    const size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const size_t length = text.find("Content-Length: ");
    wanted = head + 4 + (length < head ? std::stoul(text.substr(length + 16)) : 0);
  }
  return text;
}

void Connection::write(std::string_view text) {
  while (!text.empty()) {
    const auto n = ssl_ != nullptr ? SSL_write(ssl_, text.data(), static_cast<int>(text.size())) : ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

void Connection::answer(int status, std::string_view body, std::string_view more_headers) {
  write(fmt::format("HTTP/1.1 {} Text\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), more_headers, body));
}

void Connection::wait_for_close() {
  char buffer[4096];
  while (read_some(buffer, sizeof buffer) > 0) {
  }
}

void Connection::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

TestServer::TestServer(Handler handler, uint16_t port) : handler_(std::move(handler)) { listen(port); }

TestServer::TestServer(Handler handler, const std::string& certificate, const std::string& key, const std::string& client_ca) : handler_(std::move(handler)) {
  tls_ = SSL_CTX_new(TLS_server_method());
  bool good = SSL_CTX_use_certificate_file(tls_, certificate.c_str(), SSL_FILETYPE_PEM) == 1 && SSL_CTX_use_PrivateKey_file(tls_, key.c_str(), SSL_FILETYPE_PEM) == 1;
  if (!client_ca.empty()) {
    good = good && SSL_CTX_load_verify_file(tls_, client_ca.c_str()) == 1;
    SSL_CTX_set_verify(tls_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (!good) throw std::runtime_error("the test's certificates cannot be read");
  listen(0);
}

void TestServer::listen(uint16_t port) {
  std::signal(SIGPIPE, SIG_IGN);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0) throw std::runtime_error("the test cannot listen");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

TestServer::~TestServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& t : threads_) t.join();
  SSL_CTX_free(tls_);
}

std::string TestServer::url(const std::string& path) const { return fmt::format("{}://127.0.0.1:{}{}", tls_ != nullptr ? "https" : "http", port_, path); }

void TestServer::accept_loop() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void TestServer::serve(int fd) {
  ++connections_;
  {
    SSL* ssl = tls_ != nullptr ? SSL_new(tls_) : nullptr;
    if (ssl != nullptr) SSL_set_fd(ssl, fd);
    Connection connection(fd, ssl);
    if (ssl == nullptr || SSL_accept(ssl) == 1) handler_(connection);
  }
  const std::lock_guard lock(mutex_);
  open_.erase(std::find(open_.begin(), open_.end(), fd));
  ::close(fd);
}

TestServer::Handler always(int status, const std::string& body, const std::string& more_headers) {
  return [=](Connection& c) {
    while (!c.read_request().empty()) c.answer(status, body, more_headers);
  };
}

}  // namespace hh::http

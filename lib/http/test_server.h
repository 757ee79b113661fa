// A server in the test's own process, on a free port of 127.0.0.1, that does with each connection what the test says: answers, stays
// silent, or hangs up in the middle.
#pragma once
#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hh::http {

class Connection {
 public:
  Connection(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Head and body of the next request; "" where the client has gone.
  std::string read_request();
  void write(std::string_view text);
  // A whole answer, with Content-Length.
  void answer(int status, std::string_view body, std::string_view more_headers = "");
  void wait_for_close();  // until the client hangs up
  void reset();           // hang up with RST

 private:
  int read_some(char* buffer, int size);
  int fd_;
  SSL* ssl_;
};

class TestServer {
 public:
  using Handler = std::function<void(Connection&)>;
  // port 0: any.
  explicit TestServer(Handler handler, uint16_t port = 0);
  // Speaks TLS with these PEM files; where client_ca is given, only with clients that it vouches for.
  TestServer(Handler handler, const std::string& certificate, const std::string& key, const std::string& client_ca = "");
  ~TestServer();
  uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const;
  int connections() const { return connections_; }

 private:
  void listen(uint16_t port);
  void accept_loop();
  void serve(int fd);
  Handler handler_;
  SSL_CTX* tls_ = nullptr;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// Answers every request of every connection with the same.
TestServer::Handler always(int status, const std::string& body, const std::string& more_headers = "");

}  // namespace hh::http

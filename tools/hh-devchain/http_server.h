// As much of an HTTP/1.1 server as JSON-RPC on loopback needs: POST, Basic credentials, kept connections, a thread for each of at most 64.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace hh::devchain {

struct HttpReply {
  int status = 200;
  std::string body;
};

class HttpServer {
 public:
  using Handler = std::function<HttpReply(const std::string& body)>;  // called from many threads
  // Listens on 127.0.0.1; port 0: any. credentials: "user:password". Throws Error(unavailable) where the port is taken.
  HttpServer(uint16_t port, std::string credentials, Handler handler);
  ~HttpServer();
  uint16_t port() const;
  // Until stop() says so, asked five times a second; then closes all connections and waits for their threads. The handler must come to an
  // end by itself by then.
  void run(const std::function<bool()>& stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hh::devchain

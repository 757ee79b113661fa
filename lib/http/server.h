// A small HTTP/1.1 server for a daemon's own pages: /metrics, /healthz, status. [C080]
//
// Why not Boost.Beast: for pages without bodies, forms or TLS there is little to parse, and one file that includes Beast takes a minute to compile.
// GET and HEAD, keep-alive, no TLS and no request bodies: it is meant for 127.0.0.1 or an operator's network, behind a real web server where
// the world looks in. A thread of its own runs it; handlers run on that thread, one at a time, and should answer within a second. Bounded: so
// many connections (more wait to be accepted), 8 KiB of request head, and a time limit on every request and answer, so that neither slow-loris nor a
// reader that stops costs more than its descriptor for that time.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace hh::http {

struct Page {
  unsigned status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

class Server {
 public:
  struct Limits {
    size_t most_connections = 64;
    int64_t patience_ms = 10'000;  // for a request to come in whole, and for an answer to be taken
  };
  // path: as sent, without its query. A page that is not there is the handler's to say (status 404). What it throws is logged and answered with 500.
  using Handler = std::function<Page(const std::string& path)>;

  // Binds at once. listen: "127.0.0.1:9100", "[::1]:9100"; port 0 takes any. what: the setting's name, for messages. Throws Error(config) for a bad
  // address, Error(unavailable) where it is taken.
  Server(const std::string& listen, const std::string& what, Handler handler);
  Server(const std::string& listen, const std::string& what, Handler handler, Limits limits);
  ~Server();
  void start();
  void stop();                  // ends the thread; also done by the destructor
  std::string address() const;  // with the port that it got

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hh::http

// An HTTPS server for JSON interfaces: TLS 1.3, client certificates, bodies, and a bound on everything that a client can make it do.
//
// Beside http/server.h, which serves a daemon's own pages in plain HTTP: here strangers, bodies and certificates come in, so the parsing of HTTP is
// Boost.Beast's, kept in one file because it takes a minute to compile. A thread of its own does the network; handlers run on `handlers` further threads
// (default one, so that they need no locks of their own) and may take their time: meanwhile other connections are still read and time out.
//
// What a client can cost is bounded: connections in all and for each address, the time in which a request has to come in whole and an answer has to
// be taken, the head, the body (which the program decides when it has seen the head: 64 KiB for anybody, more for a known peer), and requests
// for each address (429 with Retry-After). What cannot be read is answered by the server itself, with the same JSON as everything else:
//   {"type":"error","v":1,"status":413,"reason":"…"}
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hh::http {

struct ApiRequest {
  std::string method;   // "GET"; any token that a client sends
  std::string target;   // as sent: path and query, not decoded (http/route.h does that)
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string address;          // of the client, without its port
  std::string client;           // subject of its certificate, RFC 2253 ("CN=core,O=Hyper Hash"); "": it showed none. Never one that the CA does not vouch for
  std::string client_sha256;    // of that certificate, hex
  std::string_view header(std::string_view lower_case_name) const;  // the first one, or ""
};

struct ApiResponse {
  unsigned status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};  // free of CR and LF
};

// {"type":"error","v":1,"status":…,"reason":…} with that status. reason may hold anything; what is not UTF-8 is replaced.
ApiResponse error_response(unsigned status, std::string_view reason);

struct ApiTls {
  std::string certificate;   // PEM file: the server's first, then those that lead to its root
  std::string key;           // as load_secret reads it
  std::string client_ca;     // PEM file with the authorities that vouch for clients; "": no client certificates are asked for
  bool client_required = false;  // connections without one are refused; else the handler decides
};

struct ApiLimits {
  size_t most_connections = 256, most_per_address = 32;
  size_t most_head = 16 * 1024;
  int64_t patience_ms = 15'000;        // for the handshake, for a request to come in whole (idle time included), for an answer to be taken
  int64_t requests_per_minute = 600;   // of one address (IPv6: of its /64); 0: no limit
  int64_t at_once = 60;                // … so many of them without a pause
  unsigned handlers = 1;               // threads
  int64_t drain_ms = 10'000;           // how long stop() waits for answers that are being made
};

class ApiServer {
 public:
  using Handler = std::function<ApiResponse(const ApiRequest&)>;        // what it throws is logged and answered with 500
  using BodyLimit = std::function<size_t(const ApiRequest& head)>;      // bytes; on the network's thread, must be quick
  // Binds at once. listen: "127.0.0.1:8443"; port 0 takes any. what: the prefix of the settings' names ("api"), for messages. Throws Error(config) for a
  // bad address or certificate, Error(unavailable) where the address is taken.
  ApiServer(const std::string& listen, const std::string& what, const ApiTls& tls, Handler handler, BodyLimit body_limit, const ApiLimits& limits = {});
  ~ApiServer();
  void start();
  // No new connections; answers that are being made are still sent. Also done by the destructor.
  void stop();
  // New connections get these certificates; those that stand keep theirs. Throws Error(config), and then nothing changes.
  void use(const ApiTls& tls);
  std::string address() const;          // with the port that it got
  int64_t days_left() const;            // of the server's certificate; negative: expired
  std::map<unsigned, uint64_t> answers() const;  // by status, since the start

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hh::http

// A blocking HTTP client (libcurl, HTTP/1.1) that can tell "never sent" from "nobody knows".
//
// The payment machine must know whether a request that failed can have reached the other side:
//   ok        an answer came, whole, whatever its status: HTTP 500 is ok here, and the caller reads it
//   not_sent  no byte of the request left: no route, refused, name not found, TLS or certificate failure, aborted before
//   unknown   the request may have arrived: time-out, connection closed, broken or oversized answer, aborted after sending began
// libcurl tells (CURLOPT_PREREQFUNCTION) when the connection stands and the request is about to go; from then on it is unknown.
// libcurl also repeats a request by itself when a kept-alive connection turns out dead. Here a request is never sent twice unless it says
// that it may be (`repeatable`): any other gets a connection of its own, and a second sending is stopped.
//
// An answer that declares no length ends where the server hangs up; whether that was early only its reader can tell (JSON can).
//
// One Client is one thread's: it keeps connections alive between requests. Only abort() may be called from elsewhere. No proxy is taken
// from the environment. Header values, queries and bodies never appear in error text.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hh::http {

enum class Outcome { ok, not_sent, unknown };
const char* name(Outcome outcome);

struct Timeouts {
  int64_t connect_ms = 10'000;    // until TCP and TLS stand
  int64_t total_ms = 30'000;      // the whole request; 0: none (streams, long polls)
  int64_t idle_ms = 0;            // longest silence while the answer is awaited or arrives; 0: none
};

// Who the server has to be. Defaults: the system's authorities and the host's name. Files are PEM.
struct Tls {
  std::string ca_file = {};         // these authorities instead of the system's
  std::string pinned_cert_file = {};  // exactly this certificate's key, whatever the host's name (lnd's tls.cert)
  std::string pinned_key = {};      // "sha256//BASE64" of the public key (as curl --pinnedpubkey), instead of any authority
  std::string client_cert_file = {}, client_key_file = {};
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url = {};
  Headers headers = {};   // values may be secrets; names and values must be free of CR and LF
  std::string body = {};
  Timeouts timeouts = {};
  Tls tls = {};
  size_t max_response = 16u << 20;  // bytes of body; more: unknown
  bool repeatable = false;          // may use a kept connection, and be sent again where that was dead (reading, idempotent calls)
  bool follow_redirects = false;    // GET only, at most 5, never from https to http; headers go only to the first origin
  bool public_hosts_only = false;   // refuse to connect to loopback, private, link-local … addresses (URLs that strangers give us)
  std::string proxy = {};           // e.g. socks5h://127.0.0.1:9050 for .onion; it resolves the name, so public_hosts_only cannot
  // Called with each piece of the body of a 2xx answer as it arrives (the body of the Response stays empty); false ends the request:
  // then Outcome::ok with Response::cancelled.
  std::function<bool(std::string_view)> on_data = {};
};

struct Response {
  long status = 0;   // 0: none arrived
  Headers headers;   // names in lower case, in order
  std::string body;
  bool cancelled = false;
  std::string_view header(std::string_view lower_case_name) const;  // first one, or ""
};

struct Result {
  Outcome outcome = Outcome::not_sent;
  Response response;   // with unknown: what had arrived
  std::string error;   // where not ok: a sentence naming the origin, e.g. "https://lnd:8080: cannot connect: Connection refused"
  bool timed_out = false;
  bool stopped = false;  // by abort() or the stop function
  bool is_success() const { return outcome == Outcome::ok && response.status >= 200 && response.status < 300; }
};

class Client {
 public:
  Client();
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Throws Error(config) only for what can never work: a bad URL, an unreadable certificate file, CR or LF in a header.
  Result send(const Request& request);

  // Asked ten times a second while a request runs; true ends it as abort() does. For hh::stop_requested.
  void stop_when(std::function<bool()> stop);
  // From any thread: ends the running request and every later one until resume().
  void abort();
  void resume();
  // Sleeps, for loops that try again. False as soon as abort() or the stop function says so.
  bool pause(int64_t ms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Cuts the pieces that on_data gets into lines (JSON lines of lnd's streams); use as [&](auto piece) { return splitter(piece); }. `each`
// gets every non-empty line without its newline and returns false to end the request. A line longer than max_line ends it too.
class LineSplitter {
 public:
  explicit LineSplitter(std::function<bool(std::string_view line)> each, size_t max_line = 4u << 20);
  bool operator()(std::string_view piece);
  bool flush();                               // hands out a last line that had no newline
  bool overflowed() const { return overflowed_; }

 private:
  std::function<bool(std::string_view)> each_;
  size_t max_line_;
  std::string rest_;
  bool overflowed_ = false;
};

}  // namespace hh::http

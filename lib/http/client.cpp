#include "http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <new>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "http/address.h"
#include "http/tls.h"
#include "http/url.h"

namespace hh::http {
namespace {

constexpr int max_redirects = 5;
constexpr size_t max_header_bytes = 256u << 10;
constexpr int64_t stop_interval_ms = 100;  // how often the stop function is asked
constexpr int64_t longest_wait_ms = 10'000;  // nothing depends on it: bytes, time-outs and abort() end a wait

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void start_curl_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error(Exit::software, "libcurl cannot start");
}

// One request on the wire and what is known of it. libcurl's callbacks get a pointer to this; no exception may pass through libcurl.
struct Exchange {
  const Request& request;
  CURL* easy;
  Response response = {};
  std::array<char, CURL_ERROR_SIZE> message{};
  bool sent = false;  // the connection stood and the request may have gone out
  bool sent_again = false;
  bool too_large = false;
  bool refused_address = false;
  bool stopped = false;
  bool idle = false;
  bool head_complete = false;  // the empty line after the headers has come
  size_t header_bytes = 0;
  int64_t last_sign_of_life_ms = now_ms();
  std::exception_ptr thrown = nullptr;
};

Exchange& exchange(void* p) { return *static_cast<Exchange*>(p); }

int on_about_to_send(void* p, char*, char*, int, int) {
  Exchange& x = exchange(p);
  if (x.sent && !x.request.repeatable) {
    x.sent_again = true;
    return CURL_PREREQFUNC_ABORT;
  }
  x.sent = true;
  x.last_sign_of_life_ms = now_ms();
  return CURL_PREREQFUNC_OK;
}

void take_header_line(Exchange& x, std::string_view line) {
  if (line.starts_with("HTTP/")) {  // a new answer: after 100 Continue, or a proxy's before the server's
    x.response.headers.clear();
    x.head_complete = false;
    return;
  }
  if (line == "\r\n" || line == "\n") x.head_complete = true;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string header(line.substr(0, colon));
  std::transform(header.begin(), header.end(), header.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::string_view value = line.substr(colon + 1);
  const size_t begin = std::min(value.find_first_not_of(" \t"), value.size());
  const size_t end = value.find_last_not_of(" \t\r\n") + 1;
  x.response.headers.emplace_back(std::move(header), std::string(value.substr(begin, end > begin ? end - begin : 0)));
}

size_t on_header(char* data, size_t, size_t size, void* p) {
  Exchange& x = exchange(p);
  x.last_sign_of_life_ms = now_ms();
  x.header_bytes += size;
  if (x.header_bytes > max_header_bytes) {
    x.too_large = true;
    return 0;
  }
  try {
    take_header_line(x, {data, size});
    return size;
  } catch (...) {
    x.thrown = std::current_exception();
    return 0;
  }
}

size_t on_body(char* data, size_t, size_t size, void* p) {
  Exchange& x = exchange(p);
  x.last_sign_of_life_ms = now_ms();
  try {
    long status = 0;
    curl_easy_getinfo(x.easy, CURLINFO_RESPONSE_CODE, &status);
    if (x.request.on_data && status / 100 == 2) {
      x.response.cancelled = !x.request.on_data({data, size});
      return x.response.cancelled ? 0 : size;
    }
    x.too_large = x.response.body.size() + size > x.request.max_response;
    if (x.too_large) return 0;
    x.response.body.append(data, size);
    return size;
  } catch (...) {
    x.thrown = std::current_exception();
    return 0;
  }
}

curl_socket_t on_open_socket(void* p, curlsocktype, curl_sockaddr* a) {
  if (!is_public_address(&a->addr)) {
    exchange(p).refused_address = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLE_OK) throw Error(Exit::software, fmt::format("libcurl does not take option {}: {}", static_cast<int>(option), curl_easy_strerror(code)));
}

void set_text(CURL* easy, CURLoption option, const std::string& value) {
  if (!value.empty()) set(easy, option, value.c_str());
}

// Header fields as libcurl wants them.
class HeaderList {
 public:
  explicit HeaderList(const Request& request) {
    add("Expect:");        // no waiting for 100 Continue
    add("Content-Type:");  // libcurl's guess for POST is wrong for us; one given below takes its place
    for (const auto& [header, value] : request.headers) {
      constexpr std::string_view token = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";
      if (header.empty() || header.find_first_not_of(token) != std::string::npos) throw Error(Exit::config, "a header's name has characters that HTTP does not allow");
      if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
        throw Error(Exit::config, fmt::format("the value of header {} has a line end in it", header));
      add(value.empty() ? header + ";" : header + ": " + value);
    }
  }
  curl_slist* get() const { return list_.get(); }

 private:
  void add(const std::string& line) {
    curl_slist* longer = curl_slist_append(list_.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    [[maybe_unused]] auto* same = list_.release();  // longer starts with it
    list_.reset(longer);
  }
  struct Free {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, Free> list_;  // a member, not a destructor: the constructor may throw half-way
};

void set_body(CURL* easy, const Request& request) {
  const bool has_body = !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (has_body) {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDS, request.body.data());
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  if (request.method == "HEAD") set(easy, CURLOPT_NOBODY, 1L);
  set_text(easy, CURLOPT_CUSTOMREQUEST, request.method);
}

void set_tls(CURL* easy, const Tls& tls) {
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set_text(easy, CURLOPT_CAINFO, tls.ca_file);
  set_text(easy, CURLOPT_SSLCERT, tls.client_cert_file);
  set_text(easy, CURLOPT_SSLKEY, tls.client_key_file);
  if (!tls.pinned_cert_file.empty()) {
    // Trusted for itself and pinned, so that its host name (localhost, in lnd's) need not be ours.
    set_text(easy, CURLOPT_CAINFO, tls.pinned_cert_file);
    set_text(easy, CURLOPT_PINNEDPUBLICKEY, pin_of_certificate(tls.pinned_cert_file));
    set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!tls.pinned_key.empty()) {
    if (!tls.pinned_key.starts_with("sha256//")) throw Error(Exit::config, "a pinned key is written sha256//BASE64");
    set_text(easy, CURLOPT_PINNEDPUBLICKEY, tls.pinned_key);
    set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

void prepare(Exchange& x, const HeaderList& headers) {
  CURL* easy = x.easy;
  const Request& r = x.request;
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_ERRORBUFFER, x.message.data());
  set_text(easy, CURLOPT_URL, r.url);
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PROXY, r.proxy.c_str());  // empty: none, whatever the environment says
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_USERAGENT, "hyperhash/" HH_VERSION);
  set(easy, CURLOPT_HTTPHEADER, headers.get());
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(r.timeouts.connect_ms));
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(r.timeouts.total_ms));
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  set(easy, CURLOPT_TCP_KEEPINTVL, 10L);
  set(easy, CURLOPT_FRESH_CONNECT, r.repeatable && !r.public_hosts_only ? 0L : 1L);
  set(easy, CURLOPT_PREREQFUNCTION, on_about_to_send);
  set(easy, CURLOPT_PREREQDATA, &x);
  set(easy, CURLOPT_HEADERFUNCTION, on_header);
  set(easy, CURLOPT_HEADERDATA, &x);
  set(easy, CURLOPT_WRITEFUNCTION, on_body);
  set(easy, CURLOPT_WRITEDATA, &x);
  if (r.public_hosts_only && r.proxy.empty()) {
    set(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    set(easy, CURLOPT_OPENSOCKETDATA, &x);
  }
  set_body(easy, r);
  set_tls(easy, r.tls);
}

bool is_our_mistake(CURLcode code) {
  return code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM || code == CURLE_URL_MALFORMAT || code == CURLE_SSL_ENGINE_NOTFOUND;
}

std::string connect_failure(CURL* easy) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  return number == 0 ? "cannot connect" : "cannot connect: " + reason(static_cast<int>(number));
}

std::string explain(const Exchange& x, CURLcode code) {
  if (x.refused_address) return "its address is not on the public Internet";
  if (x.stopped) return "stopped";
  if (x.sent_again) return "the connection was closed before an answer came";
  if (x.too_large) return fmt::format("the answer is larger than {} bytes", x.request.max_response);
  if (x.idle) return fmt::format("silent for {} ms", x.request.timeouts.idle_ms);
  switch (code) {
    case CURLE_OK:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: return "the connection was closed before the answer was whole";
    case CURLE_COULDNT_RESOLVE_HOST: return "host name not found";
    case CURLE_COULDNT_RESOLVE_PROXY: return "proxy's host name not found";
    case CURLE_COULDNT_CONNECT: return connect_failure(x.easy);
    case CURLE_OPERATION_TIMEDOUT:
      if (x.sent) return fmt::format("no whole answer within {} ms", x.request.timeouts.total_ms);
      return "no connection in time";
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return "the server's key is not the pinned one: was its certificate renewed, or is it another server?";
    default: return x.message[0] != '\0' ? x.message.data() : curl_easy_strerror(code);
  }
}

}  // namespace

const char* name(Outcome outcome) {
  constexpr std::array names{"ok", "not_sent", "unknown"};
  return names.at(static_cast<size_t>(outcome));
}

std::string_view Response::header(std::string_view lower_case_name) const {
  for (const auto& [header, value] : headers)
    if (header == lower_case_name) return value;
  return {};
}

struct Client::Impl {
  CURLM* multi = nullptr;
  CURL* easy = nullptr;
  std::atomic<bool> aborted{false};
  std::function<bool()> stop;

  Impl() {
    start_curl_once();
    multi = curl_multi_init();
    easy = curl_easy_init();
    if (multi == nullptr || easy == nullptr) throw std::bad_alloc();
  }
  ~Impl() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }

  bool must_stop() { return aborted || (stop && stop()); }
  Result send_once(const Request& request, const std::string& origin);
  std::optional<CURLcode> drive(Exchange& x);
  std::optional<CURLcode> finished();
  void wait(int64_t ms) { curl_multi_poll(multi, nullptr, 0, static_cast<int>(stop ? std::min(ms, stop_interval_ms) : ms), nullptr); }
};

std::optional<CURLcode> Client::Impl::finished() {
  int left = 0;
  for (CURLMsg* m = curl_multi_info_read(multi, &left); m != nullptr; m = curl_multi_info_read(multi, &left))
    if (m->msg == CURLMSG_DONE) return m->data.result;
  return std::nullopt;
}

// Runs the transfer to its end; nullopt where it is left in the middle (stopped, silent for too long).
std::optional<CURLcode> Client::Impl::drive(Exchange& x) {
  for (;;) {
    x.stopped = must_stop();
    if (x.stopped) return std::nullopt;
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) throw Error(Exit::software, "libcurl's multi interface failed");
    if (const auto code = finished()) return code;
    int64_t wait_ms = longest_wait_ms;
    if (x.request.timeouts.idle_ms > 0 && x.sent) {
      const int64_t left = x.last_sign_of_life_ms + x.request.timeouts.idle_ms - now_ms();
      x.idle = left <= 0;
      if (x.idle) return std::nullopt;
      wait_ms = std::min(wait_ms, left);
    }
    wait(wait_ms);
  }
}

Result Client::Impl::send_once(const Request& request, const std::string& origin) {
  Exchange x{.request = request, .easy = easy};
  curl_easy_reset(easy);
  const HeaderList headers(request);
  prepare(x, headers);

  struct Attached {
    CURLM* multi;
    CURL* easy;
    ~Attached() {
      curl_multi_remove_handle(multi, easy);
      curl_easy_reset(easy);  // it points into x and headers
    }
  } const attached{multi, easy};
  curl_multi_add_handle(multi, easy);
  const auto code = drive(x);

  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &x.response.status);
  if (x.thrown) std::rethrow_exception(x.thrown);
  Result result;
  // libcurl takes headers that break off for the end of an answer without a body.
  if ((code == CURLE_OK && x.head_complete) || x.response.cancelled) {
    result.outcome = Outcome::ok;
  } else {
    result.outcome = x.sent ? Outcome::unknown : Outcome::not_sent;
    result.stopped = x.stopped;
    result.timed_out = x.idle || code == CURLE_OPERATION_TIMEDOUT;
    result.error = fmt::format("{}: {}", origin, explain(x, code.value_or(CURLE_OK)));
    if (code && is_our_mistake(*code)) throw Error(Exit::config, result.error);
  }
  result.response = std::move(x.response);
  return result;
}

namespace {

// Where the answer sends us, or nullopt: stay with the answer.
std::optional<Url> redirection(const Request& request, const Url& from, const Result& result) {
  const long status = result.response.status;
  const bool moved = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  if (!request.follow_redirects || request.method != "GET" || result.outcome != Outcome::ok || !moved) return std::nullopt;
  const std::string location(result.response.header("location"));
  CURLU* base = curl_url();
  curl_url_set(base, CURLUPART_URL, from.text().c_str(), 0);
  char* text = nullptr;
  const bool good = curl_url_set(base, CURLUPART_URL, location.c_str(), 0) == CURLUE_OK && curl_url_get(base, CURLUPART_URL, &text, 0) == CURLUE_OK;
  auto to = good ? parse_url(text) : std::nullopt;
  curl_free(text);
  curl_url_cleanup(base);
  if (to && from.scheme == "https" && to->scheme != "https") to.reset();
  return to;
}

}  // namespace

Client::Client() : impl_(std::make_unique<Impl>()) {}
Client::~Client() = default;

Result Client::send(const Request& request) {
  auto url = parse_url(request.url);
  if (!url) throw Error(Exit::config, "not an http or https URL without user and fragment");
  Result result = impl_->send_once(request, url->origin());
  Request next;
  for (int hop = 0; hop < max_redirects; ++hop) {
    const auto to = redirection(request, *url, result);
    if (!to) break;
    if (hop == 0) next = request;
    if (to->origin() != url->origin()) next.headers.clear();
    next.url = to->text();
    url = to;
    result = impl_->send_once(next, url->origin());
  }
  return result;
}

void Client::stop_when(std::function<bool()> stop) { impl_->stop = std::move(stop); }

void Client::abort() {
  impl_->aborted = true;
  curl_multi_wakeup(impl_->multi);
}

void Client::resume() { impl_->aborted = false; }

bool Client::pause(int64_t ms) {
  const int64_t end = now_ms() + ms;
  for (int64_t left = ms; left > 0 && !impl_->must_stop(); left = end - now_ms()) impl_->wait(left);
  return !impl_->must_stop();
}

}  // namespace hh::http

#include "http/server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <map>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "net/endpoint.h"

namespace hh::http {
namespace {

constexpr size_t most_head = 8 * 1024;

int64_t now_ms() { return system_clock().monotonic_ms(); }

const char* reason_phrase(unsigned status) {
  static const std::map<unsigned, const char*> phrases{{200, "OK"}, {400, "Bad Request"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {413, "Content Too Large"},
                                                       {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"}, {503, "Service Unavailable"}};
  const auto at = phrases.find(status);
  return at == phrases.end() ? "Status" : at->second;
}

// RFC 9110, 5.6.7; not by strftime, whose names of days follow the locale.
std::string http_date() {
  constexpr const char *days = "SunMonTueWedThuFriSat", *months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::time_t now = system_clock().unix_seconds();
  std::tm t{};
  ::gmtime_r(&now, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", std::string_view(days + 3 * t.tm_wday, 3), t.tm_mday, std::string_view(months + 3 * t.tm_mon, 3), t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool is_token(std::string_view s) {  // RFC 9110, 5.6.2
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos; });
}

// What of a request's head matters here. status: 0, or what it is refused with.
struct Head {
  std::string_view method, target;
  bool keep_alive = true;
  unsigned status = 0;
};

Head parse_head(std::string_view text) {
  Head h;
  const auto bad = [&](unsigned status) {
    h.status = status;
    h.keep_alive = false;
    return h;
  };
  const std::string_view line = text.substr(0, text.find("\r\n"));
  const size_t first = line.find(' '), second = line.find(' ', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return bad(400);
  h.method = line.substr(0, first);
  h.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  const bool printable = std::all_of(h.target.begin(), h.target.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!is_token(h.method) || !h.target.starts_with('/') || !printable || (version != "HTTP/1.1" && version != "HTTP/1.0")) return bad(400);
  h.keep_alive = version == "HTTP/1.1";
  bool host = false;
  for (std::string_view rest = text.substr(std::min(text.size(), line.size() + 2)); !rest.empty();) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view field = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 2));
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos || !is_token(field.substr(0, colon))) return bad(400);
    const std::string_view name = field.substr(0, colon), value = trimmed(field.substr(colon + 1));
    if (value.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) return bad(400);
    if (equal_ignoring_case(name, "host")) host = true;
    if (equal_ignoring_case(name, "connection")) h.keep_alive = equal_ignoring_case(value, "keep-alive") || (h.keep_alive && !equal_ignoring_case(value, "close"));
    if (equal_ignoring_case(name, "transfer-encoding") || (equal_ignoring_case(name, "content-length") && value != "0")) return bad(413);
  }
  if (!host && version == "HTTP/1.1") return bad(400);
  return h;
}

}  // namespace

struct Server::Impl {
  // reading: awaits a request. answering: out is being sent. ending: all is sent; what still comes is thrown away until the client hangs up, because to
  // close with something unread resets the connection, and the client might never see the answer.
  struct Client {
    enum class State { reading, answering, ending, over };
    FileHandle fd;
    State state = State::reading;
    std::string in, out;
    size_t sent = 0;
    bool keep_alive = true;
    int64_t until_ms = 0;
  };

  void loop();
  void accept_clients();
  void read(Client& c);
  void take_request(Client& c);
  void answer(Client& c, const Page& page, bool head);
  void write(Client& c);
  Page page(std::string_view target);

  FileHandle listener, wake;
  Handler handler;
  Limits limits;
  std::vector<Client> clients;
  std::atomic<bool> stopping{false};
  std::thread thread;
};

Page Server::Impl::page(std::string_view target) {
  const std::string path(target.substr(0, target.find('?')));
  try {
    return handler(path);
  } catch (const std::exception& e) {
    log::error("http_failed", {{"path", path.substr(0, 128)}, {"reason", e.what()}});
    return {500, "this page cannot be made now; the log says why\n"};
  }
}

void Server::Impl::loop() {
  std::vector<pollfd> polled;
  while (!stopping) {
    polled.assign({{wake.get(), POLLIN, 0}, {clients.size() < limits.most_connections ? listener.get() : -1, POLLIN, 0}});
    for (const Client& c : clients) polled.push_back({c.fd.get(), static_cast<short>(c.state == Client::State::answering ? POLLOUT : POLLIN), 0});
    if (::poll(polled.data(), polled.size(), clients.empty() ? -1 : 100) < 0 && errno != EINTR) return log::error("http_ended", {{"reason", reason(errno)}});
    if (stopping) return;
    const int64_t now = now_ms();
    for (size_t i = 0; i + 2 < polled.size(); ++i) {
      Client& c = clients[i];
      if (polled[i + 2].revents != 0) c.state == Client::State::answering ? write(c) : read(c);
      if (now > c.until_ms) c.state = Client::State::over;
    }
    std::erase_if(clients, [](const Client& c) { return c.state == Client::State::over; });
    if (polled[1].revents != 0) accept_clients();
  }
}

void Server::Impl::accept_clients() {
  while (clients.size() < limits.most_connections) {
    FileHandle fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) system_clock().sleep_ms(100);  // breathe, rather than spin
      return;
    }
    clients.emplace_back();
    clients.back().fd = std::move(fd);
    clients.back().until_ms = now_ms() + limits.patience_ms;
  }
}

void Server::Impl::read(Client& c) {
  char buffer[4096];
  const ssize_t n = ::recv(c.fd.get(), buffer, sizeof buffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    c.state = Client::State::over;
  } else if (c.state == Client::State::reading) {
    c.in.append(buffer, static_cast<size_t>(n));
    take_request(c);
  }
}

void Server::Impl::take_request(Client& c) {
  const size_t end = c.in.find("\r\n\r\n");
  if (end == std::string::npos && c.in.size() <= most_head) return;
  Head h;
  if (end == std::string::npos || end > most_head) h.status = 431, h.keep_alive = false;
  else h = parse_head(std::string_view(c.in).substr(0, end));
  c.keep_alive = h.keep_alive;
  const bool head = h.method == "HEAD";
  if (h.status != 0) answer(c, {h.status, "not a request that this server takes\n"}, false);
  else if (!head && h.method != "GET") answer(c, {405, "GET and HEAD only\n"}, false);
  else answer(c, page(h.target), head);
  c.in.erase(0, end == std::string::npos ? c.in.size() : end + 4);
  write(c);
}

void Server::Impl::answer(Client& c, const Page& p, bool head) {
  c.out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{}Connection: {}\r\n\r\n", p.status,
                      reason_phrase(p.status), http_date(), p.content_type, p.body.size(), p.status == 405 ? "Allow: GET, HEAD\r\n" : "", c.keep_alive ? "keep-alive" : "close");
  if (!head) c.out += p.body;
  c.sent = 0;
  c.state = Client::State::answering;
  c.until_ms = now_ms() + limits.patience_ms;
}

void Server::Impl::write(Client& c) {
  while (c.sent < c.out.size()) {
    const ssize_t n = ::send(c.fd.get(), c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      c.state = Client::State::over;
      return;
    }
    c.sent += static_cast<size_t>(n);
  }
  c.out = {};
  c.until_ms = now_ms() + limits.patience_ms;
  if (!c.keep_alive) {
    ::shutdown(c.fd.get(), SHUT_WR);
    c.in.clear();
    c.state = Client::State::ending;
    return;
  }
  c.state = Client::State::reading;
  if (!c.in.empty()) take_request(c);  // one that came behind the last; each takes at least four bytes of at most 12 KiB
}

Server::Server(const std::string& listen, const std::string& what, Handler handler) : Server(listen, what, std::move(handler), Limits()) {}

Server::Server(const std::string& listen, const std::string& what, Handler handler, Limits limits) : impl_(std::make_unique<Impl>()) {
  impl_->handler = std::move(handler);
  impl_->limits = limits;
  const auto endpoint = net::Endpoint::parse(listen, what);
  try {
    impl_->listener = net::listen_on(endpoint, {.backlog = 128});
  } catch (const Error& e) {
    throw e.in(what);
  }
  impl_->wake = FileHandle(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl_->wake) throw Error(Exit::io, fmt::format("{}: cannot make an eventfd: {}", what, reason(errno)));
}

Server::~Server() { stop(); }

std::string Server::address() const { return net::Endpoint::of_socket(impl_->listener.get()).text(); }

void Server::start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->loop(); });
}

void Server::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->stopping = true;
  const uint64_t one = 1;
  while (::write(impl_->wake.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  impl_->thread.join();
  impl_->clients.clear();
}

}  // namespace hh::http

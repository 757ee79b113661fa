#include "control/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "control/address.h"

namespace hh::control {
namespace {

constexpr size_t piece = 64 * 1024;

int64_t now_ms() { return system_clock().monotonic_ms(); }

std::string end_line(bool ok, int code, std::string_view why) {
  json::Json r = json::make_record("control");
  r["ok"] = ok;
  if (!ok) r["exit_code"] = code;
  if (!ok) r["reason"] = std::string(why);
  return json::to_line(r) + "\n";
}

// What an exception says may quote a hostile request: only ASCII goes back.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return text;
}

bool somebody_answers(const std::string& path) {
  const FileHandle probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const Address a = unix_address(path);
  return ::connect(probe.get(), a.pointer(), a.size) == 0 || errno == EAGAIN;  // EAGAIN: its queue is full
}

uint64_t inode_of(const std::string& path) {
  struct stat s {};
  return ::lstat(path.c_str(), &s) == 0 ? s.st_ino : 0;
}

}  // namespace

struct Server::Client {
  explicit Client(FileHandle f) : fd(std::move(f)), last_ms(now_ms()) {}
  FileHandle fd;
  std::string in, out;
  size_t sent = 0;
  bool answered = false, over = false;
  int64_t last_ms;
};

Server::Server(Limits limits) : limits_(limits) {}
Server::~Server() { stop(); }

// The name appears in one step (bind beside it, then rename): no client ever finds a socket there that nobody listens on.
void Server::start(const std::string& path, bool take_over) {
  const std::string fresh = fmt::format("{}.{}", path, ::getpid());
  struct stat s {};
  if (::lstat(path.c_str(), &s) == 0) {
    if (!S_ISSOCK(s.st_mode)) throw Error(Exit::cant_create, fmt::format("control socket {}: there is a file of that name that is no socket", path));
    if (!take_over && somebody_answers(path)) throw Error(Exit::temp_fail, fmt::format("control socket {} is in use: another daemon answers there", path));
  }
  const Address a = unix_address(fresh);
  listener_ = FileHandle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto fail = [&](const char* what) { throw Error(Exit::cant_create, fmt::format("control socket {}: cannot {}: {}", path, what, reason(errno))); };
  if (!listener_) fail("make a socket");
  ::unlink(fresh.c_str());
  // A socket's file gets the mode of its descriptor less the umask, so it is never open to others, not even for a moment.
  if (::fchmod(listener_.get(), 0600) != 0 || ::bind(listener_.get(), a.pointer(), a.size) != 0) fail("make it");
  if (::chmod(fresh.c_str(), 0600) != 0 || ::listen(listener_.get(), 64) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const int why = errno;
    ::unlink(fresh.c_str());
    errno = why;
    fail("make it");
  }
  path_ = path;
  inode_ = inode_of(path);
  wake_ = FileHandle(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) fail("make an eventfd");
  thread_ = std::thread([this] { loop(); });
}

void Server::stop() {
  stopping_ = true;
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  thread_.join();
  if (inode_of(path_) == inode_) ::unlink(path_.c_str());
  listener_ = FileHandle();
}

void Server::loop() {
  std::vector<pollfd> polled;
  while (!stopping_) {
    polled.assign({{wake_.get(), POLLIN, 0}, {clients_.size() < limits_.most_clients ? listener_.get() : -1, POLLIN, 0}});
    for (const auto& c : clients_) polled.push_back({c->fd.get(), static_cast<short>(c->answered ? POLLOUT : POLLIN), 0});
    if (::poll(polled.data(), polled.size(), clients_.empty() ? -1 : 500) < 0 && errno != EINTR) {
      log::error("control_failed", {{"reason", reason(errno)}});
      return;
    }
    if (stopping_) return;
    const int64_t now = now_ms();
    for (size_t i = 0; i + 2 < polled.size(); ++i) {
      Client& c = *clients_[i];
      if (polled[i + 2].revents != 0) c.answered ? write(c) : read(c);
      if (now - c.last_ms > limits_.patience_ms) c.over = true;
    }
    std::erase_if(clients_, [](const auto& c) { return c->over; });
    if (polled[1].revents != 0) accept_clients();
  }
}

void Server::accept_clients() {
  while (clients_.size() < limits_.most_clients) {
    FileHandle fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) system_clock().sleep_ms(100);  // breathe, rather than spin
      return;
    }
    clients_.push_back(std::make_unique<Client>(std::move(fd)));
  }
}

void Server::read(Client& c) {
  char buffer[4096];
  const ssize_t n = ::recv(c.fd.get(), buffer, sizeof buffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    c.over = true;
    return;
  }
  c.last_ms = now_ms();
  c.in.append(buffer, static_cast<size_t>(n));
  const size_t end = c.in.find('\n');
  if (end == std::string::npos && c.in.size() <= limits_.most_request) return;
  if (end == std::string::npos || end > limits_.most_request)
    c.out = end_line(false, static_cast<int>(Exit::usage), fmt::format("the request is longer than {} bytes", limits_.most_request));
  else
    run(c, std::string_view(c.in).substr(0, end));
  c.answered = true;
  c.last_ms = now_ms();
  write(c);
}

void Server::run(Client& c, std::string_view line) {
  try {
    const json::Json request = json::parse(line);
    const json::Fields fields(request);
    const std::string name = fields.text("command", 64);
    const auto at = commands_.find(name);
    if (at == commands_.end()) throw Error(Exit::usage, fmt::format("this daemon has no command \"{}\"", name));
    at->second(fields, c.out);
    if (c.out.size() > limits_.most_answer) throw Error(Exit::temp_fail, fmt::format("the answer is larger than {} bytes", limits_.most_answer));
    c.out += end_line(true, 0, "");
  } catch (const Error& e) {
    c.out = end_line(false, static_cast<int>(e.code()), printable(e.what()));
  } catch (const std::exception& e) {
    c.out = end_line(false, static_cast<int>(Exit::software), printable(e.what()));
  }
}

void Server::write(Client& c) {
  while (c.sent < c.out.size()) {
    const ssize_t n = ::send(c.fd.get(), c.out.data() + c.sent, std::min(piece, c.out.size() - c.sent), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) break;
    c.sent += static_cast<size_t>(n);
    c.last_ms = now_ms();
  }
  c.over = true;
}

}  // namespace hh::control

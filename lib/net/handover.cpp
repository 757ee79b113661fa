#include "net/handover.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace hh::net {
namespace {

constexpr size_t fds_in_a_message = 200;  // the kernel takes 253
constexpr size_t most_line = 4096;
constexpr size_t most_files = 1u << 20;
constexpr std::string_view ready_word = "ready", go_word = "go";

sockaddr_un address_of(const std::string& path) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  if (path.size() >= sizeof a.sun_path) throw Error(Exit::config, fmt::format("{}: the path of a socket may have {} bytes", path, sizeof a.sun_path - 1));
  std::memcpy(a.sun_path, path.data(), path.size());
  return a;
}

FileHandle make_socket() {
  FileHandle fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw Error(Exit::io, "cannot make a socket: " + reason(errno));
  return fd;
}

bool connect_to(int fd, const std::string& path) {
  const sockaddr_un a = address_of(path);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0;
}

void set_patience(int fd, int64_t ms) {
  const timeval t{ms / 1000, ms % 1000 * 1000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

// "" where it did not come whole and in time.
std::string read_line(int fd) {
  std::string line;
  for (char c; line.size() < most_line && ::recv(fd, &c, 1, 0) == 1; line += c)
    if (c == '\n') return line;
  return "";
}

bool write_line(int fd, std::string_view line) {
  const std::string text = std::string(line) + "\n";
  return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

bool send_fds(int fd, const int* fds, size_t count) {
  char byte = 'f';
  iovec part{&byte, 1};
  std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
  msghdr m{};
  m.msg_iov = &part;
  m.msg_iovlen = 1;
  m.msg_control = control.data();
  m.msg_controllen = control.size();
  cmsghdr* c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(c), fds, count * sizeof(int));
  return ::sendmsg(fd, &m, MSG_NOSIGNAL) == 1;
}

// False where nothing came in time or a descriptor did not fit into this process.
bool receive_fds(int fd, std::vector<FileHandle>& to) {
  char byte = 0;
  iovec part{&byte, 1};
  std::vector<char> control(CMSG_SPACE(fds_in_a_message * sizeof(int)));
  msghdr m{};
  m.msg_iov = &part;
  m.msg_iovlen = 1;
  m.msg_control = control.data();
  m.msg_controllen = control.size();
  if (::recvmsg(fd, &m, MSG_CMSG_CLOEXEC) != 1) return false;
  for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int one = -1;
      std::memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof one);
      to.emplace_back(one);
    }
  }
  return byte == 'f' && (m.msg_flags & MSG_CTRUNC) == 0;
}

bool send_state(int fd, const HandoverOffer::State& state) {
  const FileHandle memory(::memfd_create("handover", MFD_CLOEXEC));
  if (!memory) return false;
  write_all(memory.get(), state.bytes, "handover");
  std::vector<int> fds{memory.get()};
  fds.insert(fds.end(), state.fds.begin(), state.fds.end());
  if (!write_line(fd, fmt::format("yes {}", fds.size()))) return false;
  for (size_t at = 0; at < fds.size(); at += fds_in_a_message)
    if (!send_fds(fd, fds.data() + at, std::min(fds_in_a_message, fds.size() - at))) return false;
  return true;
}

// Its process id where it is of the same user, or root; 0: a stranger.
pid_t one_of_us(int fd) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || (who.uid != ::geteuid() && who.uid != 0)) return 0;
  return who.pid;
}

}  // namespace

HandoverOffer::HandoverOffer(Loop& loop, std::string path, int64_t patience_ms, Owner owner)
    : loop_(loop), path_(std::move(path)), patience_ms_(patience_ms), owner_(std::move(owner)), socket_(make_socket()) {
  if (connect_to(make_socket().get(), path_)) throw Error(Exit::temp_fail, path_ + ": another process listens there");
  ::unlink(path_.c_str());
  const sockaddr_un a = address_of(path_);
  const mode_t before = ::umask(0177);
  const bool bound = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0;
  const int why = errno;
  ::umask(before);
  if (!bound || ::listen(socket_.get(), 4) != 0) throw Error(Exit::cant_create, fmt::format("cannot listen at {}: {}", path_, reason(bound ? errno : why)));
  loop_.watch(socket_.get(), EPOLLIN, *this);
}

HandoverOffer::~HandoverOffer() {
  loop_.forget(socket_.get());
  if (!path_.empty()) ::unlink(path_.c_str());
}

void HandoverOffer::ready(uint32_t) {
  const auto fd = std::make_shared<FileHandle>(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const pid_t taker = *fd ? one_of_us(fd->get()) : 0;
  if (taker == 0) return;
  loop_.post([this, fd, taker] {
    try {
      serve(fd->get(), taker);
    } catch (const std::exception& e) {
      log::error("handover_failed", {{"reason", e.what()}});
    }
  });
}

// Whatever becomes of it, the owner is either at work or has given a state.
std::variant<HandoverOffer::State, std::string> HandoverOffer::stop_owner() {
  try {
    return owner_.stop();
  } catch (const std::exception& e) {
    owner_.resume();
    return std::string(e.what());
  }
}

void HandoverOffer::serve(int fd, pid_t taker) {
  set_patience(fd, std::min<int64_t>(patience_ms_, 1'000));
  const std::string greeting = read_line(fd);
  if (greeting.empty()) return;
  if (const std::string why = owner_.judge(greeting); !why.empty()) {
    log::warn("handover_declined", {{"reason", why}});
    write_line(fd, "no " + why);
    return;
  }
  const auto state = stop_owner();
  if (const auto* why = std::get_if<std::string>(&state)) {
    log::warn("handover_declined", {{"reason", *why}});
    write_line(fd, "no " + *why);
    return;
  }
  set_patience(fd, patience_ms_);
  bool taken = false;
  try {
    taken = send_state(fd, std::get<State>(state)) && read_line(fd) == ready_word && write_line(fd, go_word);
  } catch (const std::exception& e) {
    log::error("handover_failed", {{"reason", e.what()}});
  }
  if (taken) return owner_.gone(taker);
  log::error("handover_failed", {{"reason", "the other process did not become ready"}, {"hint", "this one goes on"}});
  owner_.resume();
}

Takeover::Takeover(const std::string& path, std::string_view greeting, int64_t patience_ms) : socket_(make_socket()) {
  set_patience(socket_.get(), patience_ms);
  if (!connect_to(socket_.get(), path)) throw Error(Exit::unavailable, fmt::format("nobody offers to be taken over at {}: {}", path, reason(errno)));
  const std::string answer = write_line(socket_.get(), greeting) ? read_line(socket_.get()) : "";
  if (answer.starts_with("no ")) throw Error(Exit::temp_fail, "the running process declines: " + answer.substr(3));
  size_t count = 0;
  if (answer.starts_with("yes ")) count = std::strtoul(answer.c_str() + 4, nullptr, 10);
  if (count == 0 || count > most_files) throw Error(Exit::temp_fail, fmt::format("the process at {} gave no answer in time", path));
  while (files_.size() < count)
    if (!receive_fds(socket_.get(), files_))
      throw Error(Exit::temp_fail, fmt::format("{} of {} descriptors came from {}: is the limit of open files (ulimit -n) large enough?", files_.size(), count, path));
  const FileHandle memory = std::move(files_.front());
  files_.erase(files_.begin());
  struct stat s {};
  ::fstat(memory.get(), &s);
  state_.resize(static_cast<size_t>(s.st_size));
  for (size_t done = 0; done < state_.size();) {
    const ssize_t n = ::pread(memory.get(), state_.data() + done, state_.size() - done, static_cast<off_t>(done));
    if (n <= 0) throw Error(Exit::io, "cannot read the state of the running process: " + reason(errno));
    done += static_cast<size_t>(n);
  }
}

void Takeover::ready() {
  if (!write_line(socket_.get(), ready_word) || read_line(socket_.get()) != go_word)
    throw Error(Exit::temp_fail, "the running process does not let go, and goes on: this one took too long, or was not understood");
}

}  // namespace hh::net

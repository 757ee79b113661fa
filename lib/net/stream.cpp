#include "net/stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace hh::net {
namespace {

using Time = std::chrono::steady_clock;

constexpr size_t most_pieces = 8;
constexpr size_t kept_capacity = 256;  // of a buffer that has become empty: an answer or two

void release_if_large(std::string& s) {
  if (s.empty() && s.capacity() > kept_capacity) std::string().swap(s);
}

}  // namespace

StreamHub::StreamHub(Loop& l) : loop(l) {
  loop.at_turn_end([this] { flush(); });
}

void StreamHub::serve_line() {
  while (!line_.empty() && spent_us_ < most_spent_us) {
    Stream* const s = line_.front();
    line_.pop_front();
    if (s != nullptr) s->take_turn();
  }
  spent_us_ = 0;
  if (!line_.empty()) loop.hurry();
}

void StreamHub::flush() {
  serve_line();
  for (size_t i = 0; i < dirty_.size(); ++i)  // flushing one may make another dirty
    if (Stream* s = dirty_[i]; s != nullptr) s->flush();
  dirty_.clear();
}

Stream::~Stream() {
  if (in_line_) std::replace(hub_.line_.begin(), hub_.line_.end(), this, static_cast<Stream*>(nullptr));
  if (dirty_) std::replace(hub_.dirty_.begin(), hub_.dirty_.end(), this, static_cast<Stream*>(nullptr));
  if (fd_ && wanted_ != 0) hub_.loop.forget(fd_.get());
}

void Stream::start() {
  wanted_ = EPOLLIN;
  hub_.loop.watch(fd_.get(), wanted_, *this);
  if (!out_.empty()) flush();
  if (!in_.empty() && is_open()) take({});
}

void Stream::want(uint32_t events) {
  if (in_line_) events = EPOLLERR | (events & EPOLLOUT);
  if (!fd_ || events == wanted_ || wanted_ == 0) return;
  wanted_ = events;
  hub_.loop.change(fd_.get(), events, *this);
}

void Stream::ready(uint32_t events) {
  if (!fd_) return;
  if (in_line_ && (events & (EPOLLHUP | EPOLLERR))) return close_now("the connection broke");
  if (events & EPOLLOUT) flush();
  if (!fd_ || in_line_ || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  if (filter_ && filter_->is_dear() && !hub_.may_spend()) return stand_in_line();
  read();
}

// Not watched for reading meanwhile: thousands who wait must not hide those who have something to say from epoll.
void Stream::stand_in_line() {
  in_line_ = true;
  hub_.line_.push_back(this);
  want(wanted_);
}

void Stream::take_turn() {
  in_line_ = false;
  if (!fd_ || wanted_ == 0) return;  // has ended, or moves to another process
  want(EPOLLIN | (blocked_ ? uint32_t{EPOLLOUT} : 0u));
  read();
}

void Stream::read() {
  const ssize_t n = ::recv(fd_.get(), hub_.buffer_.data(), hub_.buffer_.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return close_now(n == 0 ? "the peer closed it" : "the connection broke");
  if (closing_) return;  // what comes after we said goodbye
  const std::string_view bytes(hub_.buffer_.data(), static_cast<size_t>(n));
  if (filter_) return take_filtered(bytes);
  take(bytes);
  if (filter_ && !in_.empty()) take_filtered(std::exchange(in_, {}));
}

void Stream::take_filtered(std::string_view bytes) {
  std::string plain;
  const bool dear = filter_->is_dear();
  const auto began = dear ? Time::now() : Time::time_point();
  const char* const why = filter_->receive(bytes, plain, out_);
  if (dear) hub_.spent_us_ += std::chrono::duration_cast<std::chrono::microseconds>(Time::now() - began).count();
  if (!out_.empty()) flush_soon();
  if (!plain.empty()) take(plain);
  if (why == nullptr || !fd_) return;
  write({});  // an alert that says why
  close_now(why);
}

void Stream::take(std::string_view bytes) {
  if (in_.empty()) {
    const size_t used = on_bytes(bytes);
    if (fd_ && used < bytes.size()) in_.assign(bytes.substr(used));
  } else {
    in_.append(bytes);
    const size_t used = on_bytes(in_);
    in_.erase(0, used);
    release_if_large(in_);
  }
  if (out_.size() >= limits_.pause_reading && blocked_) want(EPOLLOUT);
}

void Stream::send(std::string_view bytes) {
  if (!is_open()) return;
  if (filter_) filter_->send({&bytes, 1}, out_);
  else out_.append(bytes);
  flush_soon();
}

void Stream::flush_soon() {
  if (dirty_) return;
  dirty_ = true;
  hub_.dirty_.push_back(this);
}

void Stream::send_now(std::span<const std::string_view> pieces) {
  if (!is_open()) return;
  if (!filter_) return write(pieces);
  filter_->send(pieces, out_);
  write({});
}

void Stream::flush() {
  dirty_ = false;
  if (fd_ && !out_.empty()) write({});
  if (fd_ && closing_ && out_.empty()) close_now(nullptr);
}

void Stream::write(std::span<const std::string_view> pieces) {
  std::array<iovec, most_pieces + 1> parts;
  size_t count = 0;
  const auto add = [&](std::string_view piece) { parts[count++] = {const_cast<char*>(piece.data()), piece.size()}; };
  if (!out_.empty()) add(out_);
  for (const std::string_view piece : pieces.first(std::min(pieces.size(), most_pieces))) add(piece);
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) return close_now("the connection broke");
  size_t sent = n < 0 ? 0 : static_cast<size_t>(n);
  if (sent >= out_.size()) {
    sent -= out_.size();
    out_.clear();
    for (const std::string_view piece : pieces) {
      const size_t skip = std::min(sent, piece.size());
      out_.append(piece.substr(skip));
      sent -= skip;
    }
  } else {
    out_.erase(0, sent);
    for (const std::string_view piece : pieces) out_.append(piece);
  }
  release_if_large(out_);
  blocked_ = !out_.empty();
  if (out_.size() > limits_.most_unsent) return close_now("it does not read what it is sent");
  const bool reads = !closing_ && out_.size() < limits_.pause_reading;
  want((reads ? uint32_t{EPOLLIN} : 0u) | (blocked_ ? uint32_t{EPOLLOUT} : 0u));
}

void Stream::close_when_sent() {
  if (!is_open()) return;
  if (filter_) filter_->end(out_);
  closing_ = true;
  flush_soon();
}

void Stream::close_now(const char* why) {
  if (!fd_) return;
  if (wanted_ != 0) hub_.loop.forget(fd_.get());
  ::shutdown(fd_.get(), SHUT_RDWR);
  fd_ = FileHandle();
  closing_ = true;
  on_closed(why);
}

void Stream::suspend() {
  if (!fd_ || wanted_ == 0) return;
  hub_.loop.forget(fd_.get());
  wanted_ = 0;
}

void Stream::resume() {
  if (fd_ && wanted_ == 0) start();
}

void Stream::inherit(std::string received, std::string not_sent) {
  in_ = std::move(received);
  out_ = std::move(not_sent);
}

}  // namespace hh::net

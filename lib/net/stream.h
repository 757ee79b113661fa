// A connected stream socket on a Loop: bytes in, bytes out, bounded in both directions, and small while it is silent.
//
// Small: every stream of a hub reads into the same buffer, and keeps only the beginning of a message whose end has not come. Few system
// calls: what a turn of the loop sends to a stream leaves in one piece at the turn's end; only send_now() goes at once, without a copy, which
// is for what is sent to everybody.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "net/loop.h"

namespace hh::net {

class Stream;

// What the streams of one loop share. Outlives them.
class StreamHub {
 public:
  explicit StreamHub(Loop& loop);  // registers its turn's end
  Loop& loop;

 private:
  friend class Stream;
  void flush();
  // Streams whose next bytes are dear to read (StreamFilter::is_dear) get a millisecond of each turn together; who comes later stands in line, and the
  // others are read meanwhile. Measured with bursts of 200 handshakes with RSA: the others' 99th percentile is 3 ms, and 63 without this.
  bool may_spend() const { return line_.empty() && spent_us_ < most_spent_us; }
  void serve_line();
  static constexpr int64_t most_spent_us = 1'000;
  int64_t spent_us_ = 0;
  std::deque<Stream*> line_;  // null: has gone
  // What of one stream is read in a turn: so much longer wait the others for each that sends as fast as it can. Two thirds less than with 64 KiB, measured;
  // and what is sent in earnest is smaller.
  std::array<char, 8 * 1024> buffer_;
  std::vector<Stream*> dirty_;
};

struct StreamLimits {
  size_t most_unsent = 256 * 1024;  // bytes that the peer does not read before it is dropped
  size_t pause_reading = 16 * 1024; // with so much unsent nothing more is read: who asks without reading answers waits
};

// What may stand between a stream and its socket, such as TLS (tls_filter.h): a stream without one pays a null pointer for it.
class StreamFilter {
 public:
  virtual ~StreamFilter() = default;
  // What came from the socket. Appends what it means to plain, and what is to be sent for it to out. Returns why the stream must end, else nullptr.
  virtual const char* receive(std::string_view bytes, std::string& plain, std::string& out) = 0;
  virtual void send(std::span<const std::string_view> pieces, std::string& out) = 0;
  virtual void end(std::string& out) = 0;
  // Whether what comes next may cost a thousand times what a line does, such as a handshake.
  virtual bool is_dear() const { return false; }
  // What its likeness in another process needs to go on; nullopt: a stream with this filter cannot move.
  virtual std::optional<std::string> state() const { return std::nullopt; }
};

class Stream : private Watcher {
 public:
  // fd: connected and non-blocking; nothing happens before start().
  Stream(StreamHub& hub, FileHandle fd, const StreamLimits& limits) : hub_(hub), fd_(std::move(fd)), limits_(limits) {}
  virtual ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void start();
  void send(std::string_view bytes);                          // copied; leaves at the end of the turn
  void send_now(std::span<const std::string_view> pieces);    // after what was sent before
  // No more is read; closes once everything has left.
  void close_when_sent();
  void close_now(const char* why);                            // on_closed() is called
  bool is_open() const { return static_cast<bool>(fd_) && !closing_; }
  size_t unsent() const { return out_.size(); }
  int fd() const { return fd_.get(); }

  // For a stream that moves to another process (handover.h): nothing happens between suspend() and resume(). Destroyed instead, it closes
  // its descriptor and leaves the connection to who else has it. What it has not dealt with yet goes to the other's before start().
  void suspend();
  void resume();
  const std::string& received() const { return in_; }
  const std::string& not_sent() const { return out_; }
  void inherit(std::string received, std::string not_sent);

  // From here on; also within on_bytes(), then what that leaves unused goes through the filter.
  void put_filter(std::unique_ptr<StreamFilter> filter) { filter_ = std::move(filter); }
  bool has_filter() const { return filter_ != nullptr; }
  std::optional<std::string> filter_state() const { return filter_ ? filter_->state() : std::nullopt; }
  bool filter_can_move() const { return !filter_ || filter_->state().has_value(); }

 protected:
  // Returns how many of the bytes were used; the rest comes again with what follows it. Not called with nothing.
  virtual size_t on_bytes(std::string_view bytes) = 0;
  // Once, when the socket is closed. why: nullptr where close_when_sent() had been called, else a reason for the log.
  virtual void on_closed(const char* why) = 0;

 private:
  friend class StreamHub;
  void ready(uint32_t events) final;
  void read();
  void stand_in_line();
  void take_turn();
  void take(std::string_view bytes);
  void take_filtered(std::string_view bytes);
  void flush_soon();
  void flush();
  // Sends what it can of the pieces after out_, and keeps the rest in out_.
  void write(std::span<const std::string_view> pieces);
  void want(uint32_t events);

  StreamHub& hub_;
  FileHandle fd_;
  const StreamLimits& limits_;
  std::unique_ptr<StreamFilter> filter_;
  std::string in_, out_;
  uint32_t wanted_ = 0;
  bool dirty_ = false, closing_ = false, blocked_ = false, in_line_ = false;
};

}  // namespace hh::net

// The run: connects the miners, lets them idle, drives them, waits for the last answers. One thread and one epoll.
#pragma once
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "blocks.h"
#include "hostile.h"
#include "miner.h"
#include "process.h"
#include "socket.h"

namespace hh::load {

// What one phase of the run took.
struct Phase {
  uint64_t us = 0, own_cpu_us = 0;
  Usage before, after;  // of the server
};

struct Results {
  Phase connect, idle, drive;
  Histogram connect_us, login_us;  // until the TCP connection stood; until the first job was there
  Histogram late_us;               // how much later than planned a submit went out: tells when this program was the bottleneck
  uint64_t honest = 0, logged_in = 0, refused_connects = 0, closed_at_login = 0, refused_logins = 0, slow_logins = 0;
  std::string login_reason;        // of one of them
  uint64_t disconnected = 0, unanswered = 0, unanswered_closed = 0, held_back = 0;
};

class Load {
 public:
  explicit Load(const Options& o);
  ~Load();
  // Each phase prints its record when it ends (report.h).
  void run();

 private:
  enum class State : uint8_t { closed, connecting, logging_in, ready };
  struct Connection {
    Connection(Shared& shared, uint64_t i) : index(i), miner(shared, i) {}
    const uint64_t index;
    Socket socket;
    Miner miner;
    State state = State::closed;
    bool watched_for_writing = false;
    uint64_t begun_us = 0;
    size_t place = 0;  // in ready_
  };
  class Timed;

  void connect_all();
  void idle();
  void drive();
  void drive_paced(uint64_t end_us);
  void drive_flat_out(uint64_t end_us);
  void drain();
  bool is_block_under_way() const;
  // Waits for the next events, not longer than until then, and deals with them. True where more are likely to wait already.
  bool turn(uint64_t until_us);
  void begin(uint64_t index);
  void on_event(Connection& c, uint32_t events);
  void established(Connection& c);
  void read(Connection& c);
  void became_ready(Connection& c);
  void lost(Connection& c);  // closed by the server
  void fail_login(Connection& c, uint64_t& cause);
  void send(Connection& c, std::string_view data);
  void watch(Connection& c, bool writing, bool is_new = false);
  bool submit(Connection& c);
  void submit_late(Connection& c);
  void fill(Connection& c);
  bool may_submit() const { return options_.most_submits == 0 || shared_.counts.submitted < options_.most_submits; }
  void progress(const char* what, uint64_t done, uint64_t of);

  const Options& options_;
  FileHandle epoll_;
  Shared shared_;
  Blocks blocks_;
  Hostile hostile_;
  Results results_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> ready_;
  std::mt19937_64 random_;
  std::string out_;
  uint64_t pending_logins_ = 0;
  uint64_t drawn_us_ = 0;
  bool filling_ = false;
};

}  // namespace hh::load

// One miner's connection as the pool sees it, whatever it speaks: work goes out, shares come in, no sockets. [C125]
//
// session_v1.h speaks Stratum V1, lines of JSON; session_v2.h speaks Stratum V2, binary frames. Both judge a share by the same rules (share_check.h), with the
// difficulty that its job was sent with (given_work.h), and record it in the same way (Pool::take_share).
#pragma once
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "given_work.h"
#include "miners.h"
#include "pool.h"

namespace hh::pool {

// Where a session's bytes go.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void send(std::string_view message) = 0;                        // leaves soon, with what else is sent in this turn
  virtual void send_now(std::span<const std::string_view> pieces) = 0;    // of one message, which goes to many; leaves at once
  virtual void close(const char* why) = 0;                                // after what was sent has left
  virtual void offended(Offence what) = 0;                                // it is closed for this
  virtual void mines() = 0;                                               // its first share was accepted
};

class Session : public Waiter {
 public:
  ~Session() override;
  enum class Protocol : uint8_t { v1 = 1, v2 = 2 };
  virtual Protocol protocol() const = 0;

  // The first message of what has arrived: its size, 0 where its end has not come. too_long: longer than any that is taken, whether or not its end has come.
  struct Cut {
    size_t size = 0;
    bool too_long = false;
  };
  virtual Cut cut(std::string_view arrived) const = 0;
  virtual void message(std::string_view whole) = 0;
  // What the connection's owner found, which closes it.
  virtual void message_too_long() = 0;
  virtual void too_many_messages() = 0;
  virtual void message_unfinished() = 0;
  void address_banned() { close("its address is banned"); }

  virtual void new_job(LiveJob& live) = 0;
  virtual void tick(int64_t now_ms) = 0;
  virtual void show_message(std::string_view text) = 0;
  virtual void reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds) = 0;
  virtual void config_changed() = 0;  // by a reload
  virtual void answer() {}            // at the end of a turn, where it asked for it (Pool::answer_at_turn_end)
  virtual bool works() const = 0;     // it gets jobs
  virtual void add_miners(std::set<std::string_view>& names) const = 0;  // that it works for
  virtual void save(StateWriter& to) const = 0;                          // for a handover (state.cpp)
  void disconnected() { outlet_ = nullptr; }
  const std::string& peer() const { return peer_; }

 protected:
  // range: of the door, outlives the session; null: the pool's own.
  Session(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range);
  const VardiffConfig& vardiff_limits() const { return range_ != nullptr ? range_->vardiff : pool_.config().vardiff; }
  GivenWork begin_work() const { return {vardiff_limits(), range_ != nullptr ? range_->start : pool_.config().start_difficulty, pool_.clock.monotonic_ms()}; }
  void send(std::string_view message);
  void close(const char* why);
  void close_for(Offence what, const char* why);
  void count_accepted();  // of what was stored

  Pool& pool_;
  Outlet* outlet_;
  const std::string peer_;
  const DifficultyRange* range_;
  bool closing_ = false, mines_ = false;
};

// Whom a share is for, on either protocol.
struct Worker {
  std::string user;  // as the miner says it
  Identity who;
  Statistics::Seat seat;
};

}  // namespace hh::pool

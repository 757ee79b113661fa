// Who may connect and how much they may say: bookkeeping by address, so that overload by some does not stop the others. [C113 X052 X053]
//
// The limits must be safe behind NAT, where a farm of thousands of machines has one address: what one of them does must not cost the others their
// work. So:
//   - Whom a limit concerns is the connection that is over it. A flood closes the connection that sends it.
//   - An address from which somebody mines is never banned: a connection that has had a share accepted stands for all of them. A share takes real work, which
//     an attacker has better uses for.
//   - What a wrong setting, a broken line or a hunted-for port also looks like (a refused login, silence, too many connections) closes or
//     turns away, and is no offence. Offences are what no miner's firmware does: lines that are not Stratum, lines without end, floods.
//   - Shares of honest machines come at the pace that vardiff sets, so a limit for lines is far above it (hh-pool.toml(5)).
//
// Lines are paced by connection and, so that a thousand connections may not send a thousand times as much at once, by address: an address may
// send what one connection may, and a sixtieth of that for each that it has. Over this, those of its connections are closed that have sent more
// than that sixtieth in a burst, which none does that mines. A line counts once for each KiB that it begins.
//
// An address with `offences` within ten minutes is banned for `ban_ms`, and for twice as long each further time, up to a day. A ban closes its
// connections and turns new ones away when they are accepted. An IPv6 address counts as its /64, which is what one customer has.
//
// Memory is bounded: of addresses without a connection the most_addresses that came last are remembered, for ten minutes; and most_bans
// bans, of which the one that would end first gives way. Time is the monotonic clock's, so a clock that is stepped frees and bans nobody.
// For the loop's thread only.
#pragma once
#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "net/address_range.h"
#include "pace.h"

namespace hh::pool {

struct GuardLimits {                     // 0: none
  uint64_t per_address = 2'500;          // connections
  uint64_t new_per_minute = 3'000;       // connections of an address
  uint64_t messages_per_minute = 12'000; // lines of a connection
  int64_t unfinished_line_ms = 30'000;   // from a line's first byte to its last
  uint64_t offences = 60;
  int64_t ban_ms = 600'000;
  std::vector<net::AddressRange> allow;  // neither limited nor banned
};

enum class Offence : uint8_t { malformed, line_too_long, flood, unfinished_line };
inline constexpr size_t offence_kinds = 4;
const char* name(Offence o);
std::optional<Offence> offence_from(std::string_view name);

enum class TurnedAway : uint8_t { banned, per_address, new_per_minute, connections };
inline constexpr size_t turned_away_kinds = 4;
const char* name(TurnedAway t);

struct Ban {
  net::AddressRange address;
  std::optional<Offence> reason;  // nullopt: an operator's
  int64_t until_ms = 0;           // as given and taken by Guard: unix
  uint32_t times = 1;             // how often in a row
};

struct GuardFigures {
  std::array<uint64_t, turned_away_kinds> turned_away{};
  std::array<uint64_t, offence_kinds> offences{};
  uint64_t bans_begun = 0, banned = 0, addresses = 0;
};

class Guard {
  struct Entry;

 public:
  static constexpr size_t most_addresses = 32'768, most_bans = 10'000;
  static constexpr int64_t window_ms = 600'000, longest_ban_ms = 86'400'000;

  Guard(GuardLimits limits, Clock& clock) : limits_(std::move(limits)), clock_(clock) {}
  void change(GuardLimits limits) { limits_ = std::move(limits); }
  const GuardLimits& limits() const { return limits_; }

  // A connection's hold on its address' entry. Outlives no Guard.
  class Pass {
   public:
    Pass() = default;  // of an address that is not limited
    Pass(Pass&& o) noexcept : guard_(o.guard_), entry_(std::exchange(o.entry_, nullptr)), lines_(o.lines_), mines_(o.mines_) {}
    Pass& operator=(Pass&& o) noexcept {
      if (this != &o) {
        leave();
        guard_ = o.guard_;
        entry_ = std::exchange(o.entry_, nullptr);
        lines_ = o.lines_;
        mines_ = o.mines_;
      }
      return *this;
    }
    ~Pass() { leave(); }

   private:
    friend class Guard;
    Pass(Guard* guard, Entry* entry) : guard_(guard), entry_(entry) {}
    void leave();
    Guard* guard_ = nullptr;
    Entry* entry_ = nullptr;
    Pace lines_;
    bool mines_ = false;
  };

  // A new connection; nullopt: close it at once, which has been counted and, now and then, logged.
  std::optional<Pass> admit(const net::Address& from);
  // One that another process had (a takeover): counted, never turned away.
  Pass readmit(const net::Address& from);
  void turned_away(TurnedAway why, const net::Address& from);  // by others: limits.connections
  // A line came. False: it is one of a flood.
  bool may_say(Pass& pass, size_t line_bytes, int64_t now_ms);
  void mines(Pass& pass);  // a share of it was accepted
  void offended(const Pass& pass, Offence what);
  bool is_banned(const Pass& pass) const;
  // Goes up with each ban: who has connections looks whether they are banned.
  uint64_t bans_begun() const { return figures_.bans_begun; }
  // Goes up with whatever saved() would tell anew.
  uint64_t changes() const { return changes_; }
  void tick();  // about once a second

  // For operators. address: as a ban names it, or any within (IPv6). Throws Error(config) for one that is allowed, Error(data) for more than one customer's
  // addresses, Error(no_input) where unban() finds no ban.
  Ban ban(const net::AddressRange& address, int64_t ms);
  void unban(const net::AddressRange& address);
  std::vector<Ban> bans() const;  // those in force, in the order of their addresses
  GuardFigures figures() const;

  // Over a restart (saved_bans.h): those in force, and those that ended less than a day ago.
  std::vector<Ban> saved() const;
  void restore(const Ban& ban);

 private:
  struct Entry {
    net::Address address;
    uint64_t connections = 0, mining = 0;
    Pace arrivals, lines, offences;
    int64_t idle_since_ms = 0;
    std::list<Entry*>::iterator idle;  // where it is in idle_, if connections == 0
  };
  struct Held {
    std::optional<Offence> reason;
    int64_t until_ms;  // monotonic
    uint32_t times;
  };
  using Bans = std::map<net::Address, Held>;  // a map: nobody can choose addresses that collide

  net::Address customer(const net::AddressRange& range) const;
  int64_t now() const { return clock_.monotonic_ms(); }
  bool is_free(const net::Address& a) const { return net::contains(limits_.allow, a); }
  bool is_banned(const net::Address& customer, int64_t now) const;
  Entry& entry_of(const net::Address& customer);
  Pass hold(Entry& e);
  void leave(Entry& e);
  void forget(Entry& e);
  void ban_for_offences(Entry& e, Offence last);
  void put(const net::Address& customer, Held ban);
  void make_room();
  Ban shown(const Bans::value_type& ban) const;

  GuardLimits limits_;
  Clock& clock_;
  std::map<net::Address, Entry> entries_;
  std::list<Entry*> idle_;  // longest first
  Bans bans_;
  GuardFigures figures_;
  int64_t next_tidy_ms_ = 0;
  uint64_t changes_ = 0;
  log::Bounded turned_away_log_{"turned_away", 20, 1}, bans_log_{"banned", 100, 1};
};

}  // namespace hh::pool

#include "guard.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hh::pool {
namespace {

constexpr int64_t minute_ms = 60'000, tidy_every_ms = 10'000;
constexpr int64_t remember_ms = 86'400'000;  // a ban that is over, so that the next is longer
constexpr uint64_t bytes_of_a_line = 1024;   // a longer one counts as several
constexpr uint64_t shares_of_address = 60;   // what each connection adds to its address' pace: this part of its own
constexpr unsigned v6_customer_bits = 64, all_bits = 128;
constexpr std::array<const char*, offence_kinds> offence_names{"malformed", "line_too_long", "flood", "unfinished_line"};
constexpr std::array<const char*, turned_away_kinds> turned_away_names{"banned", "per_address", "new_per_minute", "connections"};

unsigned customer_bits(const net::Address& a) { return a.is_v4() ? all_bits : v6_customer_bits; }
net::Address customer_of(const net::Address& a) { return a.first_bits(customer_bits(a)); }
net::AddressRange range_of(const net::Address& customer) { return {customer, customer_bits(customer)}; }

}  // namespace

const char* name(Offence o) { return offence_names[static_cast<size_t>(o)]; }
const char* name(TurnedAway t) { return turned_away_names[static_cast<size_t>(t)]; }

std::optional<Offence> offence_from(std::string_view text) {
  for (size_t i = 0; i < offence_kinds; ++i)
    if (text == offence_names[i]) return static_cast<Offence>(i);
  return std::nullopt;
}

// ---- connections

std::optional<Guard::Pass> Guard::admit(const net::Address& from) {
  if (is_free(from)) return Pass();
  const net::Address customer = customer_of(from);
  const int64_t time = now();
  const auto refuse = [&](TurnedAway why) {
    turned_away(why, from);
    return std::nullopt;
  };
  if (is_banned(customer, time)) return refuse(TurnedAway::banned);
  Entry& e = entry_of(customer);
  if (limits_.per_address != 0 && e.connections >= limits_.per_address) return refuse(TurnedAway::per_address);
  if (limits_.new_per_minute != 0 && !e.arrivals.take(time, limits_.new_per_minute, minute_ms)) return refuse(TurnedAway::new_per_minute);
  return hold(e);
}

Guard::Pass Guard::readmit(const net::Address& from) { return is_free(from) ? Pass() : hold(entry_of(customer_of(from))); }

void Guard::turned_away(TurnedAway why, const net::Address& from) {
  ++figures_.turned_away[static_cast<size_t>(why)];
  if (turned_away_log_.may_write(now())) log::warn("turned_away", {{"reason", name(why)}, {"address", from.text()}});
}

Guard::Pass Guard::hold(Entry& e) {
  if (e.connections++ == 0) idle_.erase(e.idle);
  return Pass(this, &e);
}

void Guard::Pass::leave() {
  if (entry_ == nullptr) return;
  if (mines_) --entry_->mining;
  guard_->leave(*std::exchange(entry_, nullptr));
}

void Guard::leave(Entry& e) {
  if (--e.connections != 0) return;
  e.idle_since_ms = now();
  e.idle = idle_.insert(idle_.end(), &e);
}

// An address without a connection is in idle_ from the beginning, so that one that is turned away is forgotten like any other.
Guard::Entry& Guard::entry_of(const net::Address& customer) {
  if (const auto at = entries_.find(customer); at != entries_.end()) return at->second;
  if (entries_.size() >= most_addresses && !idle_.empty()) forget(*idle_.front());
  Entry& e = entries_[customer];
  e.address = customer;
  e.idle_since_ms = now();
  e.idle = idle_.insert(idle_.end(), &e);
  return e;
}

void Guard::forget(Entry& e) {
  idle_.erase(e.idle);
  entries_.erase(net::Address(e.address));
}

// ---- lines

bool Guard::may_say(Pass& pass, size_t line_bytes, int64_t now_ms) {
  if (pass.entry_ == nullptr || limits_.messages_per_minute == 0) return true;
  Entry& e = *pass.entry_;
  const uint64_t most = limits_.messages_per_minute, part = std::max<uint64_t>(1, most / shares_of_address), count = 1 + line_bytes / bytes_of_a_line;
  const bool within_own = pass.lines_.take(now_ms, most, minute_ms, count);
  const bool within_address = e.lines.take(now_ms, most + part * e.connections, minute_ms, count);
  return within_own && (within_address || pass.lines_.level(now_ms, most, minute_ms) <= part);
}

void Guard::mines(Pass& pass) {
  if (pass.entry_ == nullptr || std::exchange(pass.mines_, true)) return;
  ++pass.entry_->mining;
}

void Guard::offended(const Pass& pass, Offence what) {
  ++figures_.offences[static_cast<size_t>(what)];
  if (pass.entry_ == nullptr || limits_.offences == 0 || limits_.ban_ms == 0) return;
  Entry& e = *pass.entry_;
  if (e.mining > (pass.mines_ ? 1u : 0u)) return;
  const int64_t time = now();
  e.offences.take(time, limits_.offences, window_ms);
  if (e.offences.level(time, limits_.offences, window_ms) >= limits_.offences && !is_banned(e.address, time)) ban_for_offences(e, what);
}

// ---- bans

bool Guard::is_banned(const net::Address& customer, int64_t time) const {
  const auto at = bans_.find(customer);
  return at != bans_.end() && time < at->second.until_ms;
}

bool Guard::is_banned(const Pass& pass) const { return pass.entry_ != nullptr && is_banned(pass.entry_->address, now()); }

void Guard::ban_for_offences(Entry& e, Offence last) {
  e.offences.clear();
  const auto before = bans_.find(e.address);
  const uint32_t times = before == bans_.end() ? 1 : before->second.times + 1;
  int64_t ms = limits_.ban_ms;
  for (uint32_t i = 1; i < times && ms < longest_ban_ms; ++i) ms = std::min(2 * ms, longest_ban_ms);
  put(e.address, {last, now() + ms, times});
  if (bans_log_.may_write(now())) log::warn("banned", {{"address", range_of(e.address).text()}, {"reason", name(last)}, {"seconds", ms / 1000}, {"times", times}});
}

void Guard::put(const net::Address& customer, Held ban) {
  if (bans_.size() >= most_bans && !bans_.contains(customer)) make_room();
  bans_.insert_or_assign(customer, ban);
  ++figures_.bans_begun;
  ++changes_;
}

// For another: the one that ends first, an operator's last.
void Guard::make_room() {
  const auto sooner = [](const Bans::value_type& a, const Bans::value_type& b) {
    return std::pair(!a.second.reason, a.second.until_ms) < std::pair(!b.second.reason, b.second.until_ms);
  };
  bans_.erase(std::min_element(bans_.begin(), bans_.end(), sooner));
}

void Guard::tick() {
  const int64_t time = now();
  while (!idle_.empty() && time - idle_.front()->idle_since_ms > window_ms) forget(*idle_.front());
  if (time < next_tidy_ms_) return;
  next_tidy_ms_ = time + tidy_every_ms;
  std::erase_if(bans_, [&](const auto& ban) { return time - ban.second.until_ms > remember_ms; });
}

net::Address Guard::customer(const net::AddressRange& range) const {
  if (range.bits() < customer_bits(range.first())) throw Error(Exit::data, fmt::format("{} is more than one customer's addresses: a firewall bans whole networks", range.text()));
  if (is_free(range.first())) throw Error(Exit::config, fmt::format("{} is never banned: the setting allow names it", range.text()));
  return customer_of(range.first());
}

Ban Guard::ban(const net::AddressRange& address, int64_t ms) {
  const net::Address who = customer(address);
  put(who, {std::nullopt, now() + ms, 1});
  const auto at = bans_.find(who);
  log::warn("banned", {{"address", range_of(who).text()}, {"reason", "operator"}, {"seconds", ms / 1000}});
  return shown(*at);
}

void Guard::unban(const net::AddressRange& address) {
  const net::Address who = customer_of(address.first());
  const bool was_banned = is_banned(who, now());
  changes_ += bans_.erase(who);
  if (const auto at = entries_.find(who); at != entries_.end()) at->second.offences.clear();
  if (!was_banned) throw Error(Exit::no_input, fmt::format("{} is not banned", range_of(who).text()));
  log::info("unbanned", {{"address", range_of(who).text()}});
}

Ban Guard::shown(const Bans::value_type& ban) const {
  return {range_of(ban.first), ban.second.reason, clock_.unix_ms() + ban.second.until_ms - now(), ban.second.times};
}

std::vector<Ban> Guard::bans() const {
  std::vector<Ban> all;
  for (const auto& ban : bans_)
    if (now() < ban.second.until_ms) all.push_back(shown(ban));
  return all;
}

std::vector<Ban> Guard::saved() const {
  std::vector<Ban> all;
  for (const auto& ban : bans_) all.push_back(shown(ban));
  return all;
}

void Guard::restore(const Ban& ban) {
  if (ban.address.bits() < customer_bits(ban.address.first()) || is_free(ban.address.first())) return;
  if (bans_.size() >= most_bans) make_room();
  int64_t left = ban.until_ms - clock_.unix_ms();
  if (ban.reason) left = std::min(left, std::max(longest_ban_ms, limits_.ban_ms));  // the clock was stepped back meanwhile
  bans_.insert_or_assign(customer_of(ban.address.first()), Held{ban.reason, now() + left, ban.times});
}

GuardFigures Guard::figures() const {
  GuardFigures f = figures_;
  f.banned = static_cast<uint64_t>(std::count_if(bans_.begin(), bans_.end(), [time = now()](const auto& ban) { return time < ban.second.until_ms; }));
  f.addresses = entries_.size();
  return f;
}

}  // namespace hh::pool

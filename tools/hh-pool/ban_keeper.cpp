#include "ban_keeper.h"

#include <utility>

#include "bans.h"
#include "base/error.h"
#include "base/log.h"

namespace hh::pool {
namespace {

constexpr int64_t longest_ban_s = 10 * 365 * 86'400;
constexpr size_t longest_address = 64;

net::AddressRange address_of(const json::Fields& request) {
  try {
    return net::AddressRange::parse(request.text("address", longest_address), "address");
  } catch (const Error& e) {
    throw Error(Exit::data, e.what());  // not a setting of the pool's
  }
}

}  // namespace

BanKeeper::BanKeeper(Guard& guard, const std::string& spool, const control::LoopCall& on_loop)
    : guard_(guard), path_(spool.empty() ? "" : bans_path(spool)), on_loop_(on_loop) {}

void BanKeeper::restore() {
  std::string why;
  if (!path_.empty() && !restore_bans(guard_, path_, why) && !why.empty()) log::warn("bans_not_restored", {{"reason", why}});
}

void BanKeeper::add_commands(control::Server& control) {
  control.on("bans", [this](const json::Fields&, std::string& answer) {
    for (const Ban& b : on_loop_([this] { return guard_.bans(); })) answer += ban_line(b);
  });
  control.on("ban", [this](const json::Fields& request, std::string& answer) {
    const auto address = address_of(request);
    const int64_t seconds = request.integer("seconds", 1, longest_ban_s);
    answer += ban_line(on_loop_([&] { return guard_.ban(address, seconds * 1000); }));
    keep_if_changed();
  });
  control.on("unban", [this](const json::Fields& request, std::string&) {
    const auto address = address_of(request);
    on_loop_([&] { return guard_.unban(address), true; });
    keep_if_changed();
  });
}

void BanKeeper::keep_if_changed() {
  if (path_.empty() || on_loop_([this] { return guard_.changes(); }) == kept_) return;
  write(on_loop_([this] { return look(); }));
}

void BanKeeper::keep() {
  if (!path_.empty() && guard_.changes() != kept_) write(look());
}

void BanKeeper::write(const Seen& seen) {
  std::lock_guard lock(writing_);
  if (seen.changes <= kept_) return;  // another thread looked later and wrote sooner
  try {
    keep_bans(seen.bans, path_);
    kept_ = seen.changes;
    failed_ = false;
  } catch (const Error& e) {
    if (!std::exchange(failed_, true)) log::warn("bans_not_kept", {{"reason", e.what()}});
  }
}

}  // namespace hh::pool

#include "service/rounds.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "commands.h"
#include "json/lines.h"
#include "writing.h"

namespace hh::ln {
namespace {

constexpr int64_t idle_round_ms = 30'000;      // a node that has nothing to pay is looked at so often
constexpr int64_t balances_every_ms = 10'000;
constexpr int64_t mark_every_ms = 1000;
constexpr const char *printed_key = "printed_event", *printed_onchain_key = "printed_onchain_event";

int64_t remembered_number(store::Database& db, const char* key) {
  const auto text = remembered(db, key);
  return text ? std::stoll(*text) : 0;
}

int64_t doubled(int64_t first, int64_t times, int64_t most) { return std::min(most, first << std::min<int64_t>(times, 20)); }

SettlePolicy policy_for(const Settings& settings, Desk& desk) {
  SettlePolicy p = policy_of(settings);
  p.wait_ms = 0;  // what is under way is followed by the rounds
  p.may_send = [&desk] { return desk.may_send(); };
  return p;
}

}  // namespace

Rounds::Rounds(const Settings& settings, Desk& desk)
    : settings_(settings), desk_(desk), retry_ms_(settings.integer("retry_seconds") * 1000), retry_most_ms_(settings.integer("retry_most_seconds") * 1000), policy_(policy_for(settings, desk)),
      make_(backend_maker(settings)), backend_(make_()), journal_(settings.required("db"), true, desk.clock(), "", journal_key(settings)),
      outbox_(settings.required("db"), true, desk.clock(), "", journal_key(settings)) {
  printed_ = marked_ = remembered_number(outbox_.database(), printed_key);
  printed_onchain_ = marked_onchain_ = remembered_number(outbox_.database(), printed_onchain_key);
}

Rounds::~Rounds() = default;

int64_t Rounds::now() const { return desk_.clock().monotonic_ms(); }

void Rounds::run() {
  while (!stop_requested()) {
    if (desk_.rang()) due_.clear(), next_round_ms_ = std::min(next_round_ms_, failures_ == 0 ? now() : next_round_ms_);
    if (now() >= next_round_ms_) try {
        print_paid();
        round();
        failures_ = 0;
      } catch (const Error& e) {
        if (e.code() != Exit::unavailable && e.code() != Exit::temp_fail && e.code() != Exit::config) throw;
        down(e);
      }
    unless_busy([this] { mark_printed(); });
    wait();
  }
  unless_busy([this] { print_paid(), mark_printed(); });
}

// Somebody reads in the journal for longer than its patience: what is put off here is done by the next round, or by the next run of the service.
void Rounds::unless_busy(const std::function<void()>& change) {
  try {
    change();
  } catch (const Error& e) {
    if (e.code() != Exit::temp_fail) throw;
    log::warn("journal_busy", {{"reason", e.what()}});
  }
}

std::vector<std::string> Rounds::due_now() {
  std::vector<std::string> out;
  for (std::string& id : unfinished(outbox_.database()))
    if (now() >= due_[id].at_ms) out.push_back(std::move(id));
  return out;
}

// As every run of hh-ln settle begins. Throws where nothing may be sent.
Identity Rounds::reconcile() {
  const Identity identity = backend_->identify();
  desk_.set_node([&](NodeView& v) { v.is_up = true, v.problem.clear(), v.identity = identity, v.seen_ms = desk_.clock().unix_ms(); });
  Reconciler reconciler(journal_, *backend_, identity);
  reconciler.require_same_node();
  reconciler.track_open();
  reconciler.compare_list(false);
  print_paid();
  ask_balances();
  reconciler.require_no_foreign();
  return identity;
}

void Rounds::make_hands(const Identity& identity) {
  if (hands_ && hands_node_ == identity.node) return;
  const std::lock_guard reading(desk_.settings);
  hands_ = std::make_unique<Hands>(settings_, make_, journal_, identity);
  hands_node_ = identity.node;
}

void Rounds::round() {
  const Identity identity = reconcile();
  if (!node_was_up_) {
    log::info("node_is_back", {{"node", identity.node}});
    node_was_up_ = true;
    due_.clear();
  }
  next_round_ms_ = now() + idle_round_ms;
  for (const std::string& id : due_now()) {
    if (stop_requested() || !desk_.may_send()) break;
    settle(id, identity);
  }
  for (const auto& [id, d] : due_)
    if (d.tries > 0) next_round_ms_ = std::min(next_round_ms_, std::max(d.at_ms, now()));
}

bool Rounds::refuse_other_chain(const std::string& id, const Identity& identity) {
  const auto lines = journal_.lines(id);
  if (lines.empty()) return true;
  const bool simulation = lines.front().simulated && !identity.simulated;
  if (lines.front().chain == identity.chain && !simulation) return false;
  const std::string why = simulation ? "the manifest is a simulation, and the wallet is not" : fmt::format("the manifest is for chain {}, but the wallet is on {}", lines.front().chain, identity.chain);
  for (const Line& line : lines) journal_.hold(id, line.line, why);
  log::error("manifest_refused", {{"manifest_id", id}, {"reason", why}});
  return true;
}

void Rounds::settle(const std::string& id, const Identity& identity) {
  if (refuse_other_chain(id, identity)) return;
  make_hands(identity);
  Settler settler(journal_, identity, hands_->all(), policy_, desk_.clock());
  const int code = settler.settle(id, [&](const payout::Settlement& s) {
    if (s.state == payout::SettlementState::paid) print_paid();
  });
  schedule(id, code);
}

// code: of Settler::settle.
void Rounds::schedule(const std::string& id, int code) {
  if (code == 0) {
    due_.erase(id);
    log::info("manifest_paid", {{"manifest_id", id}});
    return;
  }
  const auto open = journal_.open_attempts();
  const bool under_way = std::any_of(open.begin(), open.end(), [&](const Attempt& a) { return a.manifest_id == id; });
  Due& d = due_[id];
  const int64_t pause = under_way ? doubled(1000, d.tries, 30'000) : doubled(retry_ms_, d.tries, retry_most_ms_);
  d.at_ms = now() + pause;
  ++d.tries;
  log::info("manifest_waits", {{"manifest_id", id}, {"under_way", under_way}, {"next_try_ms", pause}});
}

// A macaroon without these two rights still pays.
void Rounds::ask_balances() {
  if (balances_refused_ || now() < next_balances_ms_) return;
  next_balances_ms_ = now() + balances_every_ms;
  try {
    const auto balances = backend_->balances();
    desk_.set_node([&](NodeView& v) { v.balances = balances, v.balances_ms = desk_.clock().unix_ms(); });
  } catch (const Error& e) {
    if (e.code() != Exit::unavailable && e.code() != Exit::config) throw;
    balances_refused_ = e.code() == Exit::config;
    log::warn("balances_unknown", {{"reason", e.what()}});
  }
}

// Each line that is PAID, once; after a crash perhaps once more, which readers do not mind: the mark follows within a second.
void Rounds::print_paid() {
  for (const PaidEvent& e : paid_after(outbox_.database(), printed_)) {
    const Line line = print(e.manifest_id, e.line);
    printed_ = e.event;
    desk_.counters.payment_seconds.observe_us(e.took_ms * 1000);
    log::info("paid", {{"manifest_id", e.manifest_id}, {"line", e.line}, {"payment_hash", line.attempt ? line.attempt->hash : ""}, {"amount_msat", line.pay.count()}, {"took_ms", e.took_ms}});
  }
  for (const ConfirmedEvent& e : confirmed_after(outbox_.database(), printed_onchain_)) {
    const Line line = print(e.manifest_id, e.line);
    printed_onchain_ = e.event;
    log::info("paid", {{"manifest_id", e.manifest_id}, {"line", e.line}, {"txid", line.onchain ? line.onchain->txid : ""}, {"amount_msat", line.pay.count()}});
  }
  if (now() - marked_ms_ >= mark_every_ms) mark_printed();
}

Line Rounds::print(const std::string& manifest_id, int64_t number) {
  Line line = outbox_.line(manifest_id, number);
  if (introduced_.insert(manifest_id).second) json::print(payout::to_record(payout::SignedManifest{manifest_id, outbox_.jws(manifest_id), line.simulated}));
  json::print(payout::to_record(settlement_of(line, backend_->name())));
  return line;
}

void Rounds::mark_printed() {
  marked_ms_ = now();
  if (printed_ != marked_) remember(outbox_.database(), printed_key, std::to_string(printed_));
  if (printed_onchain_ != marked_onchain_) remember(outbox_.database(), printed_onchain_key, std::to_string(printed_onchain_));
  marked_ = printed_, marked_onchain_ = printed_onchain_;
}

void Rounds::down(const Error& e) {
  const bool away = e.code() == Exit::unavailable;
  desk_.set_node([&](NodeView& v) { v.is_up = !away, v.problem = e.what(); });
  const int64_t pause = doubled(1000, failures_++, 60'000);
  next_round_ms_ = now() + pause;
  if (away) node_was_up_ = false;
  log::error(away ? "node_away" : "nothing_is_sent", {{"reason", e.what()}, {"next_try_ms", pause}});
}

// Until the next round or the bell, at most a second: then the flag for stopping is looked at.
void Rounds::wait() {
  pollfd bell{desk_.bell(), POLLIN, 0};
  const int64_t left = std::clamp<int64_t>(next_round_ms_ - now(), 0, 1000);
  if (stop_requested()) return;
  ::poll(&bell, 1, static_cast<int>(left));
  if (bell.revents != 0) desk_.quiet();
}

}  // namespace hh::ln

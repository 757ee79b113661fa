#include "settle/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"

namespace hh::ln {
namespace {

bool is_under_way(const Line& l) { return l.attempt && is_open(l.attempt->state); }
bool is_paid(const Line& l) { return line_state(l) == payout::SettlementState::paid; }

// What a line's routes may cost at most. What is stored keeps its limit; only a retry changes it.
Msat reservation(const Line& l, const SettlePolicy& p) {
  return l.attempt && l.attempt->state != State::failed_safe ? l.attempt->fee_limit : fee_limit(p, l.pay);
}

}  // namespace

// One manifest, one run. The mutex guards all of it but what is set before the workers start.
struct Settler::Run {
  std::string manifest_id;
  const Print& print;
  std::optional<int64_t> due_ms;
  std::string due_reason;
  std::mutex mutex;
  std::list<Line> waiting;               // for a batch
  std::list<Task> tasks;                 // to be handed out, of batches that are open
  std::map<int64_t, Batch> open;         // by id
  std::map<int64_t, int64_t> unfinished; // lines of each that are still to be worked in this run
  std::set<int64_t> printed;
};

Settler::Settler(Journal& journal, Identity identity, std::vector<Hand> hands, SettlePolicy policy, Clock& clock, Crew& crew)
    : journal_(journal), identity_(std::move(identity)), hands_(std::move(hands)), policy_(policy), clock_(clock), crew_(crew), shared_(policy_, journal, clock) {}

// Opens a batch of the lines that wait, as many as fit. False where there are none, or where none fits.
bool Settler::open_next_batch(Run& run) {
  std::vector<BatchLine> lines;
  Msat amount, reserved;
  const auto most = static_cast<size_t>(std::clamp<int64_t>(policy_.batch_lines, 1, most_batch_lines));
  std::vector<Line> taken;
  // A large line makes room for a small one before it, so the lines are looked at again until nothing more fits.
  for (bool more = true; more && lines.size() < most;) {
    more = false;
    for (auto l = run.waiting.begin(); l != run.waiting.end() && lines.size() < most;) {
      const Msat fee = reservation(*l, policy_);
      if (policy_.batch_fee_limit_ppm > 0 && reserved + fee > millionths(amount + l->pay, policy_.batch_fee_limit_ppm)) {
        ++l;
        continue;
      }
      lines.push_back({l->line, l->pay, fee});
      amount += l->pay, reserved += fee, more = policy_.batch_fee_limit_ppm > 0;
      taken.push_back(std::move(*l));
      l = run.waiting.erase(l);
    }
  }
  if (lines.empty()) return false;
  const Batch batch = journal_.open_batch(run.manifest_id, lines, policy_.batch_fee_limit_ppm > 0 ? std::optional(millionths(amount, policy_.batch_fee_limit_ppm)) : std::nullopt);
  for (size_t i = 0; i < taken.size(); ++i) run.tasks.push_back({std::move(taken[i]), batch.id, lines[i].fee_limit, run.due_ms, run.due_reason});
  run.tasks.sort([](const Task& a, const Task& b) { return a.line.line < b.line.line; });
  run.unfinished[batch.id] = static_cast<int64_t>(lines.size());
  run.open.emplace(batch.id, batch);
  return true;
}

std::optional<Task> Settler::next(Run& run) {
  const std::lock_guard lock(run.mutex);
  if (run.tasks.empty() && (shared_.node_gone || shared_.failed || stop_requested() || (policy_.may_send && !policy_.may_send()) || !open_next_batch(run))) return {};
  Task task = std::move(run.tasks.front());
  run.tasks.pop_front();
  return task;
}

void Settler::print_paid(Run& run, const Line& line) {
  if (is_paid(line) && run.printed.insert(line.line).second) run.print(settlement_of(line, hands_[0].backend.name()));
}

void Settler::done(Run& run, const Task& task) {
  const Line line = journal_.line(run.manifest_id, task.line.line);
  const std::lock_guard lock(run.mutex);
  print_paid(run, line);
  if (task.batch != 0 && --run.unfinished[task.batch] == 0 && journal_.close_batch(run.open.at(task.batch))) run.open.erase(task.batch);
}

void Settler::work(Run& run, size_t hand) {
  try {
    Worker worker(journal_, hands_[hand].backend, identity_, hands_[hand].resolver, policy_, clock_, shared_, hand);
    for (auto task = next(run); task; task = next(run)) {
      worker.advance(*task);
      done(run, *task);
    }
  } catch (...) {
    shared_.failed = true;  // the others end after what they are at
    throw;
  }
}

// Payments that hang are looked at for a while, less and less often.
void Settler::follow_open(Run& run) {
  Reconciler reconciler(journal_, hands_[0].backend, identity_);
  const int64_t end = clock_.monotonic_ms() + policy_.wait_ms;
  for (int64_t wait = 200; !shared_.node_gone && !stop_requested() && clock_.monotonic_ms() < end; wait = std::min<int64_t>(wait * 2, 5000)) {
    bool open = false;
    for (const Line& line : journal_.lines(run.manifest_id))
      if (line.attempt && line.attempt->state == State::inflight) {
        Attempt a = *line.attempt;
        reconciler.track(a);
        open |= a.state == State::inflight;
      }
    if (!open) return;
    pause(clock_, std::min(wait, std::max<int64_t>(end - clock_.monotonic_ms(), 0)));
  }
}

int Settler::finish(Run& run) {
  for (const auto& [id, batch] : run.open) journal_.close_batch(batch);
  bool open = false, failed = false;
  for (const Line& line : journal_.lines(run.manifest_id)) {
    print_paid(run, line);
    const auto state = line_state(line);
    const bool is_failed = state == payout::SettlementState::failed_safe || state == payout::SettlementState::held;
    if (state == payout::SettlementState::paid) continue;
    open |= !is_failed, failed |= is_failed;
    run.print(settlement_of(line, hands_[0].backend.name()));
  }
  return open ? static_cast<int>(Exit::temp_fail) : failed ? 1 : 0;
}

int Settler::settle(const std::string& manifest_id, const Print& print) {
  Run run{.manifest_id = manifest_id, .print = print, .due_ms = {}, .due_reason = {}, .mutex = {}, .waiting = {}, .tasks = {}, .open = {}, .unfinished = {}, .printed = {}};
  const Term term = journal_.term(manifest_id);
  if (term.expires_at) run.due_ms = *term.expires_at * 1000, run.due_reason = "the manifest has expired: have it signed again and release the line, or leave it to a later round";
  if (policy_.deadline_ms > 0 && (!run.due_ms || term.first_seen_ms + policy_.deadline_ms < *run.due_ms))
    run.due_ms = term.first_seen_ms + policy_.deadline_ms, run.due_reason = "the deadline of the manifest is past: release the line to have it paid all the same";

  std::map<int64_t, Task> batched;  // by line
  for (const Batch& batch : journal_.batches(manifest_id, true)) {
    for (const BatchLine& l : batch.lines) batched[l.line] = {.line = {}, .batch = batch.id, .fee_limit = l.fee_limit, .due_ms = run.due_ms, .due_reason = run.due_reason};
    run.open.emplace(batch.id, batch);
  }
  for (Line& line : journal_.lines(manifest_id)) {
    if (is_paid(line)) {
      print_paid(run, line);
      continue;
    }
    const auto of_batch = batched.find(line.line);
    if (of_batch != batched.end()) {
      ++run.unfinished[of_batch->second.batch];
      of_batch->second.line = std::move(line);
      run.tasks.push_back(std::move(of_batch->second));
    } else if (!line.held_reason && !is_under_way(line) && run.due_ms && clock_.unix_ms() >= *run.due_ms && line.released_ms < *run.due_ms) {
      journal_.hold(manifest_id, line.line, run.due_reason);
    } else if (line.held_reason) {
      if (is_under_way(line)) run.tasks.push_back({.line = std::move(line), .batch = 0, .fee_limit = {}, .due_ms = {}, .due_reason = {}});
    } else {
      run.waiting.push_back(std::move(line));
    }
  }
  std::vector<std::function<void()>> jobs;
  const size_t most = run.tasks.size() + run.waiting.size();
  for (size_t i = 0; i < std::min(hands_.size(), std::max<size_t>(most, 1)); ++i) jobs.emplace_back([this, &run, i] { work(run, i); });
  crew_.run(jobs);
  for (const Line& line : run.waiting)
    if (!shared_.node_gone && !stop_requested() && (!policy_.may_send || policy_.may_send()))
      journal_.set_note(line, fmt::format("a fee reservation of {} msat is above what a batch may cost (batch_fee_limit_ppm): it waits", reservation(line, policy_).count()));
  follow_open(run);
  return finish(run);
}

namespace {

void put_claim(const OnchainClaim& c, payout::Settlement& s) {
  s.backend = c.backend, s.txid = c.txid, s.vout = c.vout, s.address = c.address, s.confirmations = c.confirmations;
  s.payment_hash.clear();
  if (c.state == State::paid) s.fee = c.fee;
  s.reason = c.reason, s.time_ms = c.changed_ms;
}

}  // namespace

payout::SettlementState line_state(const Line& line) {
  if (line.attempt && (is_open(line.attempt->state) || line.attempt->state == State::paid)) return *payout::state_from_name(state_text(line.attempt->state));
  if (line.onchain) return *payout::state_from_name(state_text(line.onchain->state));
  if (line.held_reason) return payout::SettlementState::held;
  return line.attempt ? *payout::state_from_name(state_text(line.attempt->state)) : payout::SettlementState::planned;
}

payout::Settlement settlement_of(const Line& line, const std::string& backend) {
  payout::Settlement s;
  s.manifest_id = line.manifest_id, s.line = line.line, s.account = line.account;
  s.state = line_state(line);
  s.amount = line.pay;
  s.backend = backend;
  s.time_ms = line.changed_ms;
  s.reason = line.note;
  if (line.attempt) {
    const Attempt& a = *line.attempt;
    s.backend = a.backend, s.payment_hash = a.hash, s.attempt = a.number;
    s.preimage = a.preimage, s.fee = a.fee, s.time_ms = a.changed_ms;
    s.reason = a.state == State::paid || !a.reason.empty() ? a.reason : line.note;
  }
  if (line.onchain && (!line.attempt || line.attempt->state == State::failed_safe)) put_claim(*line.onchain, s);
  if (s.state == payout::SettlementState::held) s.reason = *line.held_reason, s.time_ms = line.changed_ms;
  s.simulated = line.simulated || s.backend == "sim";
  return s;
}

}  // namespace hh::ln

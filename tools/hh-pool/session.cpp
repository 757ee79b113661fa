#include "session.h"

#include <algorithm>

#include "base/log.h"

namespace hh::pool {

namespace v1 = stratum::v1;
using v1::Code;

namespace {

constexpr int most_bad_lines = 10;
constexpr size_t most_workers = 1000;
constexpr size_t most_user_name = 2 * records::max_name + 1;

}  // namespace

std::shared_ptr<Session> Session::make(Pool& pool, Outlet& outlet, std::string peer) {
  std::shared_ptr<Session> s(new Session(pool, outlet, std::move(peer)));
  s->self_ = s;
  return s;
}

Session::Session(Pool& pool, Outlet& outlet, std::string peer)
    : pool_(pool), outlet_(&outlet), peer_(std::move(peer)), extranonce1_(pool.next_extranonce1()),
      vardiff_(pool.config.vardiff, pool.config.start_difficulty, pool.clock.monotonic_ms()), since_ms_(pool.clock.monotonic_ms()), last_line_ms_(since_ms_) {
  pool_.add(*this);
}

Session::~Session() { pool_.remove(*this); }

void Session::send(std::string_view line) {
  if (outlet_ != nullptr && !closing_) outlet_->send(line);
}

void Session::close(const char* why) {
  if (outlet_ == nullptr || closing_) return;
  closing_ = true;
  outlet_->close(why);
}

void Session::refuse(const Id& id, Code code, std::string_view why) {
  ++pool_.counters.refused[static_cast<size_t>(static_cast<int>(code) - 20)];
  log::debug("refused", {{"peer", peer_}, {"code", static_cast<int>(code)}, {"reason", why}});
  send(v1::error_line(id, code, why));
}

void Session::line(std::string_view text) {
  if (closing_) return;
  last_line_ms_ = pool_.clock.monotonic_ms();
  const auto parsed = pool_.parser.request(text);
  if (const auto* failure = std::get_if<v1::ParseFailure>(&parsed.value)) return bad_line(*failure);
  std::visit([&](const auto& message) { handle(parsed.id, message); }, std::get<v1::Request>(parsed.value));
}

void Session::bad_line(const v1::ParseFailure& failure) {
  if (failure.reason.empty()) return;  // a response to something we did not ask
  refuse(failure.id, Code::other, failure.reason);
  if ((!failure.is_json && !subscribed_) || ++bad_lines_ >= most_bad_lines) close("it does not speak Stratum V1");
}

void Session::line_too_long() {
  refuse("null", Code::other, "the line is longer than 16384 bytes");
  close("its line is too long");
}

void Session::handle(const Id& id, const v1::Subscribe& m) {
  user_agent_ = std::string(m.user_agent.substr(0, 128));
  subscribed_ = true;
  send(v1::subscribe_result(id, extranonce1_, extranonce2_size));
  start_work();
}

void Session::handle(const Id& id, const v1::Configure& m) {
  std::optional<uint32_t> granted;
  if (m.version_rolling) {
    granted = m.version_mask & pool_.config.version_mask;
    if (static_cast<uint32_t>(__builtin_popcount(*granted)) < std::max<uint32_t>(m.min_bit_count, 1)) granted.reset();
    version_mask_ = granted;
  }
  if (m.minimum_difficulty && m.minimum) {
    vardiff_.set_least(*m.minimum);
    vardiff_.set(vardiff_.difficulty(), pool_.clock.monotonic_ms());
  }
  send(v1::configure_result(id, m, granted));
}

void Session::handle(const Id& id, const v1::Authorize& m) {
  if (m.user.size() > most_user_name) return refuse(id, Code::unauthorized, "the user name is too long");
  auto found = pool_.miners.identify(m.user);
  if (const auto* why = std::get_if<std::string>(&found)) {
    log::info("authorize_refused", {{"peer", peer_}, {"user", m.user}, {"reason", *why}});
    return refuse(id, Code::unauthorized, *why);
  }
  Identity& who = std::get<Identity>(found);
  if (!workers_.empty() && workers_.front().who.miner != who.miner) return refuse(id, Code::unauthorized, "this connection works for another miner: use one connection for each");
  if (workers_.size() >= most_workers) return refuse(id, Code::unauthorized, "too many workers on one connection");
  send(v1::true_line(id));
  if (find_worker(m.user) != nullptr) return;
  log::info("authorized", {{"peer", peer_}, {"miner", who.miner}, {"worker", who.worker}, {"agent", user_agent_}});
  workers_.push_back({std::string(m.user), std::move(who)});
  if (workers_.size() == 1) start_work();
}

void Session::handle(const Id& id, const v1::SuggestDifficulty& m) {
  vardiff_.set(m.difficulty, pool_.clock.monotonic_ms());
  send(v1::true_line(id));
}

void Session::handle(const Id& id, const v1::SuggestTarget& m) {
  vardiff_.set(bitcoin::difficulty_within(m.target), pool_.clock.monotonic_ms());
  send(v1::true_line(id));
}

// The extranonce of a connection never changes, so there is nothing to send later.
void Session::handle(const Id& id, const v1::ExtranonceSubscribe&) { send(v1::true_line(id)); }

void Session::handle(const Id& id, const v1::Unknown& m) {
  log::debug("unknown_method", {{"peer", peer_}, {"method", m.method.substr(0, 64)}});
  send(v1::error_line(id, Code::other, "unknown method"));
  if (++bad_lines_ >= 10 * most_bad_lines) close("it asks for what is not there");
}

void Session::handle(const Id& id, const v1::Submit& m) {
  if (!subscribed_) return refuse(id, Code::not_subscribed, "Not subscribed");
  const Worker* worker = find_worker(m.user);
  if (worker == nullptr) return refuse(id, Code::unauthorized, "Unauthorized worker");
  LiveJob* live = pool_.find(m.job);
  if (live == nullptr) return refuse(id, Code::job_not_found, pool_.why_not_found(m.job));
  const Assignment* assigned = assignment_of(live->job().number);
  if (assigned == nullptr) return refuse(id, Code::job_not_found, "Job not found");

  const CheckedShare checked = check_share(*live, worker->who.script, *assigned, extranonce1_, version_mask_, m);
  if (checked.refusal) return refuse(id, *checked.refusal, checked.reason);
  const Pool::Accepted accepted{*live, worker->who, *assigned, checked, extranonce1_};
  if (pool_.when_down == WhenDown::pause && !checked.is_block) return refuse(id, Code::other, "No current job: the pool's nodes are down");
  pool_.submit_if_block(accepted);
  if (!pool_.recorder.can_take()) return refuse(id, Code::other, "pool cannot store shares");
  vardiff_.count_share();
  pool_.record(accepted, {self_, id});
}

void Session::stored(const Id& id, bool ok) {
  if (ok) return send(v1::true_line(id));
  refuse(id, Code::other, "pool cannot store shares");
}

const Session::Worker* Session::find_worker(std::string_view user) const {
  for (const Worker& w : workers_)
    if (w.user == user) return &w;
  return nullptr;
}

const Assignment* Session::assignment_of(uint64_t job_number) const {
  for (auto at = given_.rbegin(); at != given_.rend(); ++at)
    if (at->first <= job_number && job_number <= at->last) return &at->assignment;
  return nullptr;
}

const Assignment& Session::assignment_for(const Job& job) {
  const bitcoin::Target& block = job.block_template->target;
  if (assignment_.work == 0 || assignment_.difficulty != std::min(vardiff_.difficulty(), job.most_difficulty) || assignment_for_ != block) {
    assignment_ = assign(vardiff_.difficulty(), job);
    assignment_for_ = block;
  }
  return assignment_;
}

void Session::start_work() {
  if (LiveJob* live = pool_.newest(); live != nullptr && assignment_of(live->job().number) == nullptr) new_job(*live);
}

void Session::new_job(LiveJob& live) {
  if (!subscribed_ || workers_.empty() || outlet_ == nullptr || closing_) return;
  const Job& job = live.job();
  if (job.new_tip) given_.clear();
  if (given_.size() >= pool_.config.most_jobs) given_.erase(given_.begin());
  // The difficulty goes out right before a job, so that it never changes in the middle of one.
  const Assignment& a = assignment_for(job);
  if (!given_.empty() && given_.back().last + 1 == job.number && given_.back().assignment == a)
    given_.back().last = job.number;
  else
    given_.push_back({job.number, job.number, a});
  std::string difficulty;
  if (sent_difficulty_ != a.difficulty) difficulty = v1::set_difficulty_line(a.difficulty);
  sent_difficulty_ = a.difficulty;
  outlet_->send_now(std::array<std::string_view, 4>{difficulty, job.notify.first, live.suffix_hex(workers_.front().who.script), job.notify.second});
}

void Session::tick(int64_t now_ms) {
  if (pool_.when_down == WhenDown::disconnect) return close("the pool's nodes are down");
  if (workers_.empty() && now_ms - since_ms_ > pool_.config.login_ms) return close("it did not authorize in time");
  if (now_ms - last_line_ms_ > pool_.config.idle_ms) return close("it was silent for too long");
  if (!workers_.empty() && vardiff_.adjust(now_ms))
    log::debug("difficulty", {{"peer", peer_}, {"miner", workers_.front().who.miner}, {"difficulty", vardiff_.difficulty().to_text()}});
}

}  // namespace hh::pool

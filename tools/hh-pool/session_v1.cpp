#include "session_v1.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/log.h"
#include "wishes.h"

namespace hh::pool {

namespace v1 = stratum::v1;
using v1::Code;

namespace {

constexpr int most_bad_lines = 10;
constexpr int most_refused_logins = 100;
constexpr size_t most_workers = 1000;
constexpr size_t most_user_name = 2 * records::max_name + 1;
constexpr int most_wishes = 20;                       // that are followed at once; later ones with the next job
constexpr size_t most_transactions = 64 * 1024;       // bytes of mining.get_transactions' answer
constexpr int64_t version_question = 1, ping_question = 2;  // ids of what the pool asks

bool is_notification(const stratum::v1::Id& id) { return id == "null"; }

}  // namespace

std::shared_ptr<SessionV1> SessionV1::make(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range) {
  std::shared_ptr<SessionV1> s(new SessionV1(pool, outlet, std::move(peer), pool.next_extranonce1(), range));
  s->self_ = s;
  return s;
}

SessionV1::SessionV1(Pool& pool, Outlet& outlet, std::string peer, const Extranonce1& extranonce1, const DifficultyRange* range)
    : Session(pool, outlet, std::move(peer), range), extranonce1_(extranonce1), work_(begin_work()), since_ms_(pool.clock.monotonic_ms()), last_line_ms_(since_ms_) {}

Session::Cut SessionV1::cut(std::string_view arrived) const {
  const size_t end = arrived.find('\n');
  if (end == std::string_view::npos) return {0, arrived.size() >= v1::max_line};
  const bool cr = end > 0 && arrived[end - 1] == '\r';
  return {end + 1, end - (cr ? 1 : 0) >= v1::max_line};
}

void SessionV1::message(std::string_view whole) {
  whole.remove_suffix(1);
  if (whole.ends_with('\r')) whole.remove_suffix(1);
  if (!whole.empty()) line(whole);
}

void SessionV1::refuse(const Id& id, Code code, std::string_view why) {
  ++pool_.counters.refused[static_cast<size_t>(static_cast<int>(code) - 20)];
  log::debug("refused", {{"peer", peer_}, {"code", static_cast<int>(code)}, {"reason", why}});
  send(v1::error_line(id, code, why));
}

void SessionV1::line(std::string_view text) {
  if (closing_) return;
  last_line_ms_ = pool_.clock.monotonic_ms();
  pinged_ = false;
  const auto parsed = pool_.parser.request(text);
  if (const auto* failure = std::get_if<v1::ParseFailure>(&parsed.value)) return bad_line(*failure);
  std::visit([&](const auto& message) { handle(parsed.id, message); }, std::get<v1::Request>(parsed.value));
}

void SessionV1::bad_line(const v1::ParseFailure& failure) {
  refuse(failure.id, Code::other, failure.reason);
  if ((!failure.is_json && !subscribed_) || ++bad_lines_ >= most_bad_lines) close_for(Offence::malformed, "it does not speak Stratum V1");
}

void SessionV1::message_too_long() {
  refuse("null", Code::other, "the line is longer than 16384 bytes");
  close_for(Offence::line_too_long, "its line is too long");
}

void SessionV1::too_many_messages() {
  refuse("null", Code::other, "too many lines in too short a time");
  close_for(Offence::flood, "it sends too many lines");
}

void SessionV1::message_unfinished() { close_for(Offence::unfinished_line, "it does not finish its line"); }

// A second subscription gives the same extranonce, and the work once more: the miner has forgotten it.
void SessionV1::handle(const Id& id, const v1::Subscribe& m) {
  if (!m.user_agent.empty()) user_agent_ = std::string(m.user_agent.substr(0, 128));
  const bool again = std::exchange(subscribed_, true);
  send(v1::subscribe_result(id, extranonce1_, extranonce2_size));
  if (again && !work_.empty()) {
    work_.forget_told();
    return send_again(true);
  }
  start_work();
}

void SessionV1::handle(const Id& id, const v1::Configure& m) {
  std::optional<uint32_t> granted;
  if (m.version_rolling) {
    granted = m.version_mask & pool_.version_mask();
    if (static_cast<uint32_t>(std::popcount(*granted)) < std::max<uint32_t>(m.min_bit_count, 1)) granted.reset();
    rollable_ = granted ? std::optional(m.version_mask) : std::nullopt;
    set_mask(granted);
  }
  if (m.minimum_difficulty && m.minimum) work_.vardiff.set_least(*m.minimum);
  send(v1::configure_result(id, m, granted));
  if (m.minimum_difficulty && m.minimum) wish_changed();
}

void SessionV1::handle(const Id& id, const v1::Authorize& m) {
  if (m.user.size() > most_user_name) return refuse(id, Code::unauthorized, "the user name is too long");
  auto found = pool_.miners.identify(m.user);
  if (const auto* why = std::get_if<std::string>(&found)) {
    if (pool_.login_refused_log.may_write(last_line_ms_)) log::info("authorize_refused", {{"peer", peer_}, {"user", m.user}, {"reason", *why}});
    refuse(id, Code::unauthorized, *why);
    if (workers_.empty() && ++refused_logins_ >= most_refused_logins) close("it logs in with names that are none");
    return;
  }
  Identity& who = std::get<Identity>(found);
  if (!workers_.empty() && workers_.front().who.miner != who.miner) return refuse(id, Code::unauthorized, "this connection works for another miner: use one connection for each");
  if (!workers_.empty() && workers_.front().who.script != who.script)
    return refuse(id, Code::unauthorized, "this worker is paid at another address than the first one here, by another coinbase: use one connection for each");
  if (workers_.size() >= most_workers) return refuse(id, Code::unauthorized, "too many workers on one connection");
  send(v1::true_line(id));
  if (const Worker* known = find_worker(m.user); known != nullptr) {
    if (known == &workers_.front()) take_wishes(m.password);
    return;
  }
  if (pool_.authorized_log.may_write(last_line_ms_)) log::info("authorized", {{"peer", peer_}, {"miner", who.miner}, {"worker", who.worker}, {"agent", user_agent_}});
  Statistics::Seat seat = pool_.statistics.sit(who.miner, who.worker);
  workers_.push_back({std::string(m.user), std::move(who), std::move(seat)});
  if (workers_.size() > 1) return;
  take_wishes(m.password);
  start_work();
}

// The password wins over what firmware suggests by itself.
void SessionV1::take_wishes(std::string_view password) {
  const Wishes w = wishes_of(password);
  if (w.least) work_.vardiff.set_least(*w.least);
  if (w.start) work_.vardiff.start_at(*w.start);
  if (w.fixed) work_.vardiff.fix_at(*w.fixed);
  if (w.least || w.start || w.fixed) wish_changed();
}

void SessionV1::wish_changed() {
  if (!work_.empty() && ++wishes_ <= most_wishes) send_again(false);
}

void SessionV1::handle(const Id& id, const v1::SuggestDifficulty& m) {
  if (!work_.vardiff.is_fixed()) work_.vardiff.start_at(m.difficulty);
  if (!is_notification(id)) send(v1::true_line(id));
  wish_changed();
}

void SessionV1::handle(const Id& id, const v1::SuggestTarget& m) { handle(id, v1::SuggestDifficulty{bitcoin::difficulty_within(m.target)}); }

// The extranonce of a connection never changes, so there is nothing to send later.
void SessionV1::handle(const Id& id, const v1::ExtranonceSubscribe&) {
  if (!is_notification(id)) send(v1::true_line(id));
}

void SessionV1::handle(const Id& id, const v1::Ping&) { send(v1::result_line(id, "\"pong\"")); }

void SessionV1::handle(const Id&, const v1::Reply& m) {
  if (m.id != version_question || m.text.empty() || !user_agent_.empty()) return;
  user_agent_ = std::string(m.text.substr(0, 128));
  log::info("version", {{"peer", peer_}, {"agent", user_agent_}});
}

// Real templates are megabytes: a miner that wants to check them asks a node. Small ones are given, once for each job.
void SessionV1::handle(const Id& id, const v1::GetTransactions& m) {
  const FoundJob found = m.job.empty() ? find_job(pool_.newest() != nullptr ? pool_.newest()->job().record.job : "") : find_job(m.job);
  if (found.assignment == nullptr) return refuse(id, Code::job_not_found, "Job not found");
  if (transactions_of_ == found.name.number) return refuse(id, Code::other, "the transactions of this job were sent before");
  std::string list = "[";
  for (const auto& t : found.live->job().block_template->transactions) {
    if (list.size() + t.data_hex.size() > most_transactions) return refuse(id, Code::other, "the job's transactions are too large for Stratum: ask a node");
    list.append(list.size() > 1 ? ",\"" : "\"").append(t.data_hex).append("\"");
  }
  transactions_of_ = found.name.number;
  send(v1::result_line(id, list + "]"));
}

void SessionV1::handle(const Id& id, const v1::Unknown& m) {
  log::debug("unknown_method", {{"peer", peer_}, {"method", m.method.substr(0, 64)}});
  if (!is_notification(id)) send(v1::error_line(id, Code::other, "unknown method"));
  if (++bad_lines_ >= 10 * most_bad_lines) close("it asks for what is not there");
}

void SessionV1::handle(const Id& id, const v1::Submit& m) {
  static const Statistics::Seat nobody;
  Judged judged;
  const auto refusal = judge(id, m, judged);
  if (!refusal) return;
  pool_.statistics.refused(judged.worker != nullptr ? judged.worker->seat : nobody, refusal->reason, static_cast<uint64_t>(judged.work));
  refuse(id, code_of(refusal->reason), refusal->text);
}

std::optional<Refusal> SessionV1::judge(const Id& id, const v1::Submit& m, Judged& judged) {
  const Assignment* newest = work_.newest_assignment();
  judged.work = newest == nullptr ? 0 : newest->work;
  if (!subscribed_) return Refusal{Refused::not_subscribed, "Not subscribed"};
  const Worker* worker = judged.worker = find_worker(m.user);
  if (worker == nullptr) return Refusal{Refused::unauthorized, "Unauthorized worker"};
  const FoundJob job = find_job(m.job);
  if (job.live == nullptr) return pool_.why_not_found(m.job);
  if (job.assignment == nullptr) return Refusal{Refused::job_not_found, "Job not found"};

  judged.work = job.assignment->work;
  SubmittedShare share;
  if (const auto malformed = share.set_extranonce2_hex(m.extranonce2)) return malformed;
  share.ntime = m.ntime;
  share.nonce = m.nonce;
  share.version_bits = m.version_bits;
  if (const auto why = pool_.take_share({*job.live, worker->who, *job.assignment, extranonce1_, worker->seat}, mask_for(job.name, m.version_bits), share, {self_, id})) return why;
  moved(work_.vardiff.count_share(job.assignment->difficulty, last_line_ms_));
  return std::nullopt;
}

void SessionV1::stored(const Id& id, bool ok) {
  if (ok) count_accepted();
  if (ok) return send(v1::true_line(id));
  refuse(id, Code::other, "pool cannot store shares");
}

const Worker* SessionV1::find_worker(std::string_view user) const {
  for (const Worker& w : workers_)
    if (w.user == user) return &w;
  return nullptr;
}

SessionV1::FoundJob SessionV1::find_job(std::string_view text) const {
  GivenName name;
  LiveJob* live = pool_.find(text);
  if (const auto split = live == nullptr ? split_name(text) : std::nullopt) {
    live = pool_.find(split->job);
    name.again = split->again;
  }
  if (live == nullptr) return {};
  name.number = live->job().number;
  return {live, name, work_.find(name)};
}

void SessionV1::start_work() {
  if (LiveJob* live = pool_.newest(); live != nullptr && work_.newest().number != live->job().number) new_job(*live);
  if (works() && user_agent_.empty() && !std::exchange(asked_version_, true)) send(v1::get_version_line(version_question));
}

void SessionV1::new_job(LiveJob& live) {
  const Job& job = live.job();
  if (!works() || work_.newest().number >= job.number) return;  // it may have logged in while others were being told
  const GivenWork::Given g = work_.give(job, pool_.oldest_number(), pool_.clock.monotonic_ms());
  std::string difficulty;
  if (g.difficulty_changed) difficulty = v1::set_difficulty_line(g.assignment.difficulty);
  outlet_->send_now(std::array<std::string_view, 4>{difficulty, job.notify.first, live.suffix_hex(workers_.front().who.script), job.notify.second});
}

void SessionV1::send_again(bool same_difficulty_too) {
  LiveJob* live = pool_.newest();
  if (!works() || live == nullptr) return;
  const records::Job& r = live->job().record;
  const auto g = work_.give_again(live->job(), pool_.clock.unix_ms() - r.time_ms, same_difficulty_too, pool_.clock.monotonic_ms());
  if (!g) return;
  std::string difficulty;
  if (g->difficulty_changed) difficulty = v1::set_difficulty_line(g->assignment.difficulty);
  log::debug("difficulty", {{"peer", peer_}, {"miner", workers_.front().who.miner}, {"difficulty", g->assignment.difficulty.to_text()}});
  const auto halves = v1::notify_halves(name_again(r.job, g->again), r.prev_hash, r.coinbase_prefix, r.merkle_branch, r.version, r.nbits, g->ntime, false);
  outlet_->send_now(std::array<std::string_view, 4>{difficulty, halves.first, live->suffix_hex(workers_.front().who.script), halves.second});
}

void SessionV1::moved(Vardiff::Move move) {
  if (move == Vardiff::Move::at_once) send_again(false);
}

// What was handed out under another mask may still be rolled within that one: the miner could not know.
void SessionV1::set_mask(std::optional<uint32_t> mask) {
  if (mask == version_mask_) return;
  former_mask_ = version_mask_;
  former_mask_until_ = work_.newest();
  version_mask_ = mask;
}

std::optional<uint32_t> SessionV1::mask_for(GivenName job, std::optional<uint32_t> bits) const {
  const bool former = bits && former_mask_ && job <= former_mask_until_ && (!version_mask_ || (*bits & ~*version_mask_) != 0);
  return former ? former_mask_ : version_mask_;
}

void SessionV1::config_changed() {
  if (work_.vardiff.limits_changed()) send_again(false);
  if (!rollable_ || !version_mask_) return;
  const uint32_t mask = *rollable_ & pool_.version_mask();
  if (mask == version_mask_) return;
  set_mask(mask);
  send(v1::set_version_mask_line(mask));
}

void SessionV1::show_message(std::string_view text) {
  if (works()) send(v1::show_message_line(text));
}

void SessionV1::reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds) {
  if (works()) send(v1::reconnect_line(host, port, wait_seconds));
}

void SessionV1::tick(int64_t now_ms) {
  if (pool_.when_down == WhenDown::disconnect) return close("the pool's nodes are down");
  if (workers_.empty() && now_ms - since_ms_ > pool_.config().login_ms) return close("it did not authorize in time");
  if (now_ms - last_line_ms_ > pool_.config().idle_ms) return close("it was silent for too long");
  if (!works()) return;
  // One that finds a share an hour is no dead connection: it is asked before its time is over.
  if (now_ms - last_line_ms_ > pool_.config().idle_ms / 2 && !std::exchange(pinged_, true)) send(v1::ping_line(ping_question));
  moved(work_.vardiff.adjust(now_ms));
}

}  // namespace hh::pool

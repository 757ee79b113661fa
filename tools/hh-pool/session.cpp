#include "session.h"

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

std::shared_ptr<Session> Session::make(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range) {
  std::shared_ptr<Session> s(new Session(pool, outlet, std::move(peer), pool.next_extranonce1(), range));
  s->self_ = s;
  return s;
}

Session::Session(Pool& pool, Outlet& outlet, std::string peer, const Extranonce1& extranonce1, const DifficultyRange* range)
    : pool_(pool), outlet_(&outlet), peer_(std::move(peer)), extranonce1_(extranonce1),
      vardiff_(range != nullptr ? range->vardiff : pool.config().vardiff, range != nullptr ? range->start : pool.config().start_difficulty, pool.clock.monotonic_ms()),
      since_ms_(pool.clock.monotonic_ms()), last_line_ms_(since_ms_) {
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
  pinged_ = false;
  const auto parsed = pool_.parser.request(text);
  if (const auto* failure = std::get_if<v1::ParseFailure>(&parsed.value)) return bad_line(*failure);
  std::visit([&](const auto& message) { handle(parsed.id, message); }, std::get<v1::Request>(parsed.value));
}

void Session::bad_line(const v1::ParseFailure& failure) {
  refuse(failure.id, Code::other, failure.reason);
  if ((!failure.is_json && !subscribed_) || ++bad_lines_ >= most_bad_lines) close_for(Offence::malformed, "it does not speak Stratum V1");
}

void Session::line_too_long() {
  refuse("null", Code::other, "the line is longer than 16384 bytes");
  close_for(Offence::line_too_long, "its line is too long");
}

void Session::too_many_lines() {
  refuse("null", Code::other, "too many lines in too short a time");
  close_for(Offence::flood, "it sends too many lines");
}

void Session::line_unfinished() { close_for(Offence::unfinished_line, "it does not finish its line"); }

void Session::close_for(Offence what, const char* why) {
  if (outlet_ == nullptr || closing_) return;
  outlet_->offended(what);
  close(why);
}

// A second subscription gives the same extranonce, and the work once more: the miner has forgotten it.
void Session::handle(const Id& id, const v1::Subscribe& m) {
  if (!m.user_agent.empty()) user_agent_ = std::string(m.user_agent.substr(0, 128));
  const bool again = std::exchange(subscribed_, true);
  send(v1::subscribe_result(id, extranonce1_, extranonce2_size));
  if (again && !given_.empty()) {
    sent_difficulty_.reset();
    return send_again(true);
  }
  start_work();
}

void Session::handle(const Id& id, const v1::Configure& m) {
  std::optional<uint32_t> granted;
  if (m.version_rolling) {
    granted = m.version_mask & pool_.version_mask();
    if (static_cast<uint32_t>(std::popcount(*granted)) < std::max<uint32_t>(m.min_bit_count, 1)) granted.reset();
    rollable_ = granted ? std::optional(m.version_mask) : std::nullopt;
    set_mask(granted);
  }
  if (m.minimum_difficulty && m.minimum) vardiff_.set_least(*m.minimum);
  send(v1::configure_result(id, m, granted));
  if (m.minimum_difficulty && m.minimum) wish_changed();
}

void Session::handle(const Id& id, const v1::Authorize& m) {
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
void Session::take_wishes(std::string_view password) {
  const Wishes w = wishes_of(password);
  if (w.least) vardiff_.set_least(*w.least);
  if (w.start) vardiff_.start_at(*w.start);
  if (w.fixed) vardiff_.fix_at(*w.fixed);
  if (w.least || w.start || w.fixed) wish_changed();
}

void Session::wish_changed() {
  if (!given_.empty() && ++wishes_ <= most_wishes) send_again(false);
}

void Session::handle(const Id& id, const v1::SuggestDifficulty& m) {
  if (!vardiff_.is_fixed()) vardiff_.start_at(m.difficulty);
  if (!is_notification(id)) send(v1::true_line(id));
  wish_changed();
}

void Session::handle(const Id& id, const v1::SuggestTarget& m) { handle(id, v1::SuggestDifficulty{bitcoin::difficulty_within(m.target)}); }

// The extranonce of a connection never changes, so there is nothing to send later.
void Session::handle(const Id& id, const v1::ExtranonceSubscribe&) {
  if (!is_notification(id)) send(v1::true_line(id));
}

void Session::handle(const Id& id, const v1::Ping&) { send(v1::result_line(id, "\"pong\"")); }

void Session::handle(const Id&, const v1::Reply& m) {
  if (m.id != version_question || m.text.empty() || !user_agent_.empty()) return;
  user_agent_ = std::string(m.text.substr(0, 128));
  log::info("version", {{"peer", peer_}, {"agent", user_agent_}});
}

// Real templates are megabytes: a miner that wants to check them asks a node. Small ones are given, once for each job.
void Session::handle(const Id& id, const v1::GetTransactions& m) {
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

void Session::handle(const Id& id, const v1::Unknown& m) {
  log::debug("unknown_method", {{"peer", peer_}, {"method", m.method.substr(0, 64)}});
  if (!is_notification(id)) send(v1::error_line(id, Code::other, "unknown method"));
  if (++bad_lines_ >= 10 * most_bad_lines) close("it asks for what is not there");
}

void Session::handle(const Id& id, const v1::Submit& m) {
  static const Statistics::Seat nobody;
  Judged judged;
  const auto refusal = judge(id, m, judged);
  if (!refusal) return;
  pool_.statistics.refused(judged.worker != nullptr ? judged.worker->seat : nobody, refusal->reason, static_cast<uint64_t>(judged.work));
  refuse(id, code_of(refusal->reason), refusal->text);
}

std::optional<Refusal> Session::judge(const Id& id, const v1::Submit& m, Judged& judged) {
  const Assignment* newest = given_.find(given_.newest());
  judged.work = newest == nullptr ? 0 : newest->work;
  if (!subscribed_) return Refusal{Refused::not_subscribed, "Not subscribed"};
  const Worker* worker = judged.worker = find_worker(m.user);
  if (worker == nullptr) return Refusal{Refused::unauthorized, "Unauthorized worker"};
  const FoundJob job = find_job(m.job);
  if (job.live == nullptr) return pool_.why_not_found(m.job);
  if (job.assignment == nullptr) return Refusal{Refused::job_not_found, "Job not found"};

  judged.work = job.assignment->work;
  LiveJob& live = *job.live;
  const CheckedShare checked = check_share(live, worker->who.script, *job.assignment, extranonce1_, mask_for(job.name, m.version_bits), m);
  if (checked.refusal) return checked.refusal;
  if (!checked.is_block && pool_.age_of(job.name.number) == Pool::Age::stale) return Refusal{Refused::stale, "Stale share: the job is of a tip that is over"};
  const Pool::Accepted accepted{live, worker->who, *job.assignment, checked, extranonce1_, worker->seat};
  if (pool_.when_down == WhenDown::pause && !checked.is_block) {
    live.forget(checked.hash);
    return Refusal{Refused::no_job, "No current job: the pool's nodes are down"};
  }
  pool_.submit_if_block(accepted);
  // A block is recorded as long as anything can be: it is one line, and its miner is paid by it.
  if (const Strain strain = pool_.recorder.strain(); strain == Strain::failed || (strain != Strain::none && !checked.is_block)) {
    live.forget(checked.hash);
    return Refusal{Refused::not_stored, refusal(strain)};
  }
  pool_.record(accepted, {self_, id});
  moved(vardiff_.count_share(job.assignment->difficulty, last_line_ms_));
  return std::nullopt;
}

void Session::stored(const Id& id, bool ok) {
  if (ok && outlet_ != nullptr && !std::exchange(mines_, true)) outlet_->mines();
  if (ok) return send(v1::true_line(id));
  refuse(id, Code::other, "pool cannot store shares");
}

const Session::Worker* Session::find_worker(std::string_view user) const {
  for (const Worker& w : workers_)
    if (w.user == user) return &w;
  return nullptr;
}

Session::FoundJob Session::find_job(std::string_view text) const {
  GivenName name;
  LiveJob* live = pool_.find(text);
  if (const auto split = live == nullptr ? split_name(text) : std::nullopt) {
    live = pool_.find(split->job);
    name.again = split->again;
  }
  if (live == nullptr) return {};
  name.number = live->job().number;
  return {live, name, given_.find(name)};
}

const Assignment& Session::assignment_for(const Job& job) {
  const bitcoin::Target& block = job.block_template->target;
  if (assignment_.work == 0 || assignment_.difficulty != std::min(vardiff_.wanted(), job.most_difficulty) || assignment_for_ != block) {
    assignment_ = assign(vardiff_.wanted(), job);
    assignment_for_ = block;
  }
  return assignment_;
}

void Session::start_work() {
  if (LiveJob* live = pool_.newest(); live != nullptr && given_.newest().number != live->job().number) new_job(*live);
  if (works() && user_agent_.empty() && !std::exchange(asked_version_, true)) send(v1::get_version_line(version_question));
}

void Session::new_job(LiveJob& live) {
  const Job& job = live.job();
  if (!works() || given_.newest().number >= job.number) return;  // it may have logged in while others were being told
  const Assignment& a = assignment_for(job);
  given_.forget_before(pool_.oldest_number());
  given_.add(job.number, a);
  vardiff_.in_force(a.difficulty, pool_.clock.monotonic_ms());
  std::string difficulty;
  if (sent_difficulty_ != a.difficulty) difficulty = v1::set_difficulty_line(a.difficulty);
  sent_difficulty_ = a.difficulty;
  last_ntime_ = job.record.ntime;
  outlet_->send_now(std::array<std::string_view, 4>{difficulty, job.notify.first, live.suffix_hex(workers_.front().who.script), job.notify.second});
}

// The newest job once more, where the difficulty has changed. Its time moves on, by a second at least: a miner begins anew with what it is given
// (ESP-Miner: at extranonce2 0), and with the same time it would find the same shares again.
void Session::send_again(bool same_difficulty_too) {
  LiveJob* live = pool_.newest();
  if (!works() || live == nullptr || given_.newest().number != live->job().number) return;
  const Job& job = live->job();
  const Assignment a = assignment_for(job);
  const bool same = sent_difficulty_ == a.difficulty;
  const int64_t age = std::clamp<int64_t>((pool_.clock.unix_ms() - job.record.time_ms) / 1000, 0, max_time_ahead / 2);
  const uint32_t ntime = std::max(last_ntime_ + 1, job.record.ntime + static_cast<uint32_t>(age));
  const bool silent = same && !same_difficulty_too;
  const uint16_t again = !silent && ntime <= job.most_time ? given_.add_again(a) : uint16_t{0};
  if (again == 0 && !same) return;  // with the next job, then
  vardiff_.in_force(a.difficulty, pool_.clock.monotonic_ms());
  if (again == 0) return;
  last_ntime_ = ntime;
  std::string difficulty;
  if (!same) difficulty = v1::set_difficulty_line(a.difficulty);
  sent_difficulty_ = a.difficulty;
  log::debug("difficulty", {{"peer", peer_}, {"miner", workers_.front().who.miner}, {"difficulty", a.difficulty.to_text()}});
  const records::Job& r = job.record;
  const auto halves = v1::notify_halves(name_again(r.job, again), r.prev_hash, r.coinbase_prefix, r.merkle_branch, r.version, r.nbits, ntime, false);
  outlet_->send_now(std::array<std::string_view, 4>{difficulty, halves.first, live->suffix_hex(workers_.front().who.script), halves.second});
}

void Session::moved(Vardiff::Move move) {
  if (move == Vardiff::Move::at_once) send_again(false);
}

// What was handed out under another mask may still be rolled within that one: the miner could not know.
void Session::set_mask(std::optional<uint32_t> mask) {
  if (mask == version_mask_) return;
  former_mask_ = version_mask_;
  former_mask_until_ = given_.newest();
  version_mask_ = mask;
}

std::optional<uint32_t> Session::mask_for(GivenName job, std::optional<uint32_t> bits) const {
  const bool former = bits && former_mask_ && job <= former_mask_until_ && (!version_mask_ || (*bits & ~*version_mask_) != 0);
  return former ? former_mask_ : version_mask_;
}

void Session::config_changed() {
  if (vardiff_.limits_changed()) send_again(false);
  if (!rollable_ || !version_mask_) return;
  const uint32_t mask = *rollable_ & pool_.version_mask();
  if (mask == version_mask_) return;
  set_mask(mask);
  send(v1::set_version_mask_line(mask));
}

void Session::show_message(std::string_view text) {
  if (works()) send(v1::show_message_line(text));
}

void Session::reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds) {
  if (works()) send(v1::reconnect_line(host, port, wait_seconds));
}

void Session::tick(int64_t now_ms) {
  if (pool_.when_down == WhenDown::disconnect) return close("the pool's nodes are down");
  if (workers_.empty() && now_ms - since_ms_ > pool_.config().login_ms) return close("it did not authorize in time");
  if (now_ms - last_line_ms_ > pool_.config().idle_ms) return close("it was silent for too long");
  if (!works()) return;
  // One that finds a share an hour is no dead connection: it is asked before its time is over.
  if (now_ms - last_line_ms_ > pool_.config().idle_ms / 2 && !std::exchange(pinged_, true)) send(v1::ping_line(ping_question));
  moved(vardiff_.adjust(now_ms));
}

}  // namespace hh::pool

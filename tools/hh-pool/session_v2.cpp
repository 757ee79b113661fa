#include "session_v2.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "bitcoin/merkle.h"
#include "stratum/v2_tlv.h"

namespace hh::pool {

namespace v2 = stratum::v2;

namespace {

constexpr size_t most_channels = 20'000;  // of one connection: a translator has one for each of its miners
constexpr size_t most_named_workers = 10'000;
constexpr int most_bad_frames = 10;
constexpr uint8_t mining_protocol = 0;
constexpr uint16_t protocol_version = 2;
// Flags of SetupConnection. [5.3.1]
constexpr uint32_t requires_standard_jobs = 1, requires_work_selection = 2;
constexpr uint32_t known_flags = 7;
constexpr uint32_t bip323_mask = 0x1fffffe0;

v2::U256 wire(const bitcoin::Hash256& h) { return h.bytes; }
v2::U256 wire(const bitcoin::Target& t) { return t.to_wire().bytes; }
bitcoin::Target target_from(const v2::U256& u) {
  bitcoin::Hash256 h;
  h.bytes = u;
  return bitcoin::Target::from_wire(h);
}

const char* error_code(const Refusal& r) {
  switch (r.reason) {
    case Refused::stale: return "stale-share";
    case Refused::job_not_found: return "invalid-job-id";
    case Refused::duplicate: return "duplicate-share";
    case Refused::low_difficulty: return "difficulty-too-low";
    case Refused::no_job: return "no-job";
    case Refused::not_stored: return "not-stored";
    case Refused::unauthorized: return "unknown-user";
    default: return "invalid-share";
  }
}

// What a device says that it can do, as a difficulty at which it sends shares_per_minute: rate · 60 / (n · 2^32), and a unit is 2^-32.
std::optional<bitcoin::Difficulty> difficulty_for(v2::F32 rate, int64_t shares_per_minute) {
  const uint64_t hashes = rate.hashes_per_second();
  if (hashes == 0 || shares_per_minute <= 0) return std::nullopt;
  const Uint128 units = Uint128{hashes} * 60 / static_cast<uint64_t>(shares_per_minute);
  return bitcoin::Difficulty(static_cast<uint64_t>(std::clamp<Uint128>(units, 1, bitcoin::max_share_difficulty().units()))).for_wire();
}

}  // namespace

std::shared_ptr<SessionV2> SessionV2::make(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range) {
  std::shared_ptr<SessionV2> s(new SessionV2(pool, outlet, std::move(peer), range));
  s->self_ = s;
  return s;
}

SessionV2::SessionV2(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range)
    : Session(pool, outlet, std::move(peer), range), since_ms_(pool.clock.monotonic_ms()), last_message_ms_(since_ms_) {}

template <class Message>
void SessionV2::say(const Message& m) {
  send(as_text(v2::to_frame(m)));
}

Session::Cut SessionV2::cut(std::string_view arrived) const {
  if (arrived.size() < v2::header_size) return {};
  const size_t size = v2::header_size + v2::read_header(as_bytes(arrived).first<v2::header_size>()).length;
  return {arrived.size() >= size ? size : 0, size > v2::header_size + most_payload};
}

void SessionV2::bad_frame(const char* why) {
  log::debug("refused", {{"peer", peer_}, {"reason", why}});
  if (!is_set_up_ || ++bad_frames_ >= most_bad_frames) close_for(Offence::malformed, "it does not speak Stratum V2");
}

void SessionV2::message(std::string_view whole) {
  if (closing_) return;
  last_message_ms_ = pool_.clock.monotonic_ms();
  const v2::FrameHeader h = v2::read_header(as_bytes(whole).first<v2::header_size>());
  const BytesView payload = as_bytes(whole).subspan(v2::header_size);
  const uint16_t extension = h.extension;
  const auto is = [&](const v2::MessageType& t) { return extension == t.extension && h.number == t.number; };
  try {
    if (is(v2::SetupConnection::type)) return handle(v2::decode<v2::SetupConnection>(payload).message);
    if (!is_set_up_) return bad_frame("it says something before SetupConnection");
    if (is(v2::SubmitSharesExtended::type)) {
      const auto [m, rest] = v2::decode<v2::SubmitSharesExtended>(payload);
      Submitted s{m.channel_id, m.sequence_number, m.job_id, worker_names_ ? v2::find_worker(rest) : std::nullopt, {}};
      s.share.ntime = m.ntime;
      s.share.nonce = m.nonce;
      s.share.version_bits = m.version;
      if (m.extranonce.size() != extranonce2_size) return refuse_share(m.channel_id, m.sequence_number, "bad-extranonce-size", Refused::malformed);
      std::copy(m.extranonce.view().begin(), m.extranonce.view().end(), s.share.extranonce2.begin());
      return submit(s);
    }
    if (is(v2::SubmitSharesStandard::type)) {
      const auto m = v2::decode<v2::SubmitSharesStandard>(payload).message;
      Submitted s{m.channel_id, m.sequence_number, m.job_id, std::nullopt, {}};
      s.share.ntime = m.ntime;
      s.share.nonce = m.nonce;
      s.share.version_bits = m.version;
      return submit(s);
    }
    if (is(v2::OpenExtendedMiningChannel::type)) return handle(v2::decode<v2::OpenExtendedMiningChannel>(payload).message);
    if (is(v2::OpenStandardMiningChannel::type)) return handle(v2::decode<v2::OpenStandardMiningChannel>(payload).message);
    if (is(v2::UpdateChannel::type)) return handle(v2::decode<v2::UpdateChannel>(payload).message);
    if (is(v2::CloseChannel::type)) return handle(v2::decode<v2::CloseChannel>(payload).message);
    if (is(v2::RequestExtensions::type)) return handle(v2::decode<v2::RequestExtensions>(payload).message);
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    return bad_frame(e.what());
  }
  bad_frame("a message that a pool is not sent");
}

void SessionV2::handle(const v2::SetupConnection& m) {
  if (is_set_up_) return bad_frame("it sets up the connection twice");
  const auto refuse = [&](uint32_t flags, const char* code) {
    say(v2::SetupConnectionError{flags, code});
    close("its connection cannot be set up");
  };
  if (m.protocol != mining_protocol) return refuse(0, "unsupported-protocol");
  if (m.min_version > protocol_version || m.max_version < protocol_version) return refuse(0, "protocol-version-mismatch");
  const uint32_t unsupported = m.flags & (requires_work_selection | ~known_flags);
  if (unsupported != 0) return refuse(unsupported, "unsupported-feature-flags");
  is_set_up_ = true;
  standard_jobs_ = (m.flags & requires_standard_jobs) != 0;
  vendor_ = m.vendor;
  firmware_ = m.firmware;
  say(v2::SetupConnectionSuccess{protocol_version, pool_.version_mask() == 0 ? 1u : 0u});  // REQUIRES_FIXED_VERSION
}

void SessionV2::handle(const v2::RequestExtensions& m) {
  v2::ListOfU16 known, unknown;
  for (const uint16_t e : m.requested_extensions.items) (e == v2::worker_extension ? known : unknown).items.push_back(e);
  if (known.items.empty()) return say(v2::RequestExtensionsError{m.request_id, unknown, {}});
  worker_names_ = true;
  say(v2::RequestExtensionsSuccess{m.request_id, known});
}

void SessionV2::handle(const v2::OpenStandardMiningChannel& m) { open(m, false); }

void SessionV2::handle(const v2::OpenExtendedMiningChannel& m) {
  if (standard_jobs_) return say(v2::OpenMiningChannelError{m.request_id, "standard-jobs-were-required"});
  if (m.min_extranonce_size > extranonce2_size) return say(v2::OpenMiningChannelError{m.request_id, "min-extranonce-size-too-large"});
  open(m, true);
}

template <class Open>
void SessionV2::open(const Open& m, bool extended) {
  const auto refuse = [&](const char* code, std::string_view why) {
    if (pool_.login_refused_log.may_write(last_message_ms_)) log::info("channel_refused", {{"peer", peer_}, {"user", m.user_identity}, {"reason", why}});
    ++pool_.counters.refused[static_cast<size_t>(static_cast<int>(stratum::v1::Code::unauthorized) - 20)];
    say(v2::OpenMiningChannelError{m.request_id, code});
  };
  auto found = pool_.miners.identify(m.user_identity);
  if (const auto* why = std::get_if<std::string>(&found)) {
    refuse("unknown-user", *why);
    if (channels_.empty() && ++bad_frames_ >= most_bad_frames) close("it opens channels for names that are none");
    return;
  }
  if (channels_.size() >= most_channels) return refuse("too-many-channels", "too many channels on one connection");
  const bitcoin::Target most = target_from(m.max_target);
  const bitcoin::Difficulty least = bitcoin::difficulty_within(most);
  const VardiffConfig& vardiff = vardiff_limits();
  if (bitcoin::target_of(vardiff.most) > most) return refuse("max-target-out-of-range", "its largest target is below that of difficulty.max");

  auto c = std::make_unique<Channel>(begin_work());
  c->id = next_id_++;
  c->extended = extended;
  c->extranonce1 = pool_.next_extranonce1();
  Identity& who = std::get<Identity>(found);
  c->group = group_for(who.script);
  if (const auto d = difficulty_for(m.nominal_hash_rate, vardiff.shares_per_minute)) c->work.vardiff.start_at(*d);
  c->work.vardiff.set_least(least);
  if (pool_.authorized_log.may_write(last_message_ms_))
    log::info("authorized", {{"peer", peer_}, {"miner", who.miner}, {"worker", who.worker}, {"channel", c->id}, {"agent", vendor_ + (firmware_.empty() ? "" : "/" + firmware_)}});
  Statistics::Seat seat = pool_.statistics.sit(who.miner, who.worker);
  c->worker = {m.user_identity, std::move(who), std::move(seat)};

  LiveJob* const live = pool_.newest();
  const v2::U256 target = wire(live != nullptr ? c->work.assignment_for(live->job()).target : bitcoin::target_of(c->work.vardiff.wanted()));
  if (live != nullptr) c->work.told(c->work.assignment_for(live->job()).difficulty);
  if constexpr (std::is_same_v<Open, v2::OpenExtendedMiningChannel>) {
    say(v2::OpenExtendedMiningChannelSuccess{m.request_id, c->id, target, extranonce2_size, v2::SmallBytes(c->extranonce1), c->group});
  } else {
    std::array<uint8_t, extranonce1_size + extranonce2_size> whole{};
    std::copy(c->extranonce1.begin(), c->extranonce1.end(), whole.begin());
    say(v2::OpenStandardMiningChannelSuccess{m.request_id, c->id, target, v2::SmallBytes(whole), c->group});
  }
  Channel& there = *channels_.emplace(c->id, std::move(c)).first->second;
  if (live != nullptr) give(there, *live);
}

// Group ids and channel ids are of one kind: a message's receiver.
uint32_t SessionV2::group_for(const Bytes& script) {
  const auto [at, is_new] = groups_.emplace(script, next_id_);
  if (is_new) ++next_id_;
  return at->second;
}

SessionV2::Channel* SessionV2::find(uint32_t id) {
  const auto at = channels_.find(id);
  return at == channels_.end() ? nullptr : at->second.get();
}

void SessionV2::handle(const v2::CloseChannel& m) {
  if (std::any_of(groups_.begin(), groups_.end(), [&](const auto& g) { return g.second == m.channel_id; })) std::erase_if(channels_, [&](const auto& c) { return c.second->group == m.channel_id; });
  else if (channels_.erase(m.channel_id) == 0) bad_frame("it closes a channel that it has not");
}

// The rate that a proxy guesses is news only as long as no share has said it better; the largest target is a wish that is always kept.
void SessionV2::handle(const v2::UpdateChannel& m) {
  Channel* const c = find(m.channel_id);
  if (c == nullptr) return say(v2::UpdateChannelError{m.channel_id, "invalid-channel-id"});
  const bitcoin::Target most = target_from(m.maximum_target);
  const VardiffConfig& vardiff = vardiff_limits();
  if (bitcoin::target_of(vardiff.most) > most) return say(v2::UpdateChannelError{m.channel_id, "max-target-out-of-range"});
  if (const auto d = difficulty_for(m.nominal_hash_rate, vardiff.shares_per_minute); d && !c->work.vardiff.has_share()) c->work.vardiff.start_at(*d);
  c->work.vardiff.set_least(bitcoin::difficulty_within(most));
  give_again(*c);
}

std::optional<uint32_t> SessionV2::version_mask() const {
  if (pool_.version_mask() == 0) return std::nullopt;
  return pool_.version_mask() | bip323_mask;
}

void SessionV2::refuse_share(uint32_t channel, uint32_t sequence, const char* code, Refused why) {
  ++pool_.counters.refused[static_cast<size_t>(static_cast<int>(code_of(why)) - 20)];
  log::debug("refused", {{"peer", peer_}, {"channel", channel}, {"reason", code}});
  say(v2::SubmitSharesError{channel, sequence, code});
}

void SessionV2::submit(const Submitted& s) {
  Channel* const c = find(s.channel_id);
  if (c == nullptr) return refuse_share(s.channel_id, s.sequence_number, "invalid-channel-id", Refused::unauthorized);
  const Worker* worker = &c->worker;
  int64_t work = 0;
  const auto refusal = judge(*c, s, worker, work);
  if (!refusal) return;
  pool_.statistics.refused(worker->seat, refusal->reason, static_cast<uint64_t>(work));
  refuse_share(s.channel_id, s.sequence_number, error_code(*refusal), refusal->reason);
}

std::optional<Refusal> SessionV2::judge(Channel& c, const Submitted& s, const Worker*& worker, int64_t& work) {
  if (const Assignment* newest = c.work.newest_assignment()) work = newest->work;
  if (s.worker) worker = named_worker(c, *s.worker);
  const auto number = static_cast<uint16_t>(s.job_id >> 16);
  LiveJob* const live = pool_.find_short(number);
  if (live == nullptr) return pool_.why_not_found_short(number);
  const Assignment* assignment = c.work.find({live->job().number, static_cast<uint16_t>(s.job_id)});
  if (assignment == nullptr) return Refusal{Refused::job_not_found, "Job not found"};
  work = assignment->work;
  if (!c.extended && s.share.extranonce2 != SubmittedShare{}.extranonce2) return Refusal{Refused::malformed, "a standard channel has no extranonce"};
  const bitcoin::Difficulty difficulty = assignment->difficulty;
  if (const auto why = pool_.take_share({*live, worker->who, *assignment, c.extranonce1, worker->seat}, version_mask(), s.share, {self_, fmt::format("{}/{}/{}", c.id, s.sequence_number, assignment->work)})) return why;
  if (c.work.vardiff.count_share(difficulty, last_message_ms_) == Vardiff::Move::at_once) give_again(c);
  return std::nullopt;
}

// The channel's miner is paid whatever the name; it is whose figures they are.
const Worker* SessionV2::named_worker(Channel& c, std::string_view name) {
  if (const auto at = c.named.find(name); at != c.named.end()) return &at->second;
  if (name.empty() || c.named.size() >= most_named_workers || !records::is_worker_name(name)) return &c.worker;
  Worker w{std::string(name), c.worker.who, pool_.statistics.sit(c.worker.who.miner, name)};
  w.who.worker = name;
  return &c.named.emplace(std::string(name), std::move(w)).first->second;
}

void SessionV2::stored(const stratum::v1::Id& id, bool ok) {
  uint32_t channel = 0, sequence = 0;
  int64_t work = 0;
  const char* at = id.data();
  const char* const end = at + id.size();
  at = std::from_chars(at, end, channel).ptr + 1;
  at = std::from_chars(at, end, sequence).ptr + 1;
  std::from_chars(at, end, work);
  if (!ok) return refuse_share(channel, sequence, "not-stored", Refused::not_stored);
  count_accepted();
  Channel* const c = find(channel);
  if (c == nullptr) return;  // it was closed meanwhile
  if (c->stored_count == 0) {
    if (to_answer_.empty()) pool_.answer_at_turn_end(*this);
    to_answer_.push_back(channel);
  }
  ++c->stored_count;
  c->stored_last = sequence;
  c->stored_sum += difficulty_shares(static_cast<uint64_t>(work));
}

void SessionV2::answer() {
  for (const uint32_t id : std::exchange(to_answer_, {})) {
    Channel* const c = find(id);
    if (c == nullptr) continue;
    say(v2::SubmitSharesSuccess{id, c->stored_last, std::exchange(c->stored_count, 0), std::exchange(c->stored_sum, 0)});
  }
}

// receiver: the channel, or its group.
void SessionV2::send_job(const Channel& c, LiveJob& live, uint32_t receiver, uint16_t again, uint32_t ntime, bool new_tip) {
  const records::Job& r = live.job().record;
  const uint32_t id = static_cast<uint32_t>(live.short_number()) << 16 | again;
  const std::optional<uint32_t> begins = new_tip ? std::nullopt : std::optional(ntime);
  Bytes frames;
  if (c.extended) {
    v2::NewExtendedMiningJob m{receiver, id, begins, r.version, version_mask().has_value(), {}, {live.job().coinbase.prefix}, {live.suffix(c.worker.who.script)}};
    m.merkle_path.items.reserve(r.merkle_branch.size());
    for (const bitcoin::Hash256& h : r.merkle_branch) m.merkle_path.items.push_back(wire(h));
    v2::append_frame(m, frames);
  } else {
    const bitcoin::Hash256 txid = live.coinbase_txid(c.extranonce1, SubmittedShare{}.extranonce2, c.worker.who.script);
    v2::append_frame(v2::NewMiningJob{receiver, id, begins, r.version, wire(bitcoin::root_from_branch(txid, r.merkle_branch))}, frames);
  }
  if (new_tip) v2::append_frame(v2::SetNewPrevHash{receiver, id, wire(r.prev_hash), ntime, r.nbits}, frames);
  const std::string_view piece = as_text(frames);
  if (outlet_ != nullptr && !closing_) outlet_->send_now({&piece, 1});
}

void SessionV2::give(Channel& c, LiveJob& live) {
  const Job& job = live.job();
  if (!c.work.empty() && c.work.newest().number >= job.number) return;
  const GivenWork::Given g = c.work.give(job, pool_.oldest_number(), pool_.clock.monotonic_ms());
  if (g.difficulty_changed) say(v2::SetTarget{c.id, wire(g.assignment.target)});
  const bool new_tip = std::exchange(c.tip, job.record.prev_hash) != job.record.prev_hash;
  send_job(c, live, c.id, 0, g.ntime, new_tip);
}

void SessionV2::give_again(Channel& c) {
  LiveJob* const live = pool_.newest();
  if (live == nullptr || !works()) return;
  const auto g = c.work.give_again(live->job(), pool_.clock.unix_ms() - live->job().record.time_ms, false, pool_.clock.monotonic_ms());
  if (!g) return;
  if (g->difficulty_changed) say(v2::SetTarget{c.id, wire(g->assignment.target)});
  log::debug("difficulty", {{"peer", peer_}, {"channel", c.id}, {"miner", c.worker.who.miner}, {"difficulty", g->assignment.difficulty.to_text()}});
  send_job(c, *live, c.id, g->again, g->ntime, false);
}

// Extended channels of one group get it once, all others one by one.
void SessionV2::new_job(LiveJob& live) {
  if (!works()) return;
  const Job& job = live.job();
  std::map<uint32_t, std::vector<Channel*>> groups;
  for (auto& [id, c] : channels_) {
    if (!c->work.empty() && c->work.newest().number >= job.number) continue;
    if (c->extended) groups[c->group].push_back(c.get());
    else give(*c, live);
  }
  for (const auto& [group, members] : groups) {
    if (members.size() == 1) {
      give(*members.front(), live);
      continue;
    }
    bool new_tip = false;
    uint32_t ntime = 0;
    for (Channel* c : members) {
      const GivenWork::Given g = c->work.give(job, pool_.oldest_number(), pool_.clock.monotonic_ms());
      if (g.difficulty_changed) say(v2::SetTarget{c->id, wire(g.assignment.target)});
      new_tip = std::exchange(c->tip, job.record.prev_hash) != job.record.prev_hash || new_tip;
      ntime = g.ntime;
    }
    send_job(*members.front(), live, group, 0, ntime, new_tip);
  }
}

void SessionV2::reconnect(std::string_view host, uint16_t port, uint32_t) {
  if (works()) say(v2::Reconnect{std::string(host), port});
}

void SessionV2::config_changed() {
  for (auto& [id, c] : channels_)
    if (c->work.vardiff.limits_changed()) give_again(*c);
}

void SessionV2::add_miners(std::set<std::string_view>& names) const {
  if (!works()) return;
  for (const auto& [id, c] : channels_) names.insert(c->worker.who.miner);
}

// Silence is no sign of a dead connection: V2 has no ping, and a proxy of small miners has little to say. TCP's keepalive finds who is gone.
void SessionV2::tick(int64_t now_ms) {
  if (pool_.when_down == WhenDown::disconnect) return close("the pool's nodes are down");
  if (channels_.empty() && now_ms - std::max(since_ms_, last_message_ms_) > (is_set_up_ ? pool_.config().idle_ms : pool_.config().login_ms)) return close("it opened no channel in time");
  for (auto& [id, c] : channels_)
    if (c->work.vardiff.adjust(now_ms) == Vardiff::Move::at_once) give_again(*c);
}

}  // namespace hh::pool

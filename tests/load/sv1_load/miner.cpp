#include "miner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "bitcoin/script.h"
#include "moment.h"

namespace hh::load {

namespace v1 = stratum::v1;

namespace {

constexpr int64_t id_subscribe = 1, id_configure = 2, id_authorize = 3, id_suggest = 4;

// The text that begins behind the nth quotation mark (from 1) after `from`, up to the next; empty where there is none. Enough for hex.
std::string_view quoted(std::string_view text, size_t from, int nth) {
  size_t at = from;
  for (int marks = 0; marks < 2 * nth - 1; ++marks) {
    at = text.find('"', at);
    if (at == std::string_view::npos) return {};
    ++at;
  }
  const size_t end = text.find('"', at);
  return end == std::string_view::npos ? std::string_view() : text.substr(at, end - at);
}

}  // namespace

std::string user_name(const Options& o, uint64_t i) {
  if (!o.user.empty()) return fmt::format("{}.w{}", o.user, i);
  const auto hash = bitcoin::sha256(as_bytes(fmt::format("miner {} of {}", o.miners == 0 ? i : i % o.miners, o.seed)));
  return fmt::format("{}.w{}", bitcoin::address_from_script(bitcoin::witness_script(0, hash.view().first(20)), o.chain).value_or(""), i);
}

uint64_t Miner::told_us() const { return shared_.blocks == nullptr ? 0 : shared_.blocks->told_us(); }

void Miner::put_login(std::string& out) {
  const Options& o = shared_.options;
  if (o.version_rolling) out += v1::configure_line(id_configure, 0x1fffe000);
  out += v1::subscribe_line(id_subscribe, "sv1_load");
  out += v1::authorize_line(id_authorize, user_name(o, index_), o.password);
  if (o.suggest) out += v1::suggest_difficulty_line(id_suggest, *o.suggest);
}

void Miner::line(std::string_view text, uint64_t at_us) {
  if (text.find("\"mining.notify\"") != std::string_view::npos && text.find("\"method\"") != std::string_view::npos) return notified(text, at_us);
  if (!quick_answer(text, at_us)) other_line(text, at_us);
}

// By far the most frequent line, {"id":N,"result":true,"error":null} in any order, without the parser's price.
bool Miner::quick_answer(std::string_view text, uint64_t at_us) {
  if (text.size() > 80 || text.find("\"result\":true") == std::string_view::npos) return false;
  const size_t at = text.find("\"id\":");
  if (at == std::string_view::npos) return false;
  uint64_t id = 0;
  if (std::from_chars(text.data() + at + 5, text.data() + text.size(), id).ec != std::errc{} || id <= id_suggest) return false;
  v1::Response accepted;
  accepted.ok = true;
  answered(id, accepted, at_us);
  return true;
}

void Miner::notified(std::string_view text, uint64_t at_us) {
  const size_t params = text.find("\"params\"");
  const std::string_view prev_hash = params == std::string_view::npos ? std::string_view() : quoted(text, params + 8, 2);
  if (prev_hash.size() != 64) {
    ++shared_.counts.unreadable;
    return;
  }
  const uint32_t tip = shared_.tips.number_of(prev_hash, told_us());
  if (has_job_ && tip != tip_) {
    shared_.tips.received(tip, at_us);
    if (index_ % 100 < shared_.options.late_percent) maker_before_ = std::move(maker_);
  }
  tip_ = tip;
  notify_ = text;
  job_difficulty_ = difficulty_;
  ++jobs_;
  has_job_ = true;
  maker_.reset();
}

void Miner::other_line(std::string_view text, uint64_t at_us) {
  const auto parsed = shared_.parser.server_message(text);
  const auto* message = std::get_if<v1::ServerMessage>(&parsed.value);
  if (message == nullptr) {
    // Some pools send difficulties below 2^-32, which a Difficulty cannot hold: every hash is a share.
    if (text.find("\"mining.set_difficulty\"") != std::string_view::npos)
      difficulty_ = bitcoin::Difficulty(1);
    else
      ++shared_.counts.unreadable;
    return;
  }
  if (const auto* m = std::get_if<v1::SetDifficulty>(message)) difficulty_ = m->difficulty;
  if (const auto* m = std::get_if<v1::SetVersionMask>(message); m != nullptr && version_mask_) version_mask_ = m->mask;
  if (const auto* m = std::get_if<v1::SetExtranonce>(message)) {
    if (has_job_) make_ready();  // the job at hand keeps the old one
    extranonce1_ = m->extranonce1, extranonce2_size_ = m->extranonce2_size;
  }
  if (const auto* r = std::get_if<v1::Response>(message)) {
    if (r->id && *r->id > id_suggest) return answered(static_cast<uint64_t>(*r->id), *r, at_us);
    if (!r->id) ++shared_.counts.unexpected;
    if (r->id == id_subscribe && r->subscribed) extranonce1_ = r->subscribed->extranonce1, extranonce2_size_ = r->subscribed->extranonce2_size, subscribed_ = true;
    if (r->id == id_authorize && r->ok) authorized_ = true;
    if ((r->id == id_authorize || r->id == id_subscribe) && !r->ok) login_refused_ = r->error_text.empty() ? "refused" : r->error_text;
    if (r->id == id_configure) version_mask_ = r->version_mask;
  }
}

std::optional<Miner::Outstanding> Miner::take(uint64_t id) {
  for (auto at = outstanding_.begin(); at != outstanding_.end(); ++at) {
    if (at->id != id) continue;
    const Outstanding found = *at;
    outstanding_.erase(at);
    return found;
  }
  return std::nullopt;
}

void Miner::answered(uint64_t id, const v1::Response& r, uint64_t at_us) {
  const auto submit = take(id);
  Counts& c = shared_.counts;
  if (!submit) {
    ++c.unexpected;
    return;
  }
  c.latency_us.add(at_us - std::min(at_us, submit->sent_us));
  if (r.ok) {
    ++c.accepted;
    c.late_accepted += submit->late;
    return;
  }
  ++c.refused;
  const auto sent = submit->late ? Counts::Sent::late : shared_.tips.is_newest(submit->tip, told_us()) ? Counts::Sent::after_notify : Counts::Sent::before_notify;
  ++c.refusals[{sent, r.error_code, std::string(r.error_text.substr(0, 100))}];
}

bool Miner::make_ready() {
  if (maker_) return true;
  const auto parsed = shared_.parser.server_message(notify_);
  const auto* message = std::get_if<v1::ServerMessage>(&parsed.value);
  const auto* job = message == nullptr ? nullptr : std::get_if<v1::Notify>(message);
  if (job == nullptr) {
    ++shared_.counts.unreadable;
    return false;
  }
  const std::string user = user_name(shared_.options, index_);
  maker_ = std::make_unique<ShareMaker>(*job, ShareMaker::Miner{extranonce1_, extranonce2_size_, user, bitcoin::target_of(job_difficulty_), version_mask_}, jobs_);
  return true;
}

bool Miner::put_share(std::string& out, ShareMaker& maker, bool late) {
  if (!maker.put_submit(out, next_id_)) {
    ++shared_.counts.low_hash;
    return false;
  }
  outstanding_.push_back({next_id_++, now_us(), tip_, late});  // now that the share is found
  ++shared_.counts.submitted;
  return true;
}

bool Miner::put_submit(std::string& out) { return make_ready() && put_share(out, *maker_, false); }

bool Miner::put_late_submit(std::string& out) {
  const auto maker = std::exchange(maker_before_, nullptr);
  return maker && put_share(out, *maker, true);
}

}  // namespace hh::load

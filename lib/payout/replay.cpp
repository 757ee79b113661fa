#include "payout/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "bitcoin/target.h"
#include "json/fields.h"
#include "records/block.h"
#include "records/share_proof.h"

namespace hh::payout {
namespace {

using bitcoin::Uint128;
using records::Work;

[[noreturn]] void refuse(const std::string& why) { throw Error(Exit::data, why); }

template <class T>
void require_equal(std::string_view what, const T& record, const T& replayed) {
  if (record != replayed) refuse(fmt::format("{} is {} in the round record, the shares give {}", what, record, replayed));
}

}  // namespace

struct Replay::Cut {
  records::Cut range;
  uint64_t next_seq;                    // expected
  std::vector<crypto::Digest> waiting;  // leaves that came before the cut's turn
  // For pplns: the oldest share of a window is the first share of the source that holds the earliest time. (The ledger merges the sources backwards in
  // time, taking the head with the latest time; a source's first share is therefore taken when its earliest time is the latest left.)
  int64_t earliest_ms = INT64_MAX;
  std::string first_miner;
  Work first_work;
  bool has_older = false;  // the input has shares of this source before the cut

  bool is_complete() const { return next_seq > range.last_seq; }
};

struct Replay::Jobs {
  std::unordered_map<std::string, records::Job> by_key;  // by source, line feed, name
  std::string key;

  const std::string& key_of(std::string_view source, std::string_view job) {
    key.assign(source).append("\n").append(job);
    return key;
  }
};

Replay::Replay(records::Round round) : round_(std::move(round)), jobs_(std::make_unique<Jobs>()) {
  if (round_.status != records::RoundStatus::closed || !round_.block || !round_.merkle_root) refuse("only a closed round can be replayed");
  for (const records::Cut& c : round_.cuts) cuts_.push_back({c, c.first_seq, {}, INT64_MAX, "", {}});
  if (round_.scheme == records::Scheme::prop) return;
  const auto target = bitcoin::Target::from_compact(round_.block->nbits);
  if (!target || !round_.pplns) refuse("a pplns round must have a window and valid nbits");
  const Work expected(bitcoin::work_of(*target).hashes() * static_cast<Uint128>(round_.pplns->factor));
  require_equal("window_work", round_.pplns->window_work.to_text(), expected.to_text());
}

Replay::~Replay() = default;

void Replay::add_line(std::string_view line) {
  if (const auto share = records::scan_share(line)) return add_share(*share, line);
  const json::Json record = json::parse(line);
  const std::string type = json::record_type(record);
  if (type == "job") {
    add_job(records::parse_job(record));
  } else if (type == "share") {
    const records::Share share = records::parse_share(record);
    add_share(records::view_of(share), records::share_line(share));
  } else if (type == "block") {
    const records::Block block = records::parse_block(record);
    if (Cut* cut = cut_at(block.source, block.seq)) require_next(*cut, block.seq), advance(*cut, block.seq);
  }
}

Replay::Cut* Replay::cut_at_source(std::string_view source) {
  const auto it = std::lower_bound(cuts_.begin(), cuts_.end(), source, [](const Cut& c, std::string_view s) { return c.range.source < s; });
  return it != cuts_.end() && it->range.source == source ? &*it : nullptr;
}

// The cut that holds this record, or nullptr.
Replay::Cut* Replay::cut_at(std::string_view source, uint64_t seq) {
  Cut* cut = cut_at_source(source);
  return cut != nullptr && seq >= cut->range.first_seq && seq <= cut->range.last_seq ? cut : nullptr;
}

// A gap is no fault by itself: a ledger may have been told to go on after one (hh-ledger append --allow-gaps), and then its root says so. It is
// remembered as the likely reason if something differs in the end.
void Replay::require_next(const Cut& cut, uint64_t seq) {
  if (seq < cut.next_seq) refuse(fmt::format("seq {} of {} comes twice, or out of order", seq, cut.range.source));
  if (seq > cut.next_seq) note_gap(cut, seq - 1);
}

void Replay::note_gap(const Cut& cut, uint64_t last_missing) {
  if (gap_.empty()) gap_ = fmt::format(" (records {} to {} of {} are missing in the input)", cut.next_seq, last_missing, cut.range.source);
}

// One more record of the cut is in. Leaves go into the tree as soon as it is their cut's turn.
void Replay::advance(Cut& cut, uint64_t seq) {
  cut.next_seq = seq + 1;
  for (; current_cut_ < cuts_.size(); ++current_cut_) {
    Cut& c = cuts_[current_cut_];
    for (const crypto::Digest& leaf : c.waiting) tree_.append_hash(leaf);
    c.waiting.clear();
    if (!c.is_complete()) break;
  }
}

void Replay::add_job(records::Job job) {
  if (cut_at_source(job.source) == nullptr) return;
  if (job.chain != round_.chain) refuse(fmt::format("job {} of {} is of another chain than the round", job.job, job.source));
  const std::string key = jobs_->key_of(job.source, job.job);
  const auto [it, is_new] = jobs_->by_key.try_emplace(key, job);
  if (!is_new && it->second != job) refuse(fmt::format("job {} of {} comes twice with different content", job.job, job.source));
}

void Replay::add_share(const records::ShareView& share, std::string_view canonical) {
  Cut* cut = cut_at(share.source, share.seq);
  if (cut == nullptr) return note_outside(share);
  require_next(*cut, share.seq);
  const auto job = jobs_->by_key.find(jobs_->key_of(share.source, share.job));
  if (job == jobs_->by_key.end()) refuse(fmt::format("share {} of {} refers to job {}, which has not come before it", share.seq, share.source, share.job));
  if (share.simulated && !round_.simulated) refuse(fmt::format("share {} of {} is simulated, the round is not", share.seq, share.source));
  const records::ShareProof proof = records::verify_share(job->second, share);
  if (!proof) refuse(fmt::format("share {} of {}: {}", share.seq, share.source, proof.fault));
  if (proof.is_block) note_block(share, job->second, proof.hash);

  if (cut->first_miner.empty()) cut->first_miner = share.miner, cut->first_work = Work(static_cast<Uint128>(share.work));
  cut->earliest_ms = std::min(cut->earliest_ms, share.time_ms);
  add_weight(share.miner, Work(static_cast<Uint128>(share.work)));
  std::memcpy(proofs_.emplace_back().data(), proof.hash.bytes.data(), sizeof proofs_.back());
  cut->waiting.push_back(crypto::leaf_hash(canonical));
  advance(*cut, share.seq);
}

void Replay::note_outside(const records::ShareView& share) {
  Cut* cut = cut_at_source(share.source);
  if (cut != nullptr && share.seq < cut->range.first_seq) cut->has_older = true;
}

void Replay::add_weight(std::string_view miner, Work work) {
  auto it = weights_.find(miner);
  if (it == weights_.end()) it = weights_.emplace(std::string(miner), Weight{}).first;
  ++it->second.shares;
  it->second.work += work;
  ++shares_;
  work_ += work;
}

// A share that meets its job's nbits: the round's block, or an earlier one that was orphaned or whose round the window reaches into.
void Replay::note_block(const records::ShareView& share, const records::Job& job, const bitcoin::Hash256& hash) {
  const records::RoundBlock& b = *round_.block;
  if (hash.to_display_hex() != b.hash) return;
  require_equal("block.miner", b.miner, std::string(share.miner));
  require_equal("block.height", b.height, job.height);
  require_equal("block.nbits", b.nbits, job.nbits);
  require_equal("block.subsidy_sat", b.subsidy.count(), job.subsidy.count());
  require_equal("block.fees_sat", b.fees.count(), job.fees.count());
  require_equal("block.fee_to", records::name(b.fee_to), records::name(share.fee_to));
  found_block_ = true;
}

// pplns: of the oldest share only as much counts as fills the window.
void Replay::trim_window() {
  const Cut* oldest = nullptr;
  for (const Cut& c : cuts_)
    if (!c.first_miner.empty() && (oldest == nullptr || c.earliest_ms < oldest->earliest_ms)) oldest = &c;
  if (oldest == nullptr) return;
  const Uint128 window = round_.pplns->window_work.hashes();
  for (const Cut& c : cuts_)
    if (work_.hashes() < window && c.has_older)
      refuse(fmt::format("the cuts do not fill the pplns window, although source {} has shares before seq {}", c.range.source, c.range.first_seq));
  const Uint128 excess = work_.hashes() > window ? work_.hashes() - window : 0;
  if (excess >= oldest->first_work.hashes()) refuse("the cuts hold more shares than the pplns window needs");
  const Work counted(oldest->first_work.hashes() - excess);
  require_equal("pplns.cut_share_work", round_.pplns->cut_share_work.to_text(), counted.to_text());
  Weight& weight = weights_.find(oldest->first_miner)->second;
  weight.work = Work(weight.work.hashes() - excess);
  work_ = Work(work_.hashes() - excess);
}

// A pool that takes the same proof again (after a restart, or for a friend) would pay for work that was not done.
void Replay::require_proofs_differ() {
  std::sort(proofs_.begin(), proofs_.end());
  if (std::adjacent_find(proofs_.begin(), proofs_.end()) != proofs_.end()) refuse("two shares have the same hash: one proof of work is counted twice");
}

// What waits for records that never came.
void Replay::flush() {
  for (Cut& c : cuts_) {
    if (!c.is_complete()) note_gap(c, c.range.last_seq);
    for (const crypto::Digest& leaf : c.waiting) tree_.append_hash(leaf);
    c.waiting.clear();
  }
}

records::Round Replay::finish() try {
  flush();
  if (!found_block_) refuse(fmt::format("no share of the round hashes to its block {}", round_.block->hash));
  require_proofs_differ();
  if (round_.scheme == records::Scheme::pplns) trim_window();
  records::Round replayed = round_;
  replayed.shares = shares_;
  replayed.work = work_;
  replayed.merkle_root = to_hex(tree_.root());
  for (records::RoundMiner& m : replayed.miners) {
    const auto it = weights_.find(m.miner);
    m.shares = it == weights_.end() ? 0 : it->second.shares;
    m.work = it == weights_.end() ? Work() : it->second.work;
  }
  require_same(replayed);
  return replayed;
} catch (const Error& e) {
  throw Error(e.code(), e.what() + gap_);
}

void Replay::require_same(const records::Round& replayed) const {
  require_equal("shares", round_.shares, replayed.shares);
  require_equal("work", round_.work.to_text(), replayed.work.to_text());
  require_equal("merkle_root", *round_.merkle_root, *replayed.merkle_root);
  for (size_t i = 0; i < replayed.miners.size(); ++i) {
    require_equal(fmt::format("shares of miner {}", replayed.miners[i].miner), round_.miners[i].shares, replayed.miners[i].shares);
    require_equal(fmt::format("work of miner {}", replayed.miners[i].miner), round_.miners[i].work.to_text(), replayed.miners[i].work.to_text());
  }
  Uint128 listed = 0;
  for (const records::RoundMiner& m : replayed.miners) listed += m.work.hashes();
  if (listed != work_.hashes()) refuse("a miner that has shares is not in the round record");
}

}  // namespace hh::payout

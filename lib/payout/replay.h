// A closed round, worked out again from its raw shares: what makes a payout checkable by anyone who has the lines.
//
// Fed with job, share and block lines (an export of the ledger, or the pools' spools) in any interleaving of sources, it takes those that lie
// within the round's cuts and, for each share, builds the coinbase and header from its job, hashes it, and compares with the work that the
// share claims; a hash that comes twice is one proof counted twice. It puts the canonical lines into a Merkle tree in the round's order (sources by name, then seq), adds up the work of each miner
// (with pplns: the oldest share only as far as it fills the window), and finds the share that is the round's block. finish() then
// demands that all of this is what the round record says. What shares cannot tell is taken from the record: balances carried, destinations
// and the block's confirmations.
//
// Memory: a few numbers per miner and job; 16 bytes for each share, and 32 more for each that arrives before the sources that sort before its own are complete.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/merkle_log.h"
#include "records/job.h"
#include "records/round.h"
#include "records/share.h"

namespace hh::payout {

class Replay {
 public:
  // REQUIRES a closed round. Throws Error(data) where it contradicts itself (pplns window).
  explicit Replay(records::Round round);
  ~Replay();

  // One line without its newline. Record types other than job and share are skipped. Throws Error(data): no record, a repetition in seq,
  // a share without its job, another chain, a hash that misses its work.
  void add_line(std::string_view line);
  uint64_t shares() const { return shares_; }  // so far

  // The round with shares, work, merkle_root and each miner's shares and work as worked out here. Throws Error(data) that names what is missing
  // or differs from the record.
  records::Round finish();

 private:
  struct Cut;       // a cut and how far it has come
  struct Jobs;      // by source and name
  struct Weight {
    uint64_t shares = 0;
    records::Work work;
  };
  struct NameHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  Cut* cut_at_source(std::string_view source);
  Cut* cut_at(std::string_view source, uint64_t seq);
  void require_next(const Cut& cut, uint64_t seq);
  void note_gap(const Cut& cut, uint64_t last_missing);
  void advance(Cut& cut, uint64_t seq);
  void add_job(records::Job job);
  void add_share(const records::ShareView& share, std::string_view canonical);
  void note_outside(const records::ShareView& share);
  void add_weight(std::string_view miner, records::Work work);
  void note_block(const records::ShareView& share, const records::Job& job, const bitcoin::Hash256& hash);
  void trim_window();
  void flush();
  void require_proofs_differ();
  void require_same(const records::Round& replayed) const;

  records::Round round_;
  std::vector<Cut> cuts_;
  size_t current_cut_ = 0;  // the first one that is not complete: its leaves need not wait
  crypto::MerkleLog tree_;
  std::unordered_map<std::string, Weight, NameHash, std::equal_to<>> weights_;
  std::unique_ptr<Jobs> jobs_;
  std::vector<std::array<uint64_t, 2>> proofs_;  // the first half of each share's hash, the half without the zeros of its work
  uint64_t shares_ = 0;
  records::Work work_;
  bool found_block_ = false;
  std::string gap_;  // the first one, for people; empty: none
};

}  // namespace hh::payout

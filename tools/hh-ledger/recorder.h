// Writes batches into the ledger: the only place where shares, jobs and blocks come in, and where a block ends a round.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "batch.h"
#include "crypto/merkle_log.h"
#include "ledger.h"
#include "shares.h"

namespace hh::ledger {

struct Tally {
  uint64_t shares = 0, blocks = 0, jobs = 0;
  uint64_t duplicates = 0;  // the same record again: counted and ignored
  uint64_t bad = 0;         // passed over with skip_bad
  uint64_t missing = 0;     // sequence numbers that never came, with allow_gaps
};

struct RecorderOptions {
  bool skip_bad = false;
  bool allow_gaps = false;
  std::string input;   // name of the input, for messages
  std::string follow;  // path whose place is kept; empty: none
};

// Use: begin, apply any number of batches, commit. What a commit covers is durable when it returns.
class Recorder {
 public:
  Recorder(Ledger& ledger, RecorderOptions options);

  void begin();
  // Throws Error(data) at the first bad line; everything before that line is applied, can be committed, and the place stands before it.
  void apply(const Batch& batch);
  void commit();  // where the ledger itself turned out to be damaged (apply threw), there is nothing to commit: all was rolled back

  // What is durable: as of the last commit.
  const Tally& tally() const { return durable_; }
  std::map<std::string, uint64_t> last_seqs() const;

 private:
  struct JobRef {
    int64_t id;
    uint8_t extranonce1_size, extranonce2_size;
  };
  struct Source {
    int64_t id = 0;
    std::string name;
    uint64_t last_seq = 0, durable_seq = 0;
    uint64_t segment_first = 1;
    crypto::MerkleLog log;
    bool changed = false;
    std::string last_job;  // neighbouring shares often have the same
    JobRef last_job_ref{};
    std::unordered_map<std::string, JobRef> jobs;
  };

  void refresh();
  void apply_item(const Batch& batch, const Item& item);
  void apply_share(const Batch& batch, const Item& item);
  void apply_job(const records::Job& job);
  void apply_block(const records::Block& block);
  void end_round(const records::Block& block, Source& finder);
  void insert_segment(int64_t round, Source& source, uint64_t last_seq, uint64_t next_first);
  bool is_duplicate_share(const Source& source, const records::ShareView& share);
  bool is_duplicate_block(const Source& source, const records::Block& block);
  void expect_next(Source& source, uint64_t seq);
  void require_chain(bitcoin::Network chain, bool simulated);
  Source& source(std::string_view name);
  Source& add_source(std::string_view name);
  JobRef job_of(Source& source, std::string_view job);
  int64_t worker_of(const Batch& batch, const Item& item);
  int64_t find_worker(const records::ShareView& share);
  int64_t miner_of(std::string_view name);
  void insert_rows();
  void save_sources();
  void save_place(const Place& place);

  Ledger& ledger_;
  RecorderOptions options_;
  Tally tally_, durable_;
  std::optional<Change> change_;
  struct Row {
    int64_t id, time_ms, job, worker, work;
    uint8_t proof[max_proof];
    size_t proof_size;
  };
  std::optional<store::Statement> insert_, insert_many_;  // of shares, kept for the whole change
  std::vector<Row> rows_;                                 // shares that are applied and not inserted yet
  std::optional<Ledger::Chain> chain_;
  std::map<std::string, std::unique_ptr<Source>, std::less<>> sources_;
  Source* last_source_ = nullptr;
  bool last_was_share_ = false;  // applied; its source and job are still at hand
  std::vector<int64_t> workers_;  // rows by the reader's numbers; 0: not looked up yet
  uint64_t numbering_ = 0;
  int64_t data_version_ = -1;
  std::optional<Place> place_;
};

}  // namespace hh::ledger

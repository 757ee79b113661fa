// The simulated node: chain, mempool and file behind one lock, and the waiting of long polls.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "chain.h"
#include "check.h"
#include "mempool.h"
#include "store.h"

namespace hh::devchain {

struct NodeConfig {
  std::string datadir;  // exists
  uint32_t bits = 0;
  bool bits_given = false;     // by the operator: then an existing chain must have them
  int64_t mempool_every_ms = 0;  // a new transaction each; 0: none
};

// What a template is made of.
struct Candidate {
  bitcoin::Hash256 prev_hash;
  uint32_t height = 0;
  uint32_t bits = 0;
  uint32_t min_time = 0, time = 0;
  std::vector<PooledTransaction> transactions;
  std::string long_poll_id;
};

class Node {
 public:
  // Reads what there is in config.datadir. Throws as Store, and Error(config) for other bits than those of the chain that is there.
  Node(NodeConfig config, Clock& clock = system_clock());

  // Runs look with the chain, which does not change meanwhile.
  template <class Look>
  auto with_chain(Look look) const {
    std::lock_guard lock(mutex_);
    return look(*chain_);
  }
  uint64_t size_on_disk() const;

  Candidate candidate() const;
  // Waits until candidate() has another id than this, at most so long. False where the node stops.
  bool wait_for_other(const std::string& long_poll_id, int64_t at_most_ms);
  void stop();  // ends all waiting

  // As submitblock answers: nullopt where the block became the tip, else a reason. Durable when it returns. Throws Error(io) where the disk
  // fails; then nothing has changed and no later block is taken.
  std::optional<std::string> submit(const bitcoin::Block& block);
  std::optional<std::string> propose(const bitcoin::Block& block) const;
  // False: unknown hash. Both are durable.
  bool invalidate(const bitcoin::Hash256& hash);
  bool reconsider(const bitcoin::Hash256& hash);

 private:
  void replay(RecordKind kind, BytesView payload);
  void append(RecordKind kind, BytesView payload);
  void tip_may_have_changed(const bitcoin::Hash256& before);
  std::string long_poll_id() const;
  uint32_t pooled() const;

  NodeConfig config_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Chain> chain_;
  std::optional<Store> store_;
  int64_t tip_since_ms_ = 0;  // monotonic
  bool stopping_ = false;
  bool disk_failed_ = false;
};

}  // namespace hh::devchain

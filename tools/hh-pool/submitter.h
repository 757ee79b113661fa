// Brings a found block to bitcoind: first, at once, and not behind anything. [C061]
//
// Each node has a thread and a connection of its own that do nothing else, so neither a long poll nor the spool nor the other nodes can delay
// it. No answer: tried again, with growing pauses, for an hour (submitblock may be repeated: a known block is "duplicate"); for a minute where
// the node does not have the block's parent yet. Meanwhile the block is kept as a file (hex, as submitblock takes it) beside the spool, so that
// it survives this process as well; files found at the start are submitted again. The file goes when every node had its try and one took the
// block, or all judged it.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bitcoin/header.h"
#include "http/bitcoin_rpc.h"
#include "job.h"
#include "records/block.h"

namespace hh::pool {

class Submitter {
 public:
  // keep_prefix: path that kept blocks' names start with ("" : none are kept). on_result is called on the nodes' threads: one submission
  // (source and simulated not filled in) for each node and block.
  Submitter(std::vector<http::BitcoinRpcConfig> nodes, std::string keep_prefix, std::function<void(records::Submission)> on_result);
  ~Submitter();

  struct FoundBlock {
    std::shared_ptr<const Job> job;
    bitcoin::BlockHeader header;
    bitcoin::Hash256 hash;
    Bytes coinbase;  // stripped
  };
  void submit(FoundBlock block);
  void submit_kept();          // what an earlier run left
  size_t pending() const;      // blocks some node has not answered for yet
  // Waits up to that long for answers, then stops. Blocks that no node took stay in their files.
  void close(int64_t patience_ms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hh::pool

// Numbers the records and gathers those of one turn of the event loop into one write.
//
// Shares and blocks of a source count 1, 2, 3 … without a gap, over restarts too. A share is answered when the store says that it is safe.
#pragma once
#include "records/block.h"
#include "records/job.h"
#include "records/share.h"
#include "store.h"

namespace hh::pool {

class Recorder {
 public:
  Recorder(std::string source, bool simulated, uint64_t last_seq, Store& store)
      : source_(std::move(source)), simulated_(simulated), seq_(last_seq), store_(store) {}

  Strain strain() const { return store_.strain(); }  // shares are refused while there is any
  void put_job(const records::Job& job);
  // source, seq and simulated are filled in here. The waiter is answered later, once.
  void put_share(records::ShareView share, Ack ack);
  // Right after its share.
  void put_block(records::Block block);
  void put_submission(records::Submission s);
  void flush();  // at the end of each turn of the loop
  uint64_t last_seq() const { return seq_; }
  uint64_t flushes() const { return flushes_; }  // that wrote something
  void retire() { retired_ = true; }             // another process numbers and writes from now on: what comes is dropped

 private:
  const std::string source_;
  const bool simulated_;
  uint64_t seq_;
  Store& store_;
  std::string lines_;
  Acks acks_;
  uint64_t flushes_ = 0;
  bool urgent_ = false, retired_ = false;
};

}  // namespace hh::pool

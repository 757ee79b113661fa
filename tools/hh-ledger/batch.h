// Lines on their way from the reading thread to the database thread: parsed, checked on their own, and hashed.
#pragma once
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/digest.h"
#include "feed.h"
#include "records/block.h"
#include "records/job.h"
#include "records/share.h"

namespace hh::ledger {

struct Item {
  enum class Kind : uint8_t { share, job, block, bad };
  Kind kind = Kind::share;
  uint32_t at = 0;         // where its line starts in the chunk
  uint32_t line = 0;       // number of its line after the chunk's first
  uint32_t worker = 0;     // of a share: the number of all in it that repeats (WorkerNumbers)
  bool as_before = false;  // of a share: the item before is a share of the same source and job
  size_t index = 0;        // of a job, block or bad line in the vectors below
  records::ShareView share;
  crypto::Digest leaf{};  // of the canonical line
};

struct Batch {
  Chunk chunk;  // owns the text that shares point into
  std::vector<Item> items;
  std::deque<records::Share> spelled_otherwise;  // shares whose line was not canonical: views point here
  std::vector<records::Job> jobs;
  std::vector<records::Block> blocks;
  std::vector<std::string> bad;  // why
  uint64_t ignored = 0;          // records of other types
  uint64_t numbering = 0;        // which numbering Item::worker is of
};

// Numbers each (miner, worker, address, fee_to, simulated) from 0 as it first comes, so that the database thread finds its row by an index: hashing
// and comparing names is a sixth of what that thread would have to do otherwise. Belongs to the reading thread.
class WorkerNumbers {
 public:
  uint32_t number_of(const records::ShareView& share);
  // Between batches. Names are chosen by strangers: when there are very many, numbering begins anew. Returns which numbering it is, from 1.
  uint64_t numbering();

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::string key_;
  uint64_t numbering_ = 1;
};

// Never throws for bad input: a bad line becomes an item that says what is wrong with it.
Batch parse_chunk(Chunk chunk, WorkerNumbers& workers);

}  // namespace hh::ledger

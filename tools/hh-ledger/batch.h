// Lines on their way from the reading thread to the database thread: parsed, checked on their own, and hashed.
#pragma once
#include <deque>
#include <string>
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
  uint32_t at = 0;       // where its line starts in the chunk
  uint32_t line = 0;     // number of its line after the chunk's first
  size_t index = 0;      // of a job, block or bad line in the vectors below
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
};

// Never throws for bad input: a bad line becomes an item that says what is wrong with it.
Batch parse_chunk(Chunk chunk);

}  // namespace hh::ledger

// Gives new blocks to the node while the load runs, at set moments, from a thread of its own: a block that was mined beforehand by submitblock,
// or whatever a command does.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "options.h"

namespace hh::load {

class Blocks {
 public:
  explicit Blocks(const Options& o);  // reads the file of blocks; throws Error
  ~Blocks();                          // waits for the thread
  void start(uint64_t load_start_us);
  void stop();
  uint64_t told_us() const { return told_us_; }    // when the newest one was begun to be given; 0: none yet
  uint64_t given() const { return given_; }        // taken by the node (or: the command ended with 0)
  uint64_t refused() const { return refused_; }

 private:
  void run(uint64_t load_start_us);
  void give(size_t i);
  const Options& options_;
  std::vector<std::string> blocks_;
  std::thread thread_;
  std::atomic<uint64_t> told_us_ = 0, given_ = 0, refused_ = 0;
  std::atomic<bool> stop_ = false;
};

}  // namespace hh::load

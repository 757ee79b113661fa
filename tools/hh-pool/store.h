// Where records go, and when a share may be acknowledged.
//
//   with a spool      the loop thread writes each batch to the spool (write(2)); sync "group" acknowledges then, and a thread calls fdatasync
//                     within 5 ms of the first write; sync "always" acknowledges after fdatasync. Another thread copies the spool to stdout at the
//                     reader's pace: a slow reader costs no memory and delays no miner, it just reads older lines.
//   without a spool   stdout is the only copy: a thread writes batches there and a share is acknowledged once its line is written. Where the
//                     reader falls 16 MiB behind, shares are refused until it catches up.
//
// Backpressure. While fdatasync hangs, writes go on into the page cache, until `most_unsynced` bytes are written that no sync has covered; where the
// spool's disk has less than `reserve` bytes left, that is seen before a write fails. Both refuse shares until the disk has recovered, and so does a
// reader that is too far behind. Blocks, jobs and submissions are few and are written all the same: the reserve is their room. (A disk or file
// system that makes write(2) itself wait holds up the loop; no limit of ours helps against that.)
//
// A failure (disk full, fsync, closed pipe) is final: nothing is acknowledged any more and failed() says why. The threads reach the loop
// through `post`.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "stratum/v1.h"

namespace hh::pool {

using net::Post;

// Waits for its share to be stored.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void stored(const stratum::v1::Id& id, bool ok) = 0;
};
struct Ack {
  std::weak_ptr<Waiter> waiter;
  stratum::v1::Id id;
};
using Acks = std::vector<Ack>;
void answer(const Acks& acks, bool ok);

// Why shares are refused now.
enum class Strain : uint8_t { none, slow_sync, little_space, slow_reader, failed };
const char* refusal(Strain s);  // the sentence for miners; "" for none
const char* name(Strain s);

struct StoreFigures {
  Strain strain = Strain::none;
  uint64_t waiting_bytes = 0;  // written but not durable; without a spool: not written yet
  int64_t sync_ms = 0;         // how long the sync under way has taken so far
  int64_t free_bytes = -1;     // on the spool's disk; -1: not known
};
struct StoreLimits {
  uint64_t most_unsynced = 64u << 20;
  uint64_t reserve = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  // From now on stdout is written; first_line (with newline) comes before everything else.
  virtual void start(std::string first_line) = 0;
  // lines: whole lines. urgent: make them durable at once (a block).
  virtual void write(std::string lines, Acks acks, bool urgent) = 0;
  virtual Strain strain() const = 0;
  virtual StoreFigures figures() const = 0;
  // Makes everything durable and lets stdout catch up for so long; then ends the threads. Throws Error(io).
  virtual void close(int64_t patience_ms) = 0;
  // For a handover: makes everything durable, lets stdout catch up, and stops the threads; "" or why that cannot be. go_on() starts them again, if
  // they were stopped.
  virtual std::string rest(int64_t patience_ms) = 0;
  virtual void go_on() = 0;
  const std::string& failed() const { return failed_; }  // "" or a sentence; loop thread only

 protected:
  std::string failed_;
};

class Spool;
std::unique_ptr<Store> make_spool_store(std::shared_ptr<Spool> spool, bool sync_always, StoreLimits limits, int stdout_fd, Post post);
std::unique_ptr<Store> make_pipe_store(int stdout_fd, Post post);

// Writes data in pieces that a pipe takes without blocking, asking stop() ten times a second while the reader is slow. False: stopped.
// Throws Error(io).
bool write_patiently(int fd, std::string_view data, const std::function<bool()>& stop);

}  // namespace hh::pool

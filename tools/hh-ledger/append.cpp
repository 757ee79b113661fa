// Where the time goes (perf, a million canonical lines of 320 bytes, 2 cores): 1.4 s of processor time in 1 s, since two threads share it about
// evenly. A bit more than a quarter is the kernel (reading, and writing pages into the WAL and from there into the file), a fifth SQLite, a fifth
// SHA-256, a fifth our own code (a quarter of that scanning, a quarter numbering workers), the rest copying and comparing. Beside it, in the same run of
// scripts/bench ledger: sqlite3 .import of the same shares 4.1 s, of the finished rows 1.7 s, DuckDB 1.9 s. What was learnt:
//   - The scanner of canonical lines (records/share.h) costs a twentieth of the whole; a general JSON reader would be the largest part.
//   - The writer was the slower thread, so everything that does not need the database is done by the reader: lines, values, leaf hashes, numbers of
//     workers (batch.h), and whether a share is of the same source and job as the one before. Even to compare two short names there means to
//     fetch them from the other core's cache: that was a ninth of the writer's time.
//   - 32 rows in one INSERT, and proofs bound without a copy: a quarter less time in SQLite than row by row.
//   - Six narrow columns instead of thirteen texts make the file a third of the size, and with it the WAL, its checkpoint and the syncs.
//   - A guard trigger for each inserted share costs a third more per row; see schema.cpp for what protects shares instead.
//   - Many batches in one transaction: each commit syncs the WAL, and a busy pipe fills the next transaction while one is being synced.
#include "append.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "base/terminal.h"
#include "feed.h"
#include "json/fields.h"
#include "json/lines.h"
#include "recorder.h"

namespace hh::ledger {
namespace {

using namespace std::chrono_literals;

constexpr size_t queue_limit = 32;           // batches of at most half a megabyte of text
constexpr size_t change_limit = 400;         // batches in one transaction: some 600,000 shares
constexpr auto change_time = 1000ms;         // others wait for the writer lock meanwhile
constexpr auto give_way = 30ms;              // then they get time to take it: they look for it every 20 ms (store::WriterLock)
constexpr auto drain_quiet = 300ms;          // asked to stop: a pipe that is silent for so long is at its end for us

// Batches from the reader to the writer. Whoever fails closes it, so that the other stops too.
class Queue {
 public:
  bool push(Batch&& batch) {  // false: closed by the writer
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() < queue_limit || closed_; });
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    changed_.notify_all();
    return true;
  }
  void finish() { set(finished_); }  // by the reader: nothing more will come
  void close() { set(closed_); }     // by the writer: nothing more will be taken

  // The next batch; waits until `until` for one. False: none came, or nothing more will.
  template <class Until>
  bool pop(Batch& batch, Until until) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, until, [&] { return !batches_.empty() || finished_; }) || batches_.empty()) return false;
    batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return true;
  }
  // Gives others the time to arrive, unless there is plenty to do already.
  void linger(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most, [&] { return batches_.size() >= 4 || finished_; });
  }
  bool over() {
    const std::lock_guard lock(mutex_);
    return finished_ && batches_.empty();
  }

 private:
  void set(bool& flag) {
    const std::lock_guard lock(mutex_);
    flag = true;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  bool finished_ = false, closed_ = false;
};

json::Json appended_record(const Recorder& recorder) {
  const Tally& t = recorder.tally();
  json::Json r = json::make_record("appended");
  r["shares"] = t.shares;
  r["blocks"] = t.blocks;
  r["jobs"] = t.jobs;
  r["duplicates"] = t.duplicates;
  json::Json last = json::Json::array();
  for (const auto& [source, seq] : recorder.last_seqs()) last.push_back({{"source", source}, {"seq", seq}});
  r["last"] = std::move(last);
  return r;
}

void read_all(Feed& feed, Queue& queue, bool is_pipe) {
  auto last_data = std::chrono::steady_clock::now();
  WorkerNumbers workers;
  for (;;) {
    Chunk chunk;
    const Feed::Got got = feed.next(chunk, 100);
    const auto now = std::chrono::steady_clock::now();
    if (got == Feed::Got::end) return;
    if (got == Feed::Got::lines) {
      last_data = now;
      if (!queue.push(parse_chunk(std::move(chunk), workers))) return;
    } else if (stop_requested() && (!is_pipe || now - last_data > drain_quiet)) {
      return;
    }
  }
}

// One transaction: the batch in hand and those that are ready behind it. True: it ended at a limit, and more is waiting. Where a line was bad, why
// says so, and what came before it is durable.
bool write_change(Recorder& recorder, Queue& queue, Batch batch, std::exception_ptr& why) {
  recorder.begin();
  const auto end = std::chrono::steady_clock::now() + change_time;
  bool full = false;
  try {
    size_t count = 0;
    do {
      recorder.apply(batch);
      full = ++count >= change_limit || std::chrono::steady_clock::now() >= end;
    } while (!full && queue.pop(batch, std::chrono::steady_clock::now()));
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    why = std::current_exception();
  }
  recorder.commit();
  return full;
}

void write_all(Recorder& recorder, Queue& queue, const AppendOptions& options) {
  Progress progress("shares", 0);
  std::exception_ptr why;
  Batch batch;
  while (!queue.over()) {
    if (!queue.pop(batch, std::chrono::steady_clock::now() + 1h)) continue;
    queue.linger(std::chrono::milliseconds(options.commit_ms));
    const bool full = write_change(recorder, queue, std::move(batch), why);
    if (why) std::rethrow_exception(why);
    progress.update(recorder.tally().shares);
    if (options.report_commits) json::print(appended_record(recorder));
    if (full) std::this_thread::sleep_for(give_way);
  }
}

std::optional<Place> stored_place(Ledger& ledger, const std::string& path) {
  auto s = ledger.db().statement("SELECT device, inode, offset, head FROM follow WHERE path = ?1");
  if (!s.first(path)) return std::nullopt;
  return Place{static_cast<uint64_t>(s.int64(0)), static_cast<uint64_t>(s.int64(1)), static_cast<uint64_t>(s.int64(2)), s.text(3)};
}

}  // namespace

void append(Ledger& ledger, const AppendOptions& options) {
  const bool is_pipe = options.follow.empty();
  std::unique_ptr<Feed> feed = is_pipe ? make_pipe_feed(STDIN_FILENO, "standard input")
                                       : make_spool_feed(options.follow, stored_place(ledger, options.follow), options.once);
  Recorder recorder(ledger, {options.skip_bad, options.allow_gaps, feed->name(), options.follow});
  Queue queue;
  std::exception_ptr reader_failed, writer_failed;
  std::thread reader([&] {
    try {
      read_all(*feed, queue, is_pipe);
    } catch (...) {
      reader_failed = std::current_exception();
    }
    queue.finish();
  });
  notify_service_manager("READY=1");
  try {
    write_all(recorder, queue, options);
  } catch (...) {
    writer_failed = std::current_exception();
  }
  queue.close();
  if (writer_failed) request_stop();
  reader.join();
  json::print(appended_record(recorder));
  if (recorder.tally().bad > 0 || recorder.tally().missing > 0)
    log::warn("append_was_not_clean", {{"bad_lines", recorder.tally().bad}, {"missing_seqs", recorder.tally().missing}});
  if (writer_failed) std::rethrow_exception(writer_failed);
  if (reader_failed) std::rethrow_exception(reader_failed);
}

}  // namespace hh::ledger

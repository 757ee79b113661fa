// Where `append` gets its lines: a pipe (or file) that ends, or a spool that grows, is rotated and survives our restarts.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"

namespace hh::ledger {

inline constexpr size_t max_line = 1u << 20;  // bytes; a job of a full block has some 3,000

// How far a spool has been read: which file it is, and how much of it.
struct Place {
  uint64_t device = 0, inode = 0;
  uint64_t offset = 0;
  std::string head;  // hex SHA-256 of its first line, or of the first 256 bytes of that
};

// Some whole lines, each with its newline; only the last of a pipe may lack it.
struct Chunk {
  std::string text;
  uint64_t first_line = 1;     // number of its first line within the input
  bool too_long = false;       // instead of text: a line longer than max_line was passed over
  std::optional<Place> place;  // of a spool: where the text begins
};

class Feed {
 public:
  enum class Got { lines, nothing_yet, end };
  virtual ~Feed() = default;
  // Waits up to wait_ms for lines. Throws Error(io) or Error(no_input).
  virtual Got next(Chunk& chunk, int wait_ms) = 0;
  virtual const std::string& name() const = 0;  // for messages: "standard input", "shares.jsonl"
};

// fd is not owned.
std::unique_ptr<Feed> make_pipe_feed(int fd, std::string name);
// Starts at `from` (of a file that may have been renamed since, in the same folder), else at the beginning. once: ends at the end of
// the file; a last line without newline is then left for the next time. Without once it ends only when the program is asked to stop.
std::unique_ptr<Feed> make_spool_feed(const std::string& path, const std::optional<Place>& from, bool once);

}  // namespace hh::ledger

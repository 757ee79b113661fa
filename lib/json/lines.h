// JSON lines in and out: the arrows between the tools.
//
// The reader hands out one line at a time, bounded (default 1 MiB; a longer line is an error, not an allocation), without its newline, and
// knows its number for messages. A last line without a newline is torn (its writer died) unless the stream is a closed pipe or
// file that the caller declares whole: is_torn() tells. Blank lines are skipped.
// The writer writes whole lines with one write(2) where it can, and turns a failed write into Error(io).
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "json/strict.h"

namespace hh::json {

class LineReader {
 public:
  // fd is not owned. name appears in messages ("standard input", "shares.jsonl").
  LineReader(int fd, std::string name, size_t max_line = 1u << 20);
  // False at the end of input. Throws Error(io) where reading fails, Error(data) where a line is too long (the reader then skips to the
  // line's end, so that the caller may go on). line is valid until the next call.
  bool next(std::string_view& line);
  uint64_t number() const { return number_; }       // of the line last handed out, from 1
  uint64_t offset_after() const { return offset_; } // bytes of input up to and including that line's newline
  bool is_torn() const { return torn_; }            // the line last handed out had no newline
  const std::string& name() const { return name_; }
  std::string where() const;                        // "standard input, line 12"

 private:
  bool fill();
  int fd_;
  std::string name_;
  size_t max_line_;
  std::string buffer_;
  size_t start_ = 0, scan_ = 0;
  uint64_t number_ = 0, offset_ = 0;
  bool end_ = false, torn_ = false;
};

// Parses each line strictly and calls each(record, type). A bad line throws Error(data) naming where, field and reason.
void for_each_record(LineReader& reader, const std::function<void(const Json& record, const std::string& type)>& each);
// The same for a path ("-" is standard input).
void for_each_record(const std::string& path, const std::function<void(const Json& record, const std::string& type)>& each);

// Prints one record on stdout at once (pipelines live on it). Throws Error(io).
void print(const Json& record);
void print_line(std::string_view line_without_newline);

// What this thread prints goes to the end of a text instead, while this lives: for a daemon that answers with what a command would print.
class PrintTo {
 public:
  explicit PrintTo(std::string& text);
  ~PrintTo();
  PrintTo(const PrintTo&) = delete;
  PrintTo& operator=(const PrintTo&) = delete;
};

}  // namespace hh::json

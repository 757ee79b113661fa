#include "json/lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/file.h"
#include "json/fields.h"

namespace hh::json {
namespace {
constexpr size_t chunk = 1u << 18;
}

LineReader::LineReader(int fd, std::string name, size_t max_line) : fd_(fd), name_(std::move(name)), max_line_(max_line) {}

std::string LineReader::where() const { return fmt::format("{}, line {}", name_, number_); }

// Appends more input to the buffer; false at the end. What was handed out already is dropped first.
bool LineReader::fill() {
  if (end_) return false;
  if (start_ > 0) {
    buffer_.erase(0, start_);
    scan_ -= start_;
    start_ = 0;
  }
  const size_t had = buffer_.size();
  buffer_.resize(had + chunk);
  ssize_t n;
  do n = ::read(fd_, buffer_.data() + had, chunk);
  while (n < 0 && errno == EINTR);
  buffer_.resize(had + static_cast<size_t>(n > 0 ? n : 0));
  if (n < 0) throw Error(Exit::io, fmt::format("cannot read {}: {}", name_, reason(errno)));
  if (n == 0) end_ = true;
  return n > 0;
}

bool LineReader::next(std::string_view& line) {
  bool skipping = false;
  for (;;) {
    const void* found = scan_ < buffer_.size() ? std::memchr(buffer_.data() + scan_, '\n', buffer_.size() - scan_) : nullptr;
    size_t stop = buffer_.size(), after = buffer_.size();
    if (found != nullptr) {
      stop = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
      after = stop + 1;
    } else if (!end_) {
      if (buffer_.size() - start_ > max_line_) {  // too long: keep nothing of it
        skipping = true;
        offset_ += buffer_.size() - start_;
        start_ = buffer_.size();
      }
      scan_ = buffer_.size();
      fill();
      continue;
    } else if (start_ == buffer_.size() && !skipping) {
      return false;
    } else {
      torn_ = true;
    }
    line = std::string_view(buffer_).substr(start_, stop - start_);
    offset_ += after - start_;
    start_ = scan_ = after;
    ++number_;
    if (skipping || line.size() > max_line_) throw Error(Exit::data, fmt::format("{}: the line is longer than {} bytes", where(), max_line_));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      if (torn_) return false;
      continue;
    }
    return true;
  }
}

void for_each_record(LineReader& reader, const std::function<void(const Json&, const std::string&)>& each) {
  std::string_view line;
  while (reader.next(line)) {
    try {
      const Json record = parse(line);
      each(record, record_type(record));
    } catch (const Error& e) {
      throw e.in(reader.where());
    }
  }
}

void for_each_record(const std::string& path, const std::function<void(const Json&, const std::string&)>& each) {
  const FileHandle file = path == "-" ? FileHandle(::dup(STDIN_FILENO)) : open_file(path, O_RDONLY);
  LineReader reader(file.get(), path == "-" ? "standard input" : path);
  for_each_record(reader, each);
}

namespace {
thread_local std::string* printed_to = nullptr;
}

PrintTo::PrintTo(std::string& text) { printed_to = &text; }
PrintTo::~PrintTo() { printed_to = nullptr; }

void print_line(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  if (printed_to != nullptr) {
    *printed_to += whole;
    return;
  }
  write_all(STDOUT_FILENO, whole, "standard output");
}

void print(const Json& record) { print_line(to_line(record)); }

}  // namespace hh::json

#include "http/client.h"

namespace hh::http {

LineSplitter::LineSplitter(std::function<bool(std::string_view line)> each, size_t max_line) : each_(std::move(each)), max_line_(max_line) {}

bool LineSplitter::operator()(std::string_view piece) {
  for (size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
    rest_ += piece.substr(0, end);
    piece.remove_prefix(end + 1);
    if (!flush()) return false;
  }
  rest_ += piece;
  overflowed_ = rest_.size() > max_line_;
  return !overflowed_;
}

bool LineSplitter::flush() {
  if (rest_.ends_with('\r')) rest_.pop_back();
  const std::string line = std::move(rest_);
  rest_.clear();
  overflowed_ = line.size() > max_line_;
  if (overflowed_) return false;
  return line.empty() || each_(line);
}

}  // namespace hh::http

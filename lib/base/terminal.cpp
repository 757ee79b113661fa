#include "base/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "base/clock.h"

namespace hh {

bool stderr_is_terminal() { return isatty(STDERR_FILENO) != 0; }
bool stdout_is_terminal() { return isatty(STDOUT_FILENO) != 0; }

bool use_colour() {
  const char* no = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return stderr_is_terminal() && (no == nullptr || *no == '\0') && term != nullptr && std::string_view(term) != "dumb";
}

Progress::Progress(std::string label, uint64_t total) : label_(std::move(label)), total_(total) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(uint64_t done) {
  if (!stderr_is_terminal()) return;
  const int64_t now = system_clock().monotonic_ms();
  if (drawn_ && now - last_draw_ms_ < 100) return;
  last_draw_ms_ = now;
  drawn_ = true;
  if (total_ > 0)
    fmt::print(stderr, "\r\033[K{} {}/{} ({}%)", label_, done, total_, done * 100 / total_);
  else
    fmt::print(stderr, "\r\033[K{} {}", label_, done);
}

}  // namespace hh

// What a person at a terminal sees besides data: colour and progress, decided once, on stderr only.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace hh {

bool stderr_is_terminal();
bool stdout_is_terminal();
bool use_colour();  // stderr is a terminal, TERM is not "dumb", NO_COLOR is unset or empty

// A progress line on a terminal, redrawn at most ten times a second; nothing elsewhere.
class Progress {
 public:
  Progress(std::string label, uint64_t total);  // total 0: unknown
  ~Progress();                                  // clears the line
  void update(uint64_t done);

 private:
  std::string label_;
  uint64_t total_;
  int64_t last_draw_ms_ = 0;
  bool drawn_ = false;
};

}  // namespace hh

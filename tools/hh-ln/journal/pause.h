// Whether somebody has paused payments (`hh-ln pause`). It is the journal's word, so that it holds for every command and for a service that starts again.
#pragma once
#include <optional>
#include <string>

#include "store/sqlite.h"

namespace hh::ln {

inline constexpr const char* pause_key = "paused";  // in the journal's meta

struct Pause {
  std::string reason, by;
  int64_t time_ms = 0;
};

std::optional<Pause> pause_of(store::Database& journal);
// Throws Error(temp_fail) that says who has paused payments, and how they go on.
void require_not_paused(store::Database& journal);

}  // namespace hh::ln

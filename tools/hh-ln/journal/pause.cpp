#include "journal/pause.h"

#include <fmt/format.h>

#include "base/error.h"
#include "json/fields.h"

namespace hh::ln {

std::optional<Pause> pause_of(store::Database& journal) {
  auto row = journal.statement("SELECT value FROM meta WHERE key = ?1");
  if (!row.first(pause_key)) return {};
  const json::Json value = json::parse(row.text_view(0));
  const json::Fields f(value);
  return Pause{f.text("reason"), f.text("by"), f.integer("time_ms")};
}

void require_not_paused(store::Database& journal) {
  if (const auto p = pause_of(journal))
    throw Error(Exit::temp_fail, fmt::format("payments are paused by {}, and nothing was sent: {}; `hh-ln resume` lets them go on", p->by.empty() ? "somebody" : p->by, p->reason));
}

}  // namespace hh::ln

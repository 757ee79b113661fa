// The journal, open for writing by one of the operator's commands: it must exist, and its lock is held for as long as this lives. Where `hh-ln serve` runs the
// command, which it does for a command line that finds it at work (service/control.h), the lock is that process's already.
#pragma once
#include <optional>

#include "base/config.h"
#include "base/secret.h"
#include "journal/journal.h"
#include "store/writer_lock.h"

namespace hh::ln {

// What the journal is sealed with, or nothing where `journal_key` is not set. Throws Error(config).
inline JournalKey journal_key(const Settings& s) {
  return s.is_set("journal_key") ? JournalKey(journal_key_from(load_secret(s.text("journal_key"), "journal_key"))) : std::nullopt;
}

struct Writing {
  explicit Writing(const Settings& s) : lock(lock_of(s)), journal(s.required("db"), true, journal_key(s)) {}
  static std::optional<store::WriterLock> lock_of(const Settings& s) {
    Journal::require_file(s.required("db"));
    if (lock_is_held) return {};
    return std::optional<store::WriterLock>(std::in_place, s.required("db"), s.integer("lock_wait_seconds") * 1000);
  }
  static inline thread_local bool lock_is_held = false;  // by this process
  std::optional<store::WriterLock> lock;
  Journal journal;
};

}  // namespace hh::ln

// The journal, open for writing by one of the operator's commands: it must exist, and its lock is held for as long as this lives.
#pragma once
#include "base/config.h"
#include "journal/journal.h"
#include "store/writer_lock.h"

namespace hh::ln {

struct Writing {
  explicit Writing(const Settings& s) : lock(require_file(s.required("db")), s.integer("lock_wait_seconds") * 1000), journal(s.required("db"), true) {}
  static const std::string& require_file(const std::string& path) {
    Journal::require_file(path);
    return path;
  }
  store::WriterLock lock;
  Journal journal;
};

}  // namespace hh::ln

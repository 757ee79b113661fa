// The audit log: who changed what and when, in rows that nobody can change, drop or reorder without breaking the chain of hashes. [C047]
#pragma once
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "json/strict.h"
#include "store/sqlite.h"

namespace hh::ledger {

class Ledger;

// To be called under the writer lock when the tables have gone from version `from` to `to`: where a ledger with a past gets an audit log (again), its
// first event says so, and up to where the past is not in the log.
void note_migration(store::Database& db, Clock& clock, int from, int to);

// Appends one event within the caller's Change. detail: an object. who is the user that runs the program.
void audit(Ledger& ledger, const std::string& what, const json::Json& detail);

// Recomputes the chain; returns the number of events. Throws Error(data) naming the first row that breaks it.
int64_t verify_audit(Ledger& ledger);
std::string audit_head(Ledger& ledger);  // hash of the last event, "" where there is none: to be noted elsewhere

}  // namespace hh::ledger

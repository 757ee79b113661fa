// The audit log: who changed what and when, in rows that nobody can change, drop or reorder without breaking the chain of hashes. [C047]
#pragma once
#include <cstdint>
#include <string>

#include "json/strict.h"

namespace hh::ledger {

class Ledger;

// Appends one event within the caller's Change. detail: an object. who is the user that runs the program.
void audit(Ledger& ledger, const std::string& what, const json::Json& detail);

// Recomputes the chain; returns the number of events. Throws Error(data) naming the first row that breaks it.
int64_t verify_audit(Ledger& ledger);
std::string audit_head(Ledger& ledger);  // hash of the last event, "" where there is none: to be noted elsewhere

}  // namespace hh::ledger

// The checks of `hh-ledger verify` that have files of their own. Each adds what it found to the record, or throws Error(data) with what is wrong.
#pragma once
#include "verify.h"

namespace hh::ledger {

void check_books(Ledger& ledger, const VerifyOptions& options, json::Json& found);      // verify_books.cpp
void check_manifests(Ledger& ledger, const VerifyOptions& options, json::Json& found);  // the same
void check_history(Ledger& ledger, const VerifyOptions& options, json::Json& found);    // verify_history.cpp

}  // namespace hh::ledger

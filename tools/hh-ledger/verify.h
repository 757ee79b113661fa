// `hh-ledger verify`: everything that must hold in a ledger, checked from its rows alone.
#pragma once
#include <functional>

#include "crypto/ed25519.h"
#include "json/strict.h"
#include "ledger.h"

namespace hh::ledger {

struct VerifyOptions {
  bool shares = false;                     // also compute every share's hash again
  const crypto::KeySet* keys = nullptr;    // also check the signatures of posted manifests
};

// Calls print with one `verified` record for each check; one that fails has ok false and why. Returns whether all hold.
bool verify(Ledger& ledger, const VerifyOptions& options, const std::function<void(const json::Json&)>& print);

}  // namespace hh::ledger

// `hh-ledger post`: manifests and settlements into the books, each exactly once.
#pragma once
#include <string>

#include "crypto/ed25519.h"
#include "json/strict.h"
#include "ledger.h"

namespace hh::ledger {

// One line: a signed manifest (record or bare JWS) or a settlement. Returns the `posted` record, once it is durable. Throws Error(data) where it
// contradicts the ledger, Error(no_permission) where a signature does not hold; then nothing has changed.
json::Json post_line(Ledger& ledger, const crypto::KeySet& keys, std::string_view line);

}  // namespace hh::ledger

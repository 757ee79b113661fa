// `hh-ledger post`: manifests, settlements and sweeps of routing fees into the books, each exactly once.
#pragma once
#include <string>

#include "books.h"
#include "crypto/ed25519.h"
#include "json/strict.h"
#include "ledger.h"
#include "payout/fee_sweep.h"
#include "payout/payout.h"

namespace hh::ledger {

// One line: a signed manifest (record or bare JWS), a settlement or a fee sweep. Returns the `posted` record, once it is durable. Throws Error(data) where it
// contradicts the ledger, Error(no_permission) where a signature does not hold; then nothing has changed.
json::Json post_line(Ledger& ledger, const crypto::KeySet& keys, std::string_view line);

// What booking them writes (books.h), and what must hold between a manifest and this ledger: `verify` asks the same again.
Entries entries_of(const payout::Payout& payout);
Entries entries_of(const payout::FeeSweep& sweep);
Entries entries_of_payment(const std::string& account, Msat amount, Msat fee);
// Of withdrawals nothing holds for ever but what the database sees to: that none is of more than was owed when it was posted.
// Throws Error(data) where it is not what the frozen round or cycle gives, Error(temp_fail) where that is not closed.
void require_from_ledger(Ledger& ledger, const payout::Payout& payout);

}  // namespace hh::ledger

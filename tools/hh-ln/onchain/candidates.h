// Which lines a transaction may pay, and to which address.
//
// A line qualifies when Lightning has been given up for it and no attempt can still move money:
//   - it has failed over Lightning, or no invoice could be had for it, or an operator has ordered it (`hh-ln onchain address`)
//   - it is not held, except by such an order: what is held may have been paid already, or somebody is finding that out
//   - its manifest has not expired and is not revoked
//   - each attempt that was ever sent has failed by what the node says now; or the node, which has its history still, does not know it and its invoice has
//     expired. No channel carries its hash, and nothing was sent for it for a while, so that no request is still on its way
//   - the wallet has made no transaction over exactly this amount to this address that the journal does not know (a journal restored from a backup)
//
// The address is the operator's, or else the miner's name where that is an address (as in the pool: up to the first dot), or else the fallback address that
// the payee has signed in its own invoice.
#pragma once
#include "base/clock.h"
#include "onchain/book.h"
#include "settle/settle.h"

namespace hh::ln {

struct OnchainPolicy {
  Sat min{10'000};                // of a line
  Sat reserve{2'000'000};         // what the wallet keeps, confirmed
  int64_t sat_per_vbyte = 0;      // 0: what the node estimates for target_blocks
  int64_t target_blocks = 6;
  FeeLimits limits{50, 20'000};
  int64_t confirmations = 6;
  int64_t quiet_ms = 600'000;     // after the last sending over Lightning
  int64_t deadline_ms = 0;        // after a manifest was first seen; 0: only its own expiry counts
  size_t max_lines = 200;         // of a transaction
};

struct Candidate {
  Line line;
  std::string address;  // or "": it has none
  std::string source;   // "operator", "account", "invoice", or ""
  std::string reason;   // why a transaction may not pay it, or "" where it may
  bool is_settled = false;  // paid, or in a transaction that is to pay it: no candidate at all
  std::optional<Order> order;
  bitcoin::TxOutput output;
};

class Candidates {
 public:
  Candidates(Journal& journal, Backend& backend, Identity identity, const OnchainPolicy& policy, Clock& clock);
  // What the journal alone can say. Of one manifest, or of all where it is "".
  std::vector<Candidate> of(const std::string& manifest_id);
  // What only the node can say: sets `reason` where an attempt of the line may not be dead.
  void require_dead(Candidate& candidate);
  // Sets `reason` where one of these transactions, which the journal does not know, pays what the line would be paid.
  void require_unpaid(Candidate& candidate, const std::vector<WalletTransaction>& made);

 private:
  Candidate judge(const Line& line);
  std::string why_not_now(const Line& line, const std::optional<Order>& order);
  bool is_too_late(const Line& line, const std::optional<Order>& order);
  std::string why_not_dead(Attempt& attempt);
  Journal& journal_;
  Backend& backend_;
  Identity identity_;
  const OnchainPolicy& policy_;
  Clock& clock_;
  OnchainBook book_;
  Reconciler reconciler_;
};

// Where the line could be paid, by the account's name or its invoice. Empty: nowhere.
struct Place {
  std::string address, source;
};
Place place_of(const Line& line, bitcoin::Network network);

}  // namespace hh::ln

// The queue of withdrawals. It sends nothing: it makes manifests, which are signed and paid as any other (kind "withdrawal"). [L053]
//
// A node's oldest order that is not ordered in full gets one line of the next batch: as much as the order still asks for, the node is owed, the policy's
// caps leave (at once, in a day) and the wallet has above its reserve; whole satoshis. What it does not get stays queued. Less than the policy's
// min_withdrawal is paid only where it is all the rest of an order; an invoice, which takes one amount, is paid in full or waits. Each limit is a
// trigger too (journal/schema_reinvest.cpp).
// A batch is durable before its manifest leaves, and no other one is made before that manifest has come back to be paid: who asks again gets the same one.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "payout/payout.h"
#include "reinvest/book.h"

namespace hh::ln {

struct Withdrawal {
  std::string node;
  int64_t sequence = 0;
  Msat amount, ordered, paid;  // asked for; in batches; of these, paid with proof
  std::vector<std::string> manifests;
  const char* state() const { return paid == amount ? "PAID" : ordered == amount ? "ORDERED" : "QUEUED"; }
};

class Withdrawals {
 public:
  Withdrawals(Journal& journal, ReinvestBook& book, const Clock& clock = system_clock()) : journal_(journal), book_(book), db_(journal.database()), clock_(clock) {}

  std::vector<Withdrawal> all();  // oldest first

  // The batch whose manifest has not come back, or a new one; nullopt where nothing can be withdrawn now. Throws Error(config) without a policy, or where the wallet
  // cannot say what it has.
  std::optional<payout::Payout> next_batch(Backend& wallet);

 private:
  struct Line;
  std::optional<int64_t> pending();  // number of the batch whose manifest has not come back
  Msat owed();
  Msat spendable(Msat local, Msat owed, const Identity& identity, const ReinvestPolicy& policy);
  std::vector<Line> choose(const ReinvestPolicy& policy, Msat spendable);
  std::vector<Line> lines_of(int64_t batch);
  payout::Payout payout_of(int64_t batch, bitcoin::Network chain, bool simulated, const std::vector<Line>& lines);
  records::Destination destination_of(int64_t order);
  Journal& journal_;
  ReinvestBook& book_;
  store::Database& db_;
  const Clock& clock_;
};

}  // namespace hh::ln

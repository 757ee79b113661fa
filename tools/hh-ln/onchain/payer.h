// Paying lines on chain, exactly once: one transaction for many lines, as a last resort. hh-onchain(7)
//
// Over Lightning the payment hash makes a payment unique. On chain it is the transaction itself: its txid names its coins and its outputs, and the same
// transaction can enter the chain once, however often it is sent. So the rule is: the signed transaction is written to the journal before it leaves, and
// from then on only that one is ever sent again. Nothing is rebuilt, because a second transaction of other coins would pay everybody a second time.
//
//     fund ─▶ finalize ─▶ check ─▶ RECORDED ─publish─▶ BROADCAST ─▶ CONFIRMED    (enough confirmations: its lines are PAID)
//     nothing has left; coins are      │                    │
//     locked, which ends by itself     └──────────────┬─────┘
//                                                 CONFLICTED   another transaction, confirmed as deeply, spends one of its coins: it can never be confirmed
//
// A crash before RECORDED has sent nothing; one after it finds the transaction in the journal. A refusal by the network ("fee too low", "missing inputs")
// is no proof of anything, since what is refused today may have been accepted yesterday by others and be mined tomorrow: the batch stays as it is, and is
// sent again. Only a conflict that is itself deep in the chain frees the lines, and then only a person may let them be paid again.
//
// Higher fees come from a child (CPFP) that spends the change, not from a replacement (RBF): a replacement has another txid, and two transactions of which
// either may be confirmed are what this design avoids.
#pragma once
#include "onchain/candidates.h"

namespace hh::ln {

class OnchainPayer {
 public:
  // Throws Error(config) where transactions are unsettled that another node has made.
  OnchainPayer(Journal& journal, Backend& backend, Identity identity, Wallet& wallet, OnchainPolicy policy, Clock& clock);

  struct Plan {
    std::vector<Candidate> candidates;
    size_t lines = 0;             // that would be paid now
    Sat amount, fee, balance;     // fee: an estimate
    int64_t sat_per_vbyte = 0;
    std::string reason;           // why nothing can be paid, or ""
  };
  Plan plan(const std::string& manifest_id);
  // Brings every unsettled transaction as far as it can be brought now. False: one of them came to nothing.
  bool follow();
  // Builds, records and sends one transaction for what `plan` says. Nothing where there is nothing to pay; throws Error(temp_fail) where there is, but not now.
  std::optional<OnchainBatch> pay(const std::string& manifest_id);
  // Throws Error(data) where there is nothing to be hastened. budget: most that the child may pay; zero: as much as the rate needs for both.
  std::string bump(const std::string& txid, int64_t sat_per_vbyte, Sat budget);

 private:
  void publish(OnchainBatch& batch);
  bool follow_one(OnchainBatch& batch, const std::vector<WalletTransaction>& made);
  Checked build(const std::vector<Target>& targets, int64_t sat_per_vbyte, Sat balance, int64_t height, std::vector<Coin>& coins);
  int64_t rate();
  Identity identity_;
  std::string backend_;
  Wallet& wallet_;
  OnchainPolicy policy_;
  OnchainBook book_;
  Candidates candidates_;
};

}  // namespace hh::ln

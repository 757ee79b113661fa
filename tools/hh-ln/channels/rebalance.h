// A circular payment: out of one of our channels and in through another, to an invoice of our own. It costs the fees of the route and moves no money to
// anybody else; what it must not do is look like a payment that nobody knows, or be taken for paid or failed without proof. So it is written to the journal
// before it is sent, and followed by the same evidence as every payment: PAID with a preimage, FAILED where the node has given up for good. Only one is
// under way at a time, and none is sent anew: the next one is another payment. [L013]
#pragma once
#include "base/clock.h"
#include "channels/liquidity.h"
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {

class Rebalancer {
 public:
  Rebalancer(Journal& journal, ChannelNode& node, Identity identity, Clock& clock) : journal_(journal), node_(node), identity_(std::move(identity)), clock_(clock) {}
  // Throws Error(temp_fail) where one is still open.
  Rebalance run(const RebalancePlan& plan, Msat fee_limit);
  void follow_open();

 private:
  void take(const Rebalance& r, const Report& report);
  Journal& journal_;
  ChannelNode& node_;
  Identity identity_;
  Clock& clock_;
};

// As a `rebalance` record (hh-payments(5)). The preimage is the proof, which not everybody who may look is shown.
json::Json record_of(const Rebalance& r, bool with_proof);

}  // namespace hh::ln

// The thread of the service that looks after what payments rest upon: the node's channels (channels/keeper.h), transactions on chain that are not
// confirmed yet, and how long the journal takes to make something durable.
//
// Rebalances that nobody has asked for are made only while nothing waits to be paid, nothing is being paid and nobody has paused the service: what one ties up
// could be what a miner's payment needs. One that a person wants is made at once.
#pragma once
#include <memory>
#include <string>

#include "base/config.h"
#include "channels/keeper.h"
#include "service/desk.h"

namespace hh::ln {

class Keeping {
 public:
  Keeping(const Settings& settings, Desk& desk);
  // Until hh::stop_requested(). Throws what nobody can go on after.
  void run();

 private:
  void probe();
  void look();
  void follow();
  bool guarded(const char* what, const std::function<void()>& act);
  ChannelKeeper& keeper();
  void grant(const RebalanceWish& wish);
  int64_t now() const { return desk_.clock().monotonic_ms(); }
  Desk& desk_;
  Journal journal_;
  const int64_t every_ms_;
  const bool asks_balances_;  // the settling thread asks lnd itself; with Core Lightning it takes the same answers as the channels
  const LiquidityPolicy policy_;
  const Standing standing_;
  std::function<std::unique_ptr<ChannelNode>()> make_node_;  // empty: the wallet has no channels, or nobody wants them looked after
  std::function<void()> follow_;                             // empty: the wallet cannot pay on chain
  std::unique_ptr<ChannelNode> node_;
  Identity identity_;
  std::unique_ptr<ChannelKeeper> keeper_;
  std::map<std::string, std::string> problems_;
  int64_t next_probe_ms_ = 0, next_look_ms_ = 0, next_follow_ms_ = 0;
};

}  // namespace hh::ln

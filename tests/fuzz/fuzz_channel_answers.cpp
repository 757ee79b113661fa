// What nodes say about their channels: never a crash, and no amount that cannot be.
#include <string_view>

#include "channels/cln_channels.h"
#include "channels/lnd_channel_answers.h"
#include "channels/liquidity.h"
#include "claims.h"

namespace {

using namespace hh::ln;

void use(const std::vector<Channel>& channels) {
  for (const Channel& c : channels) check(c.local >= hh::Sat(0) && c.remote >= hh::Sat(0) && hh::is_money(c.capacity));
  const auto plan = plan_rebalance(channels, hh::Sat(1));
  check(!plan || (plan->amount <= plan->from.local && plan->amount <= plan->to.remote && plan->from.peer != plan->to.peer));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  no_crash([&] { use(read_channels(body)); });
  no_crash([&] { use(read_pending_channels(body)); });
  no_crash([&] { use(read_cln_channels(body, 201)); });
  no_crash([&] { check(hh::is_money(read_confirmed(body))); });
  no_crash([&] { read_cln_confirmed(body, 201); });
  no_crash([&] { read_forwards(body); });
  no_crash([&] { read_peers(body); });
  no_crash([&] { read_node_address(body); });
  no_crash([&] { check(read_fee_estimate(body) > 0); });
  no_crash([&] { read_opened(body); });
  no_crash([&] { read_policy_update(body); });
  no_crash([&] { read_policy(body, "03e7"); });
  no_crash([&] { read_invoice_made(body); });
  return 0;
}

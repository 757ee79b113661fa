// Core Lightning's channels through clnrest, to look at: listpeerchannels and listfunds (its rune needs "method=listfunds" too). What changes something
// is refused: it is done with lightning-cli.
#pragma once
#include "backends/cln.h"
#include "channels/node.h"

namespace hh::ln {

std::vector<Channel> read_cln_channels(std::string_view body, long status);  // throw Error(unavailable)
Sat read_cln_confirmed(std::string_view body, long status);
Balances read_cln_balances(std::string_view funds, long funds_status, std::string_view channels, long channels_status);

class ClnChannels : public ClnBackend, public ChannelNode {
 public:
  using ClnBackend::ClnBackend;
  Backend& payer() override { return *this; }
  std::optional<Balances> balances() override;
  std::vector<Channel> channels() override;
  Sat confirmed_balance() override;
  std::vector<std::pair<std::string, Msat>> fees_earned(int64_t) override { return {}; }  // not asked for
  std::vector<std::string> connected_peers() override;
  std::optional<std::string> address_of(const std::string&) override { return {}; }  // lightningd connects again by itself
};

}  // namespace hh::ln

// lnd's channels over REST. A macaroon of their own, because these rights can move all that a node has (hh-channels(7) has the command that bakes it):
//   uri:/lnrpc.Lightning/GetInfo uri:/lnrpc.Lightning/ListChannels uri:/lnrpc.Lightning/PendingChannels uri:/lnrpc.Lightning/WalletBalance
//   uri:/lnrpc.Lightning/ForwardingHistory uri:/lnrpc.Lightning/ListPeers uri:/lnrpc.Lightning/GetNodeInfo uri:/lnrpc.Lightning/GetChanInfo
//   uri:/lnrpc.Lightning/ConnectPeer uri:/lnrpc.Lightning/OpenChannelSync uri:/lnrpc.Lightning/CloseChannel
//   uri:/lnrpc.Lightning/UpdateChannelPolicy uri:/lnrpc.Lightning/AddInvoice uri:/walletrpc.WalletKit/EstimateFee
//   uri:/routerrpc.Router/SendPaymentV2 uri:/routerrpc.Router/TrackPaymentV2
#pragma once
#include "backends/lnd.h"
#include "channels/node.h"

namespace hh::ln {

class LndChannels : public LndBackend, public ChannelNode {
 public:
  using LndBackend::LndBackend;
  Backend& payer() override { return *this; }
  std::vector<Channel> channels() override;
  Sat confirmed_balance() override;
  std::vector<std::pair<std::string, Msat>> fees_earned(int64_t since_unix_seconds) override;
  ForwardPage forwards(int64_t since_unix_seconds, int64_t after) override;
  bool lists_forwards() const override { return true; }
  std::vector<std::string> connected_peers() override;
  std::optional<std::string> address_of(const std::string& peer) override;
  void connect(const PeerAddress& peer) override;
  int64_t chain_fee_sat_per_vbyte() override;
  std::string open(const std::string& peer, Sat amount, int64_t sat_per_vbyte, bool is_private) override;
  void close(const Channel& channel, bool force, int64_t sat_per_vbyte) override;
  Policy policy(const Channel& channel) override;
  void set_policy(const Channel& channel, const Policy& policy) override;
  std::string own_invoice(Msat amount, int64_t seconds) override;

 private:
  std::string own_key_;  // asked for once
};

}  // namespace hh::ln

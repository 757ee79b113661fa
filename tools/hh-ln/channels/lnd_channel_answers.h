// lnd's answers about channels. Pure functions; all throw Error(unavailable) for what is not such an answer. [lnrpc/lightning.proto of lnd 0.21]
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "channels/node.h"

namespace hh::ln {

std::vector<Channel> read_channels(std::string_view body);          // /v1/channels
std::vector<Channel> read_pending_channels(std::string_view body);  // /v1/channels/pending
Sat read_confirmed(std::string_view body);                          // /v1/balance/blockchain: without what is locked
std::vector<std::string> read_peers(std::string_view body);         // /v1/peers
std::optional<std::string> read_node_address(std::string_view body);  // /v1/graph/node/{key}: the first of IP or name; no .onion
int64_t read_fee_estimate(std::string_view body);                   // /v2/wallet/estimatefee/{blocks}: sat per vbyte, rounded up
std::string read_opened(std::string_view body);                     // /v1/channels (POST): the point
void read_policy_update(std::string_view body);                     // /v1/chanpolicy: throws where an update failed
Policy read_policy(std::string_view body, const std::string& own_key);  // /v1/graph/edge/{id}
std::string read_invoice_made(std::string_view body);               // /v1/invoices: the BOLT 11 text

}  // namespace hh::ln

// The commands about channels: channels, open, close, rebalance, policy.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>

#include "base/config.h"
#include "channels/liquidity.h"
#include "channels/node.h"
#include "commands.h"

namespace hh::ln {

// Where the settings point to, with the rights for channels. Throws Error(config).
std::unique_ptr<ChannelNode> make_channel_node(const Settings& settings);
// Reads what is needed, secrets too, once; each call of what it returns makes one of them.
std::function<std::unique_ptr<ChannelNode>()> channel_node_maker(const Settings& settings);
LiquidityPolicy liquidity_policy(const Settings& settings);

using AddCommand = std::function<CLI::App*(const char* name, const char* help, std::function<int()> body)>;
void add_channel_commands(const Settings& settings, Writers& writers, const AddCommand& add);

}  // namespace hh::ln

// The subcommands of hh-devchain.
#pragma once
#include <string>
#include <vector>

#include "base/config.h"

namespace hh::devchain {

std::vector<Setting> setting_list();

// The simulated node, until SIGTERM.
int serve(const Settings& settings);

// Clients of a node that serves the same data folder. They print what the node answers: generate one block hash a line, call the result as
// bitcoin-cli does (text bare, other JSON indented, null nothing).
int generate(const Settings& settings, int64_t blocks, const std::string& address);
int call(const Settings& settings, const std::string& method, const std::vector<std::string>& arguments);

}  // namespace hh::devchain

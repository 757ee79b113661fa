// hh-ln reinvest: what forwarding earns, who gets which part of it, and what nodes withdraw.
#pragma once
#include <CLI/CLI.hpp>

#include "base/config.h"
#include "commands.h"

namespace hh::ln {

std::vector<Setting> reinvest_settings();
// chosen: set to what is to be run, once the command line has been read.
void add_reinvest_commands(CLI::App& app, Settings& settings, Writers& writers, std::function<int()>& chosen);

}  // namespace hh::ln

// The settings of `hh-ln serve` and `hh-ln report`, hh-ln.toml(5).
#pragma once
#include <string>
#include <vector>

#include "base/config.h"

namespace hh::ln {

std::vector<Setting> service_settings();
// Where the daemon's socket and the tokens are: as set, else beside the journal. "off": no socket.
std::string control_path(const Settings& settings);
std::string access_path(const Settings& settings);

}  // namespace hh::ln

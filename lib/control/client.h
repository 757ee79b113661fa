// The other end of control/server.h: a command line that asks its daemon.
#pragma once
#include <functional>
#include <string>

#include "json/fields.h"

namespace hh::control {

// Sends the request and hands out each line of the answer but the last. Throws Error(unavailable) where no daemon listens at path, does not answer
// within patience_ms, or hangs up before it has said all; otherwise the error that the daemon answered with.
void ask(const std::string& path, const json::Json& request, const std::function<void(const json::Json& record, const std::string& line)>& each,
         int64_t patience_ms = 30'000);

}  // namespace hh::control

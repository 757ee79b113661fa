// The page /metrics of the service.
#pragma once
#include <string>

#include "http/api_server.h"
#include "service/desk.h"

namespace hh::ln {

// api may be null.
std::string metrics_page(Desk& desk, const http::ApiServer* api);

}  // namespace hh::ln

// What the HTTPS interface answers: hh-ln-api(7), packaging/openapi/hh-ln.json. A test compares the routes with that file.
#pragma once
#include <mutex>

#include "http/rate_limit.h"
#include "http/route.h"
#include "service/access.h"
#include "service/desk.h"

namespace hh::ln {

class Api {
 public:
  Api(Desk& desk, Access& access, int64_t token_requests_per_minute, size_t most_manifest_bytes);
  http::ApiResponse answer(const http::ApiRequest& request);
  // 64 KiB, but what a manifest may have for a client with a certificate that sends one.
  size_t body_limit(const http::ApiRequest& head) const;
  const http::Router& router() const { return router_; }

 private:
  Token require(const http::ApiRequest& request, Right right);
  Token require_code(const http::ApiRequest& request, Right right);
  void add_reading();
  void add_changing();
  http::ApiResponse take_manifest(const http::ApiRequest& request);
  Desk& desk_;
  Access& access_;
  http::Router router_;
  http::RateLimit by_token_, codes_;
  size_t most_manifest_bytes_;
};

// The file itself, as it is shipped.
const std::string& openapi_text();

// GET /v1/treasury/status; also what `hh-ln treasury` prints.
json::Json treasury_status(Desk& desk);

}  // namespace hh::ln

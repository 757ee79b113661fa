// What the HTTPS interface answers: hh-ln-api(7), packaging/openapi/hh-ln.json. A test compares the routes with that file.
#pragma once
#include <mutex>

#include "http/rate_limit.h"
#include "http/route.h"
#include "channels/node.h"
#include "service/access.h"
#include "service/desk.h"

namespace hh::ln {

class Api {
 public:
  struct Channels {
    std::function<std::unique_ptr<ChannelNode>()> make_node;  // empty: the wallet has none that could be changed
    int64_t rebalance_fee_ppm = 0;                            // unless a request says another
  };
  Api(Desk& desk, Access& access, int64_t token_requests_per_minute, size_t most_manifest_bytes, Channels channels);
  http::ApiResponse answer(const http::ApiRequest& request);
  // 64 KiB, but what a manifest may have for a client with a certificate that sends one.
  size_t body_limit(const http::ApiRequest& head) const;
  const http::Router& router() const { return router_; }

 private:
  Token require(const http::ApiRequest& request, Right right);
  Token require_code(const http::ApiRequest& request, Right right);
  void add_reading();
  using Act = std::function<http::ApiResponse(const json::Fields&, const json::Json& body, const http::ApiRequest&)>;
  // POST /v1/admin/NAME, of a body with these fields. act reads and judges the body, takes the one-time code, and acts.
  void change(const std::string& name, Right right, std::vector<const char*> fields, Act act);
  void add_changing();
  void add_channels();
  http::ApiResponse take_manifest(const http::ApiRequest& request);
  Desk& desk_;
  Access& access_;
  http::Router router_;
  http::RateLimit by_token_, codes_;
  size_t most_manifest_bytes_;
  Channels channels_;
};

// What the files of the interface share.
http::ApiResponse answer_with(const json::Json& value, unsigned status = 200);
std::string reason_of(const json::Json& body);  // the field "reason"; throws Error(data) where it says nothing
Operator operator_of(const Token& token);
void note_done(const std::string& action, const Token& token, const json::Json& details);

// The file itself, as it is shipped.
const std::string& openapi_text();

// GET /v1/treasury/status; also what `hh-ln treasury` prints.
json::Json treasury_status(Desk& desk);

}  // namespace hh::ln

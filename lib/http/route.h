// From a request's target to the function that answers it: "/v1/payments/{manifest}/{line}".
//
// Strict, so that one thing has one name and nothing is looked for in two ways: a path that is not there is 404, one with another method 405 with Allow,
// a target that is no valid URI 400. Percent signs are decoded once, within a segment, so that %2F never makes a segment of its own. Query
// parameters that a route does not know are refused (400), and so is one that comes twice.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "http/api_server.h"

namespace hh::http {

struct Target {
  std::vector<std::string> path;              // decoded segments; "/v1/x" has two, "/" one that is empty
  std::map<std::string, std::string> query;   // decoded
};
// nullopt: it does not start with '/', has a bad percent sign, a control character, a byte that is no UTF-8, a fragment, or one parameter twice.
std::optional<Target> parse_target(std::string_view target);

// A number from a path or query: digits only, without leading zeros, at most `most`.
std::optional<int64_t> parse_number(std::string_view text, int64_t most);

// What a route's function gets.
struct Call {
  const ApiRequest& request;
  std::map<std::string, std::string> path;   // by the names in braces
  std::map<std::string, std::string> query;
};

// An answer other than what was asked for, thrown by handlers. retry_after: seconds, for 429 and 503; 0: not said.
class HttpError : public std::exception {
 public:
  HttpError(unsigned status, std::string reason, int64_t retry_after = 0) : status_(status), retry_after_(retry_after), reason_(std::move(reason)) {}
  unsigned status() const { return status_; }
  int64_t retry_after() const { return retry_after_; }
  const char* what() const noexcept override { return reason_.c_str(); }

 private:
  unsigned status_;
  int64_t retry_after_;
  std::string reason_;
};

class Router {
 public:
  using Handle = std::function<ApiResponse(const Call&)>;
  // pattern: "/v1/payments/{hash}"; a literal segment goes before one in braces. query: the parameters that it knows.
  void on(const std::string& method, const std::string& pattern, Handle handle, std::set<std::string> query = {});
  // Calls the route's function. HttpError becomes its answer; other exceptions pass through.
  ApiResponse answer(const ApiRequest& request) const;
  // "GET /v1/payments/{hash}" of each route, for the test that compares them with the OpenAPI file.
  std::vector<std::string> names() const;

 private:
  struct Route {
    std::string method, pattern;
    std::vector<std::string> segments;
    std::set<std::string> query;
    Handle handle;
  };
  std::vector<Route> routes_;
};

}  // namespace hh::http

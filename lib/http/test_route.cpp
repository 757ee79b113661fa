#include <catch2/catch.hpp>

#include "http/route.h"

using namespace hh::http;

TEST_CASE("targets are taken apart strictly", "[L042]") {
  const auto t = parse_target("/v1/pay%2Fments/a+b?x=1%26&y=a+b&z");
  REQUIRE(t);
  CHECK(t->path == std::vector<std::string>{"v1", "pay/ments", "a+b"});
  CHECK(t->query == std::map<std::string, std::string>{{"x", "1&"}, {"y", "a b"}, {"z", ""}});
  CHECK(parse_target("/")->path == std::vector<std::string>{""});
  CHECK(parse_target("/a?")->query.empty());
  CHECK(parse_target("/%c3%a9")->path.front() == "\xc3\xa9");
  for (const char* bad : {"", "*", "http://a/", "a", "/%", "/%4", "/%zz", "/%00", "/%0a", "/\x7f", "/a b", "/a#b", "/%ff", "/%ed%a0%80", "/?a=1&a=2", "/?=1", "/?&", "/?a=%", "/\xc3\xa9"}) {
    INFO(bad);
    CHECK_FALSE(parse_target(bad));
  }
}

TEST_CASE("numbers have one spelling") {
  CHECK(parse_number("0", 9) == 0);
  CHECK(parse_number("10", 10) == 10);
  for (const char* bad : {"", "01", "-1", "+1", " 1", "1 ", "0x1", "1e1", "11", "9999999999999999999"}) {
    INFO(bad);
    CHECK_FALSE(parse_number(bad, 10));
  }
}

TEST_CASE("each route gets its own, everything else is told why not", "[L042]") {
  Router router;
  router.on("GET", "/v1/things/{id}", [](const Call& c) { return ApiResponse{.body = "id " + c.path.at("id")}; });
  router.on("GET", "/v1/things/all", [](const Call& c) { return ApiResponse{.body = "all " + (c.query.contains("limit") ? c.query.at("limit") : "")}; }, {"limit"});
  router.on("POST", "/v1/things/all", [](const Call&) -> ApiResponse { throw HttpError(409, "it is there"); });
  const auto ask = [&](const std::string& method, const std::string& target) {
    ApiRequest request;
    request.method = method, request.target = target;
    return router.answer(request);
  };
  CHECK(ask("GET", "/v1/things/7%20").body == "id 7 ");
  CHECK(ask("GET", "/v1/things/all?limit=3").body == "all 3");
  CHECK(ask("POST", "/v1/things/all").status == 409);
  CHECK(ask("POST", "/v1/things/all").body == "{\"type\":\"error\",\"v\":1,\"status\":409,\"reason\":\"it is there\"}\n");
  CHECK(ask("GET", "/v1/things/all?other=3").status == 400);
  CHECK(ask("GET", "/v1/things/7?limit=3").status == 400);
  CHECK(ask("GET", "/v1/things/").status == 404);
  CHECK(ask("GET", "/v1/things/7/").status == 404);
  CHECK(ask("GET", "/V1/things/7").status == 404);
  CHECK(ask("GET", "/v1/%").status == 400);
  const ApiResponse not_so = ask("DELETE", "/v1/things/all");
  CHECK(not_so.status == 405);
  CHECK(not_so.headers.front() == std::pair<std::string, std::string>("Allow", "GET, POST"));
  CHECK(router.names() == std::vector<std::string>{"GET /v1/things/all", "GET /v1/things/{id}", "POST /v1/things/all"});
}

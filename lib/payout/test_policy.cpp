// The policy file: defaults, ranges, and errors that name file, line and the key that was meant. [C070][C084]
#include <catch2/catch.hpp>

#include "payout/policy.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;

namespace {
std::string refused(std::string_view toml) {
  return refusal(Exit::config, [&] { parse_policy(toml, "p.toml"); });
}
}  // namespace

TEST_CASE("policy: an empty file is the default policy [C070]", "[C070]") {
  CHECK(parse_policy("", "p") == Policy{});
  CHECK(json::to_line(to_record(Policy{})) ==
        R"({"type":"policy","v":1,"scheme":"prop","operator_ppm":5000,"node_pool_ppm":5000,"min_payout_sat":1000,"pay_unit_msat":1000})");
}

TEST_CASE("policy: every key [C070]", "[C070]") {
  const Policy p = parse_policy("scheme = \"pplns\"\noperator_ppm = 1\nnode_pool_ppm = 2\nmin_payout_sat = 3\npay_unit_msat = 4\npplns_factor = 5\n", "p");
  CHECK(json::to_line(to_json(p)) ==
        R"({"scheme":"pplns","operator_ppm":1,"node_pool_ppm":2,"min_payout_sat":3,"pplns_factor":5,"pay_unit_msat":4})");
  CHECK(policy_from_json(to_json(p)) == p);
}

TEST_CASE("policy: what is wrong is named with its line [C084]", "[C084]") {
  CHECK(has(refused("\nopreator_ppm = 1"), "p.toml, line 2: unknown key \"opreator_ppm\" (did you mean \"operator_ppm\"?)"));
  CHECK(has(refused("xyzzy = 1"), "unknown key \"xyzzy\""));
  CHECK(has(refused("[fees]\noperator_ppm = 1"), "unknown key \"fees\""));
  CHECK(has(refused("scheme = \"fpps\""), "scheme must be"));
  CHECK(has(refused("scheme = 1"), "scheme must be"));
  CHECK(has(refused("operator_ppm = 0.5"), "must be an integer"));
  CHECK(has(refused("operator_ppm = \"5000\""), "must be an integer"));
  CHECK(has(refused("operator_ppm = 1000001"), "from 0 to 1000000"));
  CHECK(has(refused("operator_ppm = -1"), "from 0 to 1000000"));
  CHECK(has(refused("min_payout_sat = 0"), "from 1 to"));
  CHECK(has(refused("min_payout_sat = 100000001"), "from 1 to"));
  CHECK(has(refused("pay_unit_msat = 0"), "from 1 to"));
  CHECK(has(refused("pplns_factor = 0"), "from 1 to 100"));
  CHECK(has(refused("operator_ppm = 600000\nnode_pool_ppm = 400001"), "more than the whole"));
  CHECK(has(refused("operator_ppm = 1\noperator_ppm = 2"), "line 2"));
  CHECK(has(refused("operator_ppm ="), "line 1"));
  CHECK(has(refused("scheme = \"\xff\""), "line 1"));
  CHECK(has(refused("operator_ppm = 99999999999999999999"), "line 1"));
}

TEST_CASE("policy: a file that is not there [C084]", "[C084]") {
  CHECK(has(refusal(Exit::no_input, [] { load_policy("no/such/policy.toml"); }), "no/such/policy.toml"));
}

TEST_CASE("policy: in a manifest it is checked as in a file [C070]", "[C070]") {
  const auto from = [](const char* text) { return refusal(Exit::data, [&] { policy_from_json(json::parse(text)); }); };
  CHECK(has(from(R"({"scheme":"prop","operator_ppm":600000,"node_pool_ppm":400001,"min_payout_sat":1,"pay_unit_msat":1})"), "more than the whole"));
  CHECK(has(from(R"({"scheme":"prop","operator_ppm":5000,"node_pool_ppm":5000,"min_payout_sat":0,"pay_unit_msat":1})"), "min_payout_sat"));
  CHECK(has(from(R"({"scheme":"prop","operator_ppm":5000,"node_pool_ppm":5000,"min_payout_sat":1})"), "pay_unit_msat"));
  CHECK(has(from(R"({"scheme":"pplns","operator_ppm":5000,"node_pool_ppm":5000,"min_payout_sat":1,"pay_unit_msat":1})"), "pplns_factor"));
}

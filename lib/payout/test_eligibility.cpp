// Who shares in the node pool: uptime to the sample, channels, synced bitcoind; and strict reading of node records. [C071][C122][L025][L081]
#include <catch2/catch.hpp>

#include "json/strict.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;

namespace {

NodeFacts with_samples(int64_t up, int64_t total) {
  NodeFacts n = node("n");
  n.samples_up = up, n.samples_total = total;
  return n;
}

const std::string good = R"({"type":"node","v":1,"node":"n1","samples_up":120000,"samples_total":120960,"treasury_channels":1,)"
                         R"("template_provider":"local","bitcoind_synced":true,"destination":{"kind":"lnaddress","value":"n1@example.com"}})";

std::string changed(const std::string& from, const std::string& to) {
  std::string text = good;
  text.replace(text.find(from), from.size(), to);
  return refusal(Exit::data, [&] { node_from_record(json::parse(text)); });
}

}  // namespace

TEST_CASE("eligible: exactly 95 % of the samples is enough, one less is not [C071][C122][L025]", "[C071][C122][L025]") {
  CHECK(is_eligible(with_samples(114'912, 120'960)));
  CHECK_FALSE(is_eligible(with_samples(114'911, 120'960)));
  CHECK(is_eligible(with_samples(120'960, 120'960)));
  CHECK_FALSE(is_eligible(with_samples(0, 120'960)));
}

TEST_CASE("eligible: missing samples count as down [C071][C122]", "[C071][C122]") {
  CHECK(is_eligible(with_samples(114'912, 114'912)));
  CHECK_FALSE(is_eligible(with_samples(114'911, 114'911)));
  CHECK_FALSE(is_eligible(with_samples(1, 1)));
  CHECK_FALSE(is_eligible(with_samples(0, 0)));
}

TEST_CASE("eligible: samples beyond the cycle's do not help [C071][C122]", "[C071][C122]") {
  CHECK(is_eligible(with_samples(115'900, 122'000)));        // 95 % of 122,000
  CHECK_FALSE(is_eligible(with_samples(115'899, 122'000)));
  CHECK_FALSE(is_eligible(with_samples(114'950, 121'001)));  // 95 % would be 114,950.95: rounded up
}

TEST_CASE("eligible: a channel to the treasury and a synced bitcoind [C071][C122][L025][L081]", "[C071][C122][L025][L081]") {
  NodeFacts n = node("n");
  CHECK(is_eligible(n));
  n.local_template_provider = true;
  CHECK(why_ineligible(n) == std::vector{Ineligible::bitcoind_not_synced});
  n.bitcoind_synced = true;
  CHECK(is_eligible(n));
  n.treasury_channels = 0;
  CHECK(why_ineligible(n) == std::vector{Ineligible::no_treasury_channel});
  n.samples_up = 5, n.bitcoind_synced = false;
  CHECK(why_ineligible(n) == std::vector{Ineligible::uptime, Ineligible::no_treasury_channel, Ineligible::bitcoind_not_synced});
  CHECK(describe(Ineligible::uptime, n) == "up for 5 of 120960 samples, 114912 are needed (95 %)");
}

TEST_CASE("eligible: node records are read strictly [C071]", "[C071]") {
  CHECK(json::to_line(to_record(node_from_record(json::parse(good)))) == good);
  CHECK(has(changed("\"samples_up\":120000", "\"samples_up\":120961"), "samples_up"));
  CHECK(has(changed("\"samples_up\":120000", "\"samples_up\":-1"), "samples_up"));
  CHECK(has(changed("\"samples_up\":120000", "\"samples_up\":1.5"), "samples_up"));
  CHECK(has(changed("\"node\":\"n1\"", "\"node\":\"n 1\""), "node"));
  CHECK(has(changed("\"node\":\"n1\"", "\"node\":\"\""), "node"));
  CHECK(has(changed("\"local\"", "\"elsewhere\""), "template_provider"));
  CHECK(has(changed("true", "\"yes\""), "bitcoind_synced"));
  CHECK(has(changed("lnaddress", "cash"), "cash"));
  CHECK(has(changed("\"v\":1", "\"v\":2"), "version"));
}

// What nodes say about channels, the honest and the odd.
#include <catch2/catch.hpp>

#include "channels/cln_channels.h"
#include "channels/lnd_channel_answers.h"

using namespace hh;
using namespace hh::ln;

namespace {

const std::string key = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad", txid(64, 'a');
std::string channel(const std::string& fields, const std::string& peer = key) {
  return R"({"chan_id":"123","channel_point":")" + txid + R"(:1","remote_pubkey":")" + peer + R"(","capacity":"1000000",)" + fields + "}";
}
std::string channels(const std::string& list) { return R"({"channels":[)" + list + "]}"; }
const std::string good = channel(R"("active":true,"local_balance":"600000","remote_balance":"390000")");

}  // namespace

TEST_CASE("lnd's channels: ours, theirs, and which are active (L013)", "[channels]") {
  const auto list = read_channels(channels(good + "," + channel(R"("private":true,"local_balance":"1")")));
  REQUIRE(list.size() == 2);
  CHECK(list[0].id == "123");
  CHECK(list[0].point == txid + ":1");
  CHECK(list[0].is_active());
  CHECK(list[0].local == Sat(600'000));
  CHECK(list[0].remote == Sat(390'000));
  CHECK(list[1].state == "inactive");
  CHECK(list[1].is_private);
  CHECK(read_channels(channels("")).empty());
  for (const std::string& bad : {std::string("{}"), std::string("[]"), std::string("{"), channels(channel(R"("local_balance":"600000","remote_balance":"500000")")),
                                 channels(channel(R"("local_balance":"-1")")), channels(channel(R"("local_balance":"x")")), channels(channel("\"active\":true", "02")), channels("1"),
                                 std::string(R"({"code":2,"message":"permission denied"})")})
    CHECK_THROWS_AS(read_channels(bad), Error);
}

TEST_CASE("lnd's channels that are opening and closing", "[channels]") {
  const std::string entry = R"([{"channel":{"remote_node_pub":")" + key + R"(","channel_point":")" + txid + R"(:0","capacity":"5","local_balance":"4","remote_balance":"0"}}])";
  const auto list = read_pending_channels(R"({"pending_open_channels":)" + entry + R"(,"pending_closing_channels":[],"waiting_close_channels":)" + entry + "}");
  REQUIRE(list.size() == 2);
  CHECK(list[0].state == "opening");
  CHECK(list[1].state == "closing");
  CHECK_FALSE(list[1].is_open());
  CHECK_THROWS_AS(read_pending_channels(R"({"pending_open_channels":[{}]})"), Error);
}

TEST_CASE("what is locked on chain is not there to spend (L015)", "[channels]") {
  CHECK(read_confirmed(R"({"total_balance":"9","confirmed_balance":"5000","locked_balance":"1000"})") == Sat(4000));
  CHECK(read_confirmed(R"({"confirmed_balance":"5"})") == Sat(5));
  CHECK(read_confirmed(R"({"confirmed_balance":"5","locked_balance":"6"})") == Sat(0));
  CHECK_THROWS_AS(read_confirmed("{}"), Error);
}

TEST_CASE("forwards, peers, addresses, estimates, openings, policies, invoices of lnd (L043)", "[channels]") {
  const std::string event = R"("timestamp_ns":"1763990000123456789","chan_id_in":"1","chan_id_out":"2","incoming_htlc_id":"7","amt_in_msat":"51500","amt_out_msat":"50000")";
  const ForwardPage f = read_forwards(R"({"forwarding_events":[{)" + event + R"(,"fee_msat":"1500"}],"last_offset_index":1})");
  REQUIRE(f.forwards.size() == 1);
  CHECK(f.forwards[0] == Forward{1'763'990'000'123'456'789, "1", "2", 7, 0, Msat(51500), Msat(50000), Msat(1500)});
  CHECK(f.last_index == 1);
  CHECK(read_forwards(R"({"forwarding_events":[],"last_offset_index":0})").forwards.empty());
  for (const std::string& bad : {R"({"forwarding_events":[{)" + event + R"(,"fee_msat":"1501"}]})", R"({"forwarding_events":[{)" + event + R"(,"fee_msat":"-1"}]})",
                                 std::string(R"({"forwarding_events":[{"chan_id_in":"1","chan_id_out":"2"}]})"), std::string(R"({"forwarding_events":[{"timestamp_ns":"1","chan_id_in":"x"}]})"), std::string("{}"), std::string("[]"), std::string("")})
    CHECK_THROWS_AS(read_forwards(bad), Error);
  CHECK(read_peers(R"({"peers":[{"pub_key":")" + key + "\"}]}") == std::vector<std::string>{key});
  CHECK(read_node_address(R"({"node":{"addresses":[{"addr":"abc.onion:9735"},{"addr":"203.0.113.9:9735"}]}})") == "203.0.113.9:9735");
  CHECK_FALSE(read_node_address(R"({"node":{"addresses":[]}})"));
  CHECK(read_fee_estimate(R"({"sat_per_kw":"253"})") == 2);
  CHECK(read_fee_estimate(R"({"sat_per_kw":"12500"})") == 50);
  CHECK_THROWS_AS(read_fee_estimate(R"({"sat_per_kw":"0"})"), Error);
  CHECK(read_opened(R"({"funding_txid_bytes":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","output_index":2})") == std::string(62, '0') + "01:2");
  CHECK_THROWS_AS(read_opened(R"({"funding_txid_bytes":"AQ=="})"), Error);
  read_policy_update(R"({"failed_updates":[]})");
  CHECK_THROWS_AS(read_policy_update(R"({"failed_updates":[{"reason":"UPDATE_FAILURE_NOT_FOUND","update_error":"not found"}]})"), Error);
  const std::string edge = R"({"node1_pub":"02aa","node2_pub":")" + key + R"(","node1_policy":{"time_lock_delta":1},"node2_policy":{"time_lock_delta":80,"fee_base_msat":"1000","fee_rate_milli_msat":"7"}})";
  CHECK(read_policy(edge, key) == Policy{1000, 7, 80});
  CHECK_THROWS_AS(read_policy(edge, "03bb"), Error);
  CHECK(read_invoice_made(R"({"payment_request":"lnbc1"})") == "lnbc1");
  CHECK_THROWS_AS(read_invoice_made("{}"), Error);
}

TEST_CASE("Core Lightning's channels and what it has on chain, to look at (L013 L002)", "[channels]") {
  const auto one = [](const std::string& state, const std::string& connected) {
    return R"({"channels":[{"peer_id":")" + key + R"(","peer_connected":)" + connected + R"(,"state":")" + state + R"(","short_channel_id":"1x2x3","funding_txid":")" + txid +
           R"(","funding_outnum":0,"total_msat":1000000000,"to_us_msat":250000999}]})";
  };
  const auto list = read_cln_channels(one("CHANNELD_NORMAL", "true"), 201);
  REQUIRE(list.size() == 1);
  CHECK(list[0].is_active());
  CHECK(list[0].local == Sat(250'000));
  CHECK(list[0].remote == Sat(750'000));
  CHECK(read_cln_channels(one("CHANNELD_NORMAL", "false"), 201)[0].state == "inactive");
  CHECK(read_cln_channels(one("CHANNELD_AWAITING_LOCKIN", "true"), 201)[0].state == "opening");
  CHECK(read_cln_channels(one("ONCHAIN", "true"), 201)[0].state == "closing");
  CHECK_THROWS_AS(read_cln_channels("{}", 201), Error);
  CHECK_THROWS_AS(read_cln_channels(one("CHANNELD_NORMAL", "true"), 401), Error);
  const Balances b = read_cln_balances(R"({"outputs":[{"status":"confirmed","amount_msat":5000},{"status":"unconfirmed","amount_msat":7000},{"status":"immature","amount_msat":1000},{"status":"spent","amount_msat":1000}]})", 201,
                                       one("CHANNELD_NORMAL", "false"), 201);
  CHECK(b.confirmed == Sat(5));
  CHECK(b.unconfirmed == Sat(8));
  CHECK(b.local == Msat(250'000'000));
  CHECK(b.remote == Msat(750'000'000));
  CHECK_THROWS_AS(read_cln_balances("{}", 201, one("CHANNELD_NORMAL", "true"), 201), Error);
  CHECK(read_cln_confirmed(R"({"outputs":[{"status":"confirmed","amount_msat":5000},{"status":"unconfirmed","amount_msat":7000},{"status":"confirmed","reserved":true,"amount_msat":9000}]})", 201) == Sat(5));
}

// Alarms, the choice of a rebalance, what becomes of one in the journal, and peers that are connected again.
#include <catch2/catch.hpp>

#include "channels/keeper.h"
#include "service/desk.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using Catch::Matchers::Contains;

namespace {

const std::string other_key = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";

Channel channel(const std::string& id, int64_t local, int64_t remote, const std::string& peer = node_key, const std::string& state = "active") {
  return {id, std::string(64, 'a') + ":0", peer, Sat(local + remote), Sat(local), Sat(remote), state};
}

std::vector<std::string> alarms(int64_t local, int64_t remote, int64_t confirmed = 2'000'000) { return liquidity_of({channel("1", local, remote)}, Sat(confirmed), {}).alarms; }

class FakeChannels : public ChannelNode {
 public:
  explicit FakeChannels(ScriptedBackend& backend) : backend_(backend) {}
  Backend& payer() override { return backend_; }
  std::vector<Channel> channels() override { return list; }
  Sat confirmed_balance() override { return Sat(2'000'000); }
  std::vector<std::pair<std::string, Msat>> fees_earned(int64_t) override { return {}; }
  std::vector<std::string> connected_peers() override { return connected; }
  std::optional<std::string> address_of(const std::string&) override { return "203.0.113.9:9735"; }
  void connect(const PeerAddress& peer) override {
    asked.push_back(peer.key);
    throw Error(Exit::unavailable, "no route to host");
  }
  std::string own_invoice(Msat value, int64_t seconds) override { return invoice_number(++invoices, value, 1'700'000'000, seconds); }
  bool lists_forwards() const override { return true; }
  ForwardPage forwards(int64_t since, int64_t after) override {
    if (!forwards_refused.empty()) throw Error(Exit::config, forwards_refused);
    ForwardPage page;
    std::vector<Forward> in_time;
    for (const Forward& f : history)
      if (f.timestamp_ns >= since * 1'000'000'000) in_time.push_back(f);
    for (auto i = static_cast<size_t>(after); i < in_time.size() && page.forwards.size() < 2; ++i) page.forwards.push_back(in_time[i]);
    page.last_index = after + static_cast<int64_t>(page.forwards.size());
    return page;
  }
  Policy policy(const Channel& c) override {
    if (!policies.contains(c.id)) throw Error(Exit::unavailable, "not in the graph yet");
    return policies.at(c.id);
  }
  void set_policy(const Channel& c, const Policy& p) override { policies[c.id] = p, ++policies_set; }
  std::vector<Channel> list;
  std::vector<Forward> history;
  std::string forwards_refused;
  std::map<std::string, Policy> policies;
  int policies_set = 0;
  std::vector<std::string> connected, asked;
  uint8_t invoices = 0;

 private:
  ScriptedBackend& backend_;
};

struct Rebalancing {
  Folder folder;
  FakeClock clock;
  Journal journal{folder.file("db"), true, clock};
  ScriptedBackend backend;
  FakeChannels node{backend};
  Identity identity;
  RebalancePlan plan{channel("11", 900'000, 100'000), channel("22", 100'000, 900'000, other_key), Sat(400'000)};
  Rebalancing() {
    // The test's invoices are signed by a key of their own, which is then the node's.
    backend.id = to_hex(lightning::decode_bolt11(invoice_number(1, amount, 1'700'000'000)).payee);
    identity = backend.identify();
  }
  Rebalance run() { return Rebalancer(journal, node, identity, clock).run(plan, Msat(200'000)); }
  void follow() { Rebalancer(journal, node, identity, clock).follow_open(); }
  Rebalance last() { return journal.rebalances(false).back(); }
};

}  // namespace

TEST_CASE("alarms below 20 % outbound and 15 % inbound, to the satoshi, and below the reserve on chain (L016 L015)", "[channels]") {
  CHECK(alarms(200'000, 800'000).empty());
  CHECK(alarms(199'999, 800'001) == std::vector<std::string>{"outbound_low"});
  CHECK(alarms(850'000, 150'000).empty());
  CHECK(alarms(850'001, 149'999) == std::vector<std::string>{"inbound_low"});
  CHECK(alarms(500'000, 500'000, 1'999'999) == std::vector<std::string>{"reserve_low"});
  const Liquidity l = liquidity_of({channel("1", 400'000, 600'000), channel("2", 999'999, 1, node_key, "inactive"), channel("3", 1, 1, node_key, "closing")}, Sat(2'000'000), {});
  CHECK(l.alarms == std::vector<std::string>{"peer_offline"});
  CHECK(l.channels == 2);
  CHECK(l.outbound_percent() == 40);
  CHECK(l.inbound_percent() == 60);
  CHECK(liquidity_of({}, Sat(2'000'000), {}).alarms.empty());
  CHECK(liquidity_of({channel("2", 1, 1, node_key, "inactive")}, Sat(2'000'000), {}).alarms == std::vector<std::string>{"outbound_low", "inbound_low", "peer_offline"});
}

TEST_CASE("a rebalance joins the fullest and the emptiest channel of different peers, and fills neither past its middle (L013)", "[channels]") {
  const auto plan = plan_rebalance({channel("1", 500'000, 500'000), channel("2", 900'000, 100'000), channel("3", 50'000, 950'000, other_key), channel("4", 0, 1'000'000)}, Sat(10'000));
  REQUIRE(plan);
  CHECK(plan->from.id == "2");
  CHECK(plan->to.id == "3");  // channel 4 is emptier, but of the peer that the payment leaves by
  CHECK(plan->amount == Sat(400'000));
  CHECK_FALSE(plan_rebalance({channel("2", 900'000, 100'000), channel("3", 100'000, 900'000)}, Sat(10'000)));
  CHECK_FALSE(plan_rebalance({channel("2", 505'000, 495'000), channel("3", 100'000, 900'000, other_key)}, Sat(10'000)));
  CHECK_FALSE(plan_rebalance({channel("2", 900'000, 100'000), channel("3", 100'000, 900'000, other_key, "inactive")}, Sat(10'000)));
  CHECK_FALSE(plan_rebalance({}, Sat(10'000)));
}

TEST_CASE("a rebalance is in the journal before it is sent, leaves and comes in as planned, and is no foreign payment (L013 C129)", "[channels]") {
  Rebalancing s;
  s.backend.sends = {settled_with(preimage_hex(1), Msat(400'000'000), Msat(1234))};
  const Rebalance done = s.run();
  CHECK(done.state == "PAID");
  CHECK(done.fee == Msat(1234));
  REQUIRE(s.backend.sent.size() == 1);
  REQUIRE(s.backend.sent[0].circle);
  CHECK(s.backend.sent[0].circle->out_channel == "11");
  CHECK(to_hex(s.backend.sent[0].circle->last_hop) == other_key);
  CHECK(s.backend.sent[0].fee_limit == Msat(200'000));
  s.backend.listed = {{done.hash, Msat(400'000'000), Msat(1234), "SUCCEEDED", "", 0, 1}};
  Reconciler reconciler(s.journal, s.backend, s.identity);
  reconciler.compare_list(true);
  CHECK_NOTHROW(reconciler.require_no_foreign());
  CHECK(s.journal.unacknowledged(s.identity.node).empty());
}

TEST_CASE("while payments are paused a rebalance is followed, and none is begun (L013)", "[channels]") {
  Rebalancing s;
  s.backend.sends = {evidence(Evidence::unknown)};
  CHECK(s.run().state == "SENDING");
  pause(s.journal, "the books are open", {1, "ann"}, s.clock);
  s.backend.tracks = {settled_with(preimage_hex(1), Msat(400'000'000), Msat(1234))};
  CHECK_THROWS_WITH(s.run(), Contains("paused by ann"));
  CHECK(s.last().state == "PAID");
  CHECK(s.backend.sent.size() == 1);
}

TEST_CASE("a rebalance without an answer is followed, blocks the next, and ends only with proof (L013 L028)", "[channels]") {
  Rebalancing s;
  s.backend.sends = {evidence(Evidence::unknown, "time-out")};
  s.backend.tracks = {evidence(Evidence::in_flight)};
  CHECK(s.run().state == "SENDING");
  CHECK_THROWS_WITH(s.run(), Contains("still under way"));
  CHECK(s.backend.sent.size() == 1);
  s.backend.tracks = {settled_with(std::string(64, '0'), Msat(400'000'000))};  // a wrong preimage proves nothing
  s.follow();
  CHECK(s.last().state == "SENDING");
  s.backend.tracks = {evidence(Evidence::not_found)};
  s.follow();
  CHECK(s.last().state == "SENDING");  // its request may still be on the way
  SECTION("it arrives after all") {
    s.backend.tracks = {settled_with(preimage_hex(1), Msat(400'000'000), Msat(5))};
    s.follow();
    CHECK(s.last().state == "PAID");
    s.backend.tracks = {evidence(Evidence::failed)};
    s.follow();
    CHECK(s.last().state == "PAID");
  }
  SECTION("it never arrives") {
    s.clock.advance_ms(721'000);
    s.follow();
    CHECK(s.last().state == "FAILED");
    s.backend.sends = {evidence(Evidence::failed, "no route")};
    CHECK(s.run().reason == "no route");
  }
}

TEST_CASE("the journal takes no rebalance for paid without proof, and forgets none (L013)", "[channels]") {
  Rebalancing s;
  s.backend.sends = {settled_with(preimage_hex(1), Msat(400'000'000))};
  const std::string hash = s.run().hash;
  CHECK_FALSE(s.journal.end_rebalance(hash, "FAILED", Msat(0), "", "no"));
  for (const char* sql : {"DELETE FROM rebalances", "UPDATE rebalances SET state = 'FAILED', preimage = NULL, fee_msat = NULL", "UPDATE rebalances SET amount_msat = 1",
                          "INSERT INTO rebalances SELECT 'x', node, '1', '2', 1, 1, 'SENDING', NULL, NULL, '', 1, 1 FROM rebalances"})
    CHECK_THROWS(s.journal.database().execute(sql));
}

TEST_CASE("a node that makes another invoice than it was asked for is not paid (L013)", "[channels]") {
  Rebalancing s;
  s.identity.node = node_key;
  CHECK_THROWS_WITH(s.run(), Contains("another invoice"));
  CHECK(s.backend.sent.empty());
  CHECK(s.journal.rebalances(false).empty());
}

TEST_CASE("peers that are gone are connected again, with pauses that double up to an hour (L011)", "[channels]") {
  Rebalancing s;
  s.backend.tracks = {evidence(Evidence::unknown)};
  ChannelKeeper keeper(s.journal, s.node, s.identity, {}, s.clock);
  s.node.list = {channel("1", 500'000, 500'000), channel("2", 500'000, 500'000, other_key, "inactive")};
  CHECK(keeper.tick().liquidity.alarms == std::vector<std::string>{"peer_offline"});
  CHECK(s.node.asked == std::vector<std::string>{other_key});
  for (int minute = 0; minute < 60 * 24; ++minute) {
    s.clock.advance_ms(60'000);
    keeper.tick();
  }
  // 1, 2, 4 … 32 minutes, and then every hour for the rest of the day.
  CHECK(s.node.asked.size() == 1 + 6 + 22);
  s.node.connected = {other_key};
  s.clock.advance_ms(3'600'000);
  keeper.tick();
  CHECK(s.node.asked.size() == 29);
  s.node.connected.clear();
  s.node.list[1].state = "active";
  keeper.tick();
  s.node.list[1].state = "inactive";
  keeper.tick();
  CHECK(s.node.asked.size() == 30);  // gone anew: tried at once
}

TEST_CASE("what forwards earned is counted to the last millisatoshi, once, over restarts and days (L060 L013)", "[channels]") {
  Rebalancing s;
  const auto counter = [&](const char* name) { return s.journal.database().query_int64(std::string("SELECT value FROM counters WHERE name = '") + name + "'"); };
  const auto tick = [&] { ChannelKeeper(s.journal, s.node, s.identity, {}, s.clock).tick(); };  // each with a memory of its own, as after a restart
  constexpr int64_t day = 86'400'000'000'000, first = 20'000 * day;
  const auto earned = [](int64_t ns, const char* channel, Msat fee) { return Forward{.timestamp_ns = ns, .chan_in = "1", .chan_out = channel, .htlc_in = 0, .htlc_out = 0, .in = fee, .out = Msat(0), .fee = fee}; };
  s.node.history = {earned(first + 5, "11", Msat(1000)), earned(first + 6, "11", Msat(1)), earned(first + 7, "22", Msat(0)), earned(first + day, "22", Msat(500)), earned(first + day + 1, "22", Msat(7))};
  tick();
  CHECK(counter("fees_earned_msat") == 1508);
  CHECK(counter("forwards") == 5);
  CHECK(s.journal.database().query_int64("SELECT sum(fee_msat) FROM fees_earned WHERE to_ns / 86400000000000 = 20000") == 1001);
  tick();
  CHECK(counter("fees_earned_msat") == 1508);
  s.node.history.push_back(earned(first + day + 2, "11", Msat(9)));  // in the same second as the last one that is counted
  s.node.history.erase(s.node.history.begin(), s.node.history.begin() + 2);  // and the node forgets its oldest
  tick();
  CHECK(counter("fees_earned_msat") == 1517);
  CHECK(counter("forwards") == 6);
  // Another node's are counted apart from these.
  s.identity.node = other_key;
  tick();
  CHECK(counter("forwards") == 6 + 4);
  CHECK_THROWS_AS(s.journal.note_earned(other_key, 0, {{first, Msat(1)}}), store::ConstraintError);
  for (const char* sql : {"DELETE FROM fees_earned", "UPDATE fees_earned SET fee_msat = 1", "UPDATE counters SET value = 0", "DELETE FROM counters"}) CHECK_THROWS(s.journal.database().execute(sql));
}

TEST_CASE("a right that is missing hides what it hides and nothing else (L011 L016)", "[channels]") {
  Rebalancing s;
  s.node.list = {channel("11", 100'000, 900'000)};
  s.node.policies["11"] = {1, 2, 80};
  s.node.forwards_refused = "lnd refuses the macaroon";
  ChannelKeeper keeper(s.journal, s.node, s.identity, {}, s.clock);
  const auto seen = keeper.tick();
  CHECK(seen.liquidity.alarms == std::vector<std::string>{"outbound_low"});
  CHECK(seen.policies.at(0) == Policy{1, 2, 80});
}

TEST_CASE("the policy of the settings is set once on each channel, and an operator's own stays (L013 L043)", "[channels]") {
  Rebalancing s;
  s.node.list = {channel("11", 1, 1), channel("22", 1, 1, other_key)};
  s.node.list[1].point = std::string(64, 'b') + ":0";
  s.node.policies = {{"11", {1000, 1, 80}}, {"22", {1000, 1, 80}}};
  const auto tick = [&](Standing standing) { return ChannelKeeper(s.journal, s.node, s.identity, {}, s.clock, standing).tick(); };
  tick({});
  CHECK(s.node.policies_set == 0);
  Standing wish;
  wish.fee_ppm = 100;
  CHECK(tick(wish).policies.at(1) == Policy{1000, 100, 80});
  CHECK(s.node.policies_set == 2);
  s.node.policies["22"] = {0, 7, 40};  // `hh-ln policy`
  tick(wish);
  CHECK(s.node.policies_set == 2);
  wish.base_fee_msat = 0;
  tick(wish);
  CHECK(s.node.policies["11"] == Policy{0, 100, 80});
  CHECK(s.node.policies["22"] == Policy{0, 100, 40});
  const auto decisions = s.journal.decisions("");
  REQUIRE(decisions.size() == 4);
  CHECK(decisions[0].action == "policy");
  CHECK(decisions[0].who.name == "hh-ln serve");
}

TEST_CASE("the service rebalances by itself only where it is told to, where it is worth it, and for no more than it may cost (L013)", "[channels]") {
  Rebalancing s;
  s.node.list = {channel("11", 950'000, 50'000), channel("22", 50'000, 950'000, other_key)};
  s.backend.sends = {settled_with(preimage_hex(1), Msat(300'000'000), Msat(150'000)), settled_with(preimage_hex(2), Msat(300'000'000), Msat(90'000))};
  Standing standing;
  standing.rebalance_fee_ppm = 1000, standing.fee_per_day = Msat(400'000), standing.most = Sat(300'000);
  const auto rebalance = [&](const std::vector<Channel>& channels) { ChannelKeeper(s.journal, s.node, s.identity, {}, s.clock, standing).rebalance(channels); };
  rebalance(s.node.list);
  CHECK(s.backend.sent.empty());  // off
  standing.rebalance = true;
  rebalance({channel("11", 700'000, 300'000), channel("22", 300'000, 700'000, other_key)});
  CHECK(s.backend.sent.empty());  // no alarm's share: not worth a fee
  rebalance(s.node.list);
  REQUIRE(s.backend.sent.size() == 1);
  CHECK(s.backend.sent[0].amount == Msat(300'000'000));
  CHECK(s.backend.sent[0].fee_limit == Msat(300'000));
  s.clock.advance_ms(60'000);
  rebalance(s.node.list);
  REQUIRE(s.backend.sent.size() == 2);
  CHECK(s.backend.sent[1].fee_limit == Msat(250'000));  // what the day has left
  s.clock.advance_ms(60'000);
  CHECK(s.journal.rebalance_fees_since(0) == Msat(240'000));
  standing.fee_per_day = Msat(240'000);
  rebalance(s.node.list);
  CHECK(s.backend.sent.size() == 2);
  s.clock.advance_ms(86'400'000);
  s.backend.sends = {evidence(Evidence::unknown)};
  s.backend.tracks = {evidence(Evidence::unknown)};
  rebalance(s.node.list);
  CHECK(s.backend.sent.size() == 3);
  rebalance(s.node.list);  // its outcome is open: no other
  CHECK(s.backend.sent.size() == 3);
  CHECK(s.journal.rebalance_fees_since(s.clock.unix_ms()) == Msat(240'000));  // its limit counts until it is known
  CHECK(s.journal.decisions("").size() == 3);
  CHECK(s.journal.database().query_int64("SELECT value FROM counters WHERE name = 'rebalances_sent'") == 3);
  CHECK(s.journal.database().query_int64("SELECT value FROM counters WHERE name = 'rebalances_paid'") == 2);
  CHECK(s.journal.database().query_int64("SELECT value FROM counters WHERE name = 'rebalance_fees_msat'") == 240'000);
}

TEST_CASE("rebalances that fail are tried less and less often; two threads do not send two (L013)", "[channels]") {
  Rebalancing s;
  s.node.list = {channel("11", 950'000, 50'000), channel("22", 50'000, 950'000, other_key)};
  s.backend.sends = {evidence(Evidence::failed, "no route")};
  Standing standing;
  standing.rebalance = true;
  ChannelKeeper keeper(s.journal, s.node, s.identity, {}, s.clock, standing);
  for (int minute = 0; minute < 24 * 60; ++minute) {
    keeper.rebalance(s.node.list);
    s.clock.advance_ms(60'000);
  }
  CHECK(s.backend.sent.size() == 9);  // after 10, 20, 40, 80, 160, 320, 360 and 360 minutes
  Rebalance one{.hash = std::string(64, '1'), .node = s.identity.node, .out_channel = "1", .in_channel = "2", .amount = Msat(1), .fee_limit = Msat(1)}, two = one;
  two.hash = std::string(64, '2');
  s.journal.start_rebalance(one);
  CHECK_THROWS_AS(s.journal.start_rebalance(two), store::ConstraintError);
}

TEST_CASE("what somebody wants rebalanced is checked before it is sent (L043)", "[channels]") {
  const std::vector<Channel> channels{channel("11", 900'000, 100'000), channel("22", 100'000, 900'000, other_key), channel("33", 100'000, 900'000)};
  CHECK(plan_wanted(channels, "", "", Sat(0)).amount == Sat(400'000));
  CHECK(plan_wanted(channels, "11", "22", Sat(5)).amount == Sat(5));
  CHECK_THROWS_WITH(plan_wanted(channels, "11", "", Sat(5)), Contains("both"));
  CHECK_THROWS_WITH(plan_wanted(channels, "11", "22", Sat(0)), Contains("amount"));
  CHECK_THROWS_WITH(plan_wanted(channels, "11", "33", Sat(5)), Contains("same peer"));
  CHECK_THROWS_WITH(plan_wanted(channels, "11", "22", Sat(900'001)), Contains("cannot carry"));
  CHECK_THROWS_WITH(plan_wanted(channels, "11", "44", Sat(5)), Contains("no open channel"));
  CHECK_THROWS_WITH(plan_wanted({}, "", "", Sat(0)), Contains("nothing to rebalance"));
  CHECK(millionths_of(Sat(2'100'000'000'000'000), 1'000'000) == Msat(2'100'000'000'000'000'000));
  CHECK(millionths_of(Sat(1), 999) == Msat(0));
}

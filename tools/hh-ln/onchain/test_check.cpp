// The wallet's transaction against the order: every lie is refused before anything is recorded.
#include <catch2/catch.hpp>

#include "onchain/test_wallet.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using Catch::Matchers::Contains;

namespace {

const std::vector<bitcoin::TxOutput> ordered{{Sat(50'000), script_number(1)}, {Sat(60'000), script_number(2)}, {Sat(50'000), script_number(1)}};
const std::vector<Coin> coins{{{numbered(1), 0}, Sat(100'000), "a"}, {{numbered(2), 5}, Sat(100'000), "b"}};
const FeeLimits limits{50, 20'000};

bitcoin::Transaction good() {
  bitcoin::Transaction tx;
  for (const Coin& c : coins) tx.inputs.push_back({.previous = c.outpoint, .script = {}, .sequence = 0xffffffff, .witness = {Bytes(71, 1), Bytes(33, 2)}});
  tx.outputs = {ordered[1], ordered[0], {Sat(39'000), script_number(200)}, ordered[2]};
  return tx;
}

std::string refused(const std::function<void(bitcoin::Transaction&)>& lie, FeeLimits l = limits) {
  bitcoin::Transaction tx = good();
  lie(tx);
  try {
    check_transaction(bitcoin::serialize(tx), ordered, coins, l, bitcoin::Network::regtest, 1000);
  } catch (const Error& e) {
    CHECK(e.code() == Exit::unavailable);
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a transaction that pays what was ordered, and nothing else, is taken; equal lines have outputs of their own", "[L022]") {
  const Checked c = check_transaction(bitcoin::serialize(good()), ordered, coins, limits, bitcoin::Network::regtest, 1000);
  CHECK(c.vouts == std::vector<uint32_t>{1, 0, 3});
  CHECK(c.fee == Sat(1000));
  REQUIRE(c.change);
  CHECK((c.change->vout == 2 && c.change->value == Sat(39'000) && c.change->address == address_number(200)));
  CHECK(c.txid == good().txid().to_display_hex());
  CHECK(c.vsize == static_cast<int64_t>(good().weight() + 3) / 4);
}

TEST_CASE("a transaction that is not what was ordered is refused", "[L022]") {
  CHECK_THAT(refused([](auto& tx) { tx.outputs[0].value += Sat(1); }), Contains("no output of 60000 sat"));
  CHECK_THAT(refused([](auto& tx) { tx.outputs[3].value -= Sat(1); }), Contains("no output of 50000 sat"));
  CHECK_THAT(refused([](auto& tx) { tx.outputs[1].script = script_number(9); }), Contains("no output of 50000 sat"));
  CHECK_THAT(refused([](auto& tx) { tx.outputs.erase(tx.outputs.begin() + 3); }), Contains("no output of 50000 sat"));
  CHECK_THAT(refused([](auto& tx) { tx.outputs[2].value -= Sat(1000), tx.outputs.push_back({Sat(1000), script_number(9)}); }), Contains("not in the order"));
  CHECK_THAT(refused([](auto& tx) { tx.outputs[2].script = {0x6a}; }), Contains("change is lost"));
  CHECK_THAT(refused([](auto& tx) { tx.outputs[2].value = Sat(100); }), Contains("change is lost"));
  CHECK_THAT(refused([](auto& tx) { tx.outputs[2].value += Sat(1001); }), Contains("more than its coins hold"));
  CHECK_THAT(refused([](auto& tx) { tx.inputs[0].witness.clear(); }), Contains("not signed"));
  CHECK_THAT(refused([](auto& tx) { tx.inputs[0].previous.index = 7; }), Contains("locked for it"));
  CHECK_THAT(refused([](auto& tx) { tx.inputs.pop_back(); }), Contains("locked for it"));
  CHECK_THAT(refused([](auto& tx) { tx.inputs.push_back(tx.inputs[0]), tx.inputs[2].previous.index = 9; }), Contains("locked for it"));
  CHECK_THAT(refused([](auto& tx) { tx.inputs[1] = tx.inputs[0]; }), Contains("locked for it"));
  CHECK_THAT(refused([](auto& tx) { tx.lock_time = 1001; }), Contains("may not enter the chain yet"));
  CHECK(refused([](auto& tx) { tx.lock_time = 1000; }) == "accepted");
}

TEST_CASE("a fee above either limit is refused", "[L022]") {
  const auto nothing = [](bitcoin::Transaction&) {};
  CHECK(refused(nothing, {50, 6250}) == "accepted");  // 1,000 of 160,000
  CHECK_THAT(refused(nothing, {50, 6249}), Contains("onchain.max_fee_ppm"));
  CHECK_THAT(refused(nothing, {2, 20'000}), Contains("onchain.max_sat_per_vbyte"));
}

TEST_CASE("what is no transaction at all is refused", "[L022]") {
  Bytes raw = bitcoin::serialize(good());
  raw.push_back(0);
  CHECK_THROWS_WITH(check_transaction(raw, ordered, coins, limits, bitcoin::Network::regtest, 1000), Contains("refused"));
  CHECK_THROWS_WITH(check_transaction({}, ordered, coins, limits, bitcoin::Network::regtest, 1000), Contains("refused"));
}

TEST_CASE("the fee is divided evenly, what is left to the first outputs", "[L022]") {
  CHECK(divide_fee(Sat(1), 3) == std::vector<Msat>{Msat(334), Msat(333), Msat(333)});
  CHECK(divide_fee(Sat(300), 3) == std::vector<Msat>(3, Msat(100'000)));
  CHECK(divide_fee(Sat(0), 2) == std::vector<Msat>(2));
  for (int64_t lines = 1; lines < 50; ++lines) {
    Msat sum;
    for (const Msat part : divide_fee(Sat(777), static_cast<size_t>(lines))) sum += part;
    CHECK(sum == Msat(777'000));
  }
}

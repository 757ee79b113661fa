// Settlement records: read back as written, and no PAID without its proof. [C075][L027]
#include <catch2/catch.hpp>

#include "crypto/digest.h"
#include "payout/settlement.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;

namespace {

const std::string preimage(64, '1');

Settlement paid() {
  Settlement s;
  s.manifest_id = std::string(64, 'a'), s.line = 3, s.account = "miner:alice", s.state = SettlementState::paid;
  s.amount = Msat(5000), s.fee = Msat(7), s.preimage = preimage, s.backend = "lnd", s.attempt = 1, s.time_ms = 1'700'000'000'000;
  s.payment_hash = to_hex(crypto::sha256(BytesView(*from_hex(preimage))));
  return s;
}

std::string refused(void (*change)(json::Json&)) {
  json::Json record = to_record(paid());
  change(record);
  return refusal(Exit::data, [&] { settlement_from_record(record); });
}

}  // namespace

TEST_CASE("settlement: read back as written [C075]", "[C075]") {
  CHECK(settlement_from_record(to_record(paid())) == paid());
  Settlement s = paid();
  s.state = SettlementState::failed_safe, s.preimage.clear(), s.fee = Msat(0), s.reason = "no route", s.simulated = true, s.backend = "sim";
  CHECK(settlement_from_record(to_record(s)) == s);
  s.payment_hash.clear(), s.state = SettlementState::held;
  CHECK(settlement_from_record(to_record(s)) == s);
}

TEST_CASE("settlement: states by name [C075]", "[C075]") {
  for (const auto s : {SettlementState::planned, SettlementState::resolved, SettlementState::sending, SettlementState::inflight, SettlementState::unknown,
                       SettlementState::paid, SettlementState::failed_safe, SettlementState::held})
    CHECK(state_from_name(state_name(s)) == s);
  CHECK_FALSE(state_from_name("paid"));
  CHECK(state_name(SettlementState::failed_safe) == "FAILED_SAFE");
}

TEST_CASE("settlement: PAID needs a preimage that hashes to the payment hash [C075][L027]", "[C075][L027]") {
  CHECK(has(refused([](json::Json& r) { r.erase("preimage"); }), "no proof"));
  CHECK(has(refused([](json::Json& r) { r["preimage"] = std::string(64, '2'); }), "no proof"));
  CHECK(has(refused([](json::Json& r) { r["payment_hash"] = std::string(64, '2'); }), "no proof"));
  CHECK(has(refused([](json::Json& r) { r.erase("payment_hash"); }), "no proof"));
  CHECK(has(refused([](json::Json& r) { r.erase("fee_msat"); }), "fee_msat"));
  CHECK_FALSE(preimage_matches("", ""));
}

TEST_CASE("settlement: everything else is checked too [C075]", "[C075]") {
  CHECK(has(refused([](json::Json& r) { r["state"] = "DONE"; }), "state"));
  CHECK(has(refused([](json::Json& r) { r["state"] = "UNKNOWN"; }), "PAID only"));
  CHECK(has(refused([](json::Json& r) { r["amount_msat"] = 0; }), "positive"));
  CHECK(has(refused([](json::Json& r) { r["amount_msat"] = -5; }), "amount_msat"));
  CHECK(has(refused([](json::Json& r) { r["amount_msat"] = 5000.5; }), "amount_msat"));
  CHECK(has(refused([](json::Json& r) { r["manifest_id"] = "A"; }), "manifest_id"));
  CHECK(has(refused([](json::Json& r) { r["account"] = "treasury"; }), "account"));
  CHECK(has(refused([](json::Json& r) { r["line"] = -1; }), "line"));
  CHECK(has(refused([](json::Json& r) { r["backend"] = "sim"; }), "simulated"));
  CHECK(has(refused([](json::Json& r) { r["backend"] = ""; }), "backend"));
  CHECK(has(refused([](json::Json& r) { r["v"] = 2; }), "version"));
  Settlement s = paid();
  s.preimage.clear();
  CHECK(has(refusal(Exit::software, [&] { to_record(s); }), "no proof"));
}

namespace {

Settlement onchain() {
  Settlement s = paid();
  s.payment_hash.clear(), s.preimage.clear();
  s.txid = std::string(64, 'b'), s.vout = 2, s.address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", s.confirmations = 6;
  return s;
}

std::string refused_onchain(void (*change)(json::Json&)) {
  json::Json record = to_record(onchain());
  change(record);
  return refusal(Exit::data, [&] { settlement_from_record(record); });
}

}  // namespace

TEST_CASE("settlement on chain: read back as written, named by its output [L027]", "[L027]") {
  CHECK(settlement_from_record(to_record(onchain())) == onchain());
  CHECK(onchain().payment() == std::string(64, 'b') + ":2");
  CHECK(paid().payment() == paid().payment_hash);
  CHECK_FALSE(to_record(paid()).contains("rail"));
  Settlement under_way = onchain();
  under_way.state = SettlementState::inflight, under_way.fee = Msat(0), under_way.confirmations = 0;
  CHECK(settlement_from_record(to_record(under_way)) == under_way);
}

TEST_CASE("settlement on chain: PAID needs a confirmation, whole satoshis and no preimage [L027]", "[L027]") {
  CHECK(has(refused_onchain([](json::Json& r) { r["confirmations"] = 0; }), "no proof"));
  CHECK(has(refused_onchain([](json::Json& r) { r["amount_msat"] = 5001; }), "whole satoshis"));
  CHECK(has(refused_onchain([](json::Json& r) { r["preimage"] = preimage; }), "neither"));
  CHECK(has(refused_onchain([](json::Json& r) { r["payment_hash"] = std::string(64, '2'); }), "neither"));
  CHECK(has(refused_onchain([](json::Json& r) { r["state"] = "INFLIGHT"; }), "PAID only"));
  CHECK(has(refused_onchain([](json::Json& r) { r["address"] = ""; }), "address"));
  CHECK(has(refused_onchain([](json::Json& r) { r.erase("txid"); }), "txid"));
  CHECK(has(refused_onchain([](json::Json& r) { r["txid"] = "B"; }), "txid"));
  CHECK(has(refused_onchain([](json::Json& r) { r["vout"] = int64_t{1} << 32; }), "vout"));
  CHECK(has(refused_onchain([](json::Json& r) { r["rail"] = "pigeon"; }), "rail"));
  // Without its rail it is a payment over Lightning without a proof.
  CHECK(has(refused_onchain([](json::Json& r) { r.erase("rail"); }), "no proof"));
  CHECK(has(refused([](json::Json& r) { r["rail"] = "onchain"; }), "txid"));
  Settlement s = paid();
  s.vout = 1;
  CHECK(has(refusal(Exit::software, [&] { to_record(s); }), "on chain"));
}

TEST_CASE("settlement on chain: an outpoint has one spelling [L027]", "[L027]") {
  const std::string txid(64, 'b');
  CHECK(is_outpoint(txid + ":0"));
  CHECK(is_outpoint(txid + ":4294967295"));
  for (const std::string& bad : {txid, txid + ":", txid + ":01", txid + ":-1", txid + ":x", std::string(64, 'B') + ":0", txid + ":12345678901", txid + "00"}) CHECK_FALSE(is_outpoint(bad));
}

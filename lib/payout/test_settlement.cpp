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

// lnd's answers, the honest and the odd ones.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "backends/lnd_answers.h"

using namespace hh;
using namespace hh::ln;

namespace {

const std::string hash(64, 'a'), preimage(64, 'b');

std::string payment(const std::string& fields, const std::string& of = hash) { return R"({"result":{"payment_hash":")" + of + "\"," + fields + "}}"; }
Evidence of(const std::string& line, bool tracking = false) { return read_stream_line(line, hash, tracking).evidence; }

}  // namespace

TEST_CASE("a payment's status becomes evidence", "[lnd]") {
  const Report paid = read_stream_line(payment(R"("status":"SUCCEEDED","payment_preimage":")" + preimage + R"(","value_msat":"5000","fee_msat":"12","htlcs":[])"), hash, false);
  CHECK(paid.evidence == Evidence::settled);
  CHECK(paid.preimage == preimage);
  CHECK(paid.amount == Msat(5000));
  CHECK(paid.fee == Msat(12));
  CHECK(of(payment(R"("status":"IN_FLIGHT")")) == Evidence::in_flight);
  CHECK(of(payment(R"("status":"INITIATED")")) == Evidence::in_flight);
  CHECK(of(payment(R"("status":"FROZEN")")) == Evidence::unknown);
  CHECK(of(payment(R"("status":"SUCCEEDED")", std::string(64, 'c'))) == Evidence::unknown);
}

TEST_CASE("FAILED counts only with a reason and with every HTLC failed", "[lnd]") {
  const std::string reason = R"("failure_reason":"FAILURE_REASON_NO_ROUTE")";
  CHECK(of(payment(R"("status":"FAILED",)" + reason + R"(,"htlcs":[])")) == Evidence::failed);
  CHECK(of(payment(R"("status":"FAILED",)" + reason + R"(,"htlcs":[{"status":"FAILED"}])")) == Evidence::failed);
  CHECK(of(payment(R"("status":"FAILED",)" + reason + R"(,"htlcs":[{"status":"FAILED"},{"status":"IN_FLIGHT"}])")) == Evidence::in_flight);
  CHECK(of(payment(R"("status":"FAILED",)" + reason + R"(,"htlcs":[{}])")) == Evidence::in_flight);
  CHECK(of(payment(R"("status":"FAILED","failure_reason":"FAILURE_REASON_NONE")")) == Evidence::unknown);
  CHECK(of(payment(R"("status":"FAILED")")) == Evidence::unknown);
  CHECK_FALSE(read_stream_line(payment(R"("status":"FAILED","failure_reason":"FAILURE_REASON_INSUFFICIENT_BALANCE")"), hash, false).try_again);
}

TEST_CASE("HTTP 200 with an error inside is not success; only lnd's own NotFound to tracking is NotFound", "[lnd]") {
  const std::string not_found = R"({"error":{"code":5,"message":"payment isn't initiated","details":[]}})";
  CHECK(of(not_found, true) == Evidence::not_found);
  CHECK(of(not_found, false) == Evidence::unknown);
  CHECK(read_error(not_found, 404, true).evidence == Evidence::not_found);
  CHECK(read_error(R"({"code":5,"message":"payment isn't initiated"})", 404, true).evidence == Evidence::not_found);
  // The gateway's own answer for a path that it does not serve: says nothing about a payment.
  CHECK(read_error(R"({"code":5,"message":"Not Found","details":[]})", 404, true).evidence == Evidence::unknown);
  CHECK(read_error("<html>404</html>", 404, true).evidence == Evidence::unknown);
  for (const char* text : {"invoice is already paid", "payment is in transition", "payment already exists"})
    CHECK(of(std::string(R"({"error":{"code":6,"message":")") + text + "\"}}") == Evidence::in_flight);
  CHECK(of(R"({"error":{"code":2,"message":"self-payments not allowed"}})") == Evidence::unknown);
  CHECK(of(R"({"error":{"code":14,"message":"transport is closing"}})") == Evidence::unknown);
}

TEST_CASE("nonsense is unknown, never a failure and never a crash", "[lnd]") {
  for (const std::string line : {"", "{", "null", "[]", "1", "{}", R"({"result":null})", R"({"result":[]})", R"({"error":"x"})", R"({"result":{}})", R"({"error":{"code":"x"}})"})
    CHECK(of(line, true) == Evidence::unknown);
  CHECK(of(payment(R"("status":"SUCCEEDED","value_msat":"12x")")) == Evidence::unknown);
  CHECK(read_error("", 502, false).evidence == Evidence::unknown);
  CHECK(read_error(R"({"code":2,"message":"server is still in the process of starting"})", 500, true).evidence == Evidence::unknown);
}

TEST_CASE("getinfo says chain, key and version", "[lnd]") {
  const std::string key = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad";
  const auto answer = [&](const std::string& network, const std::string& version) {
    return R"({"version":")" + version + R"(","identity_pubkey":")" + key + R"(","synced_to_chain":true,"chains":[{"chain":"bitcoin","network":")" + network + R"("}]})";
  };
  const GetInfo info = read_getinfo(answer("mainnet", "0.21.1-beta commit=v0.21.1-beta"));
  CHECK(info.identity.chain == "main");
  CHECK(info.identity.node == key);
  CHECK(info.synced);
  CHECK(read_getinfo(answer("signet", "0.18.0-beta")).identity.chain == "signet");
  CHECK_THROWS_AS(read_getinfo(answer("signet", "0.17.5-beta")), Error);
  CHECK_THROWS_AS(read_getinfo(answer("simnet", "0.21.0-beta")), Error);
  CHECK_THROWS_AS(read_getinfo("{}"), Error);
  CHECK_THROWS_AS(read_getinfo(R"({"code":2,"message":"wallet locked"})"), Error);
}

TEST_CASE("the payment list and the channels' HTLCs are read", "[lnd]") {
  const PaymentPage page = read_payments(R"({"payments":[{"payment_hash":")" + hash + R"(","value_msat":"7","fee_msat":"1","status":"SUCCEEDED","payment_index":"4","creation_time_ns":"1700000000000000000"}],"last_index_offset":"4"})");
  REQUIRE(page.payments.size() == 1);
  CHECK(page.payments[0].amount == Msat(7));
  CHECK(page.payments[0].created_ms == 1'700'000'000'000);
  CHECK(page.last_index == 4);
  CHECK(read_payments(R"({"payments":[],"last_index_offset":"0"})").payments.empty());
  CHECK_THROWS_AS(read_payments(R"({"payments":[{"payment_hash":"short"}]})"), Error);
  PaymentHash zero{};
  const std::string htlc = R"("hash_lock":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")";
  CHECK(read_has_htlc(R"({"channels":[{"pending_htlcs":[{"incoming":false,)" + htlc + "}]}]}", zero));
  CHECK_FALSE(read_has_htlc(R"({"channels":[{"pending_htlcs":[{"incoming":true,)" + htlc + "}]}]}", zero));
  CHECK_FALSE(read_has_htlc(R"({"channels":[]})", zero));
  CHECK_THROWS_AS(read_has_htlc("{}", zero), Error);  // what is no list of channels says nothing about HTLCs
}

TEST_CASE("balances as lnd writes them", "[L041]") {
  const Balances b = read_balances(R"({"total_balance":"1500","confirmed_balance":"1000","unconfirmed_balance":"500"})",
                                   R"({"balance":"7","local_balance":{"sat":"7","msat":"7500"},"remote_balance":{"sat":"3","msat":"3000"},"pending_open_local_balance":null})");
  CHECK((b.confirmed == Sat(1000) && b.unconfirmed == Sat(500) && b.local == Msat(7500) && b.remote == Msat(3000)));
  CHECK(read_balances("{}", "{}").local.is_zero());  // a gateway leaves zeros out
  for (const char* bad : {"", "[]", "nonsense", R"({"confirmed_balance":"1.5"})", R"({"confirmed_balance":"-1"})", R"({"confirmed_balance":"99999999999999999"})"})
    CHECK_THROWS_AS(read_balances(bad, "{}"), Error);
  CHECK_THROWS_AS(read_balances("{}", R"({"local_balance":{"msat":"x"}})"), Error);
}

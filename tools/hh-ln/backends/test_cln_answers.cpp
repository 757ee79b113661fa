// Core Lightning's answers, the honest and the odd ones. Shapes as the schemas of its commands have them.
#include <catch2/catch.hpp>

#include "backends/cln.h"
#include "base/error.h"

using namespace hh;
using namespace hh::ln;

namespace {

const std::string hash(64, 'a'), preimage(64, 'b');

std::string pay(const std::string& status, const std::string& more = "", const std::string& of = hash) {
  return R"({"payment_hash":")" + of + R"(","status":")" + status + R"(","created_at":1738000000,"created_index":1)" + more + "}";
}
Report pays(const std::string& entries, long status = 201) { return read_listpays(R"({"pays":[)" + entries + "]}", status, hash); }
std::string error(int code, const std::string& message = "m") { return R"({"code":)" + std::to_string(code) + R"(,"message":")" + message + R"(","data":null})"; }
const std::string complete = pay("complete", R"(,"amount_msat":5000,"amount_sent_msat":5012,"preimage":")" + preimage + "\"");

}  // namespace

TEST_CASE("xpay's success shows preimage, amount and fee (L022)", "[cln]") {
  const XpayAnswer paid = read_xpay(R"({"payment_preimage":")" + preimage + R"(","failed_parts":0,"successful_parts":1,"amount_msat":10000,"amount_sent_msat":10002})", 201);
  CHECK(paid.report.evidence == Evidence::settled);
  CHECK(paid.report.preimage == preimage);
  CHECK(paid.report.amount == Msat(10'000));
  CHECK(paid.report.fee == Msat(2));
  CHECK_FALSE(paid.look);
  // Only 201 is success, and only with a preimage.
  CHECK(read_xpay(R"({"payment_preimage":")" + preimage + R"(","amount_msat":1,"amount_sent_msat":1})", 200).report.evidence == Evidence::unknown);
  CHECK(read_xpay("{}", 201).report.evidence == Evidence::unknown);
}

TEST_CASE("xpay's errors: which may be failures, which say that the payment is known, which say nothing (L028)", "[cln]") {
  for (const int code : {203, 205, 206, 207, 209, 210, -32602, 1501, 1502, 1503}) {
    const XpayAnswer a = read_xpay(error(code), 500);
    CHECK(a.report.evidence == Evidence::failed);
    CHECK(a.look);
  }
  for (const int code : {200, 201, 219}) {
    const XpayAnswer a = read_xpay(error(code), 500);
    CHECK(a.report.evidence == Evidence::in_flight);
    CHECK(a.look);
  }
  for (const int code : {-1, -3, -4, -5, -32601, 0, 204, 208, 213, 217, 218, 999}) {
    const XpayAnswer a = read_xpay(error(code), 500);
    CHECK(a.report.evidence == Evidence::unknown);
    CHECK_FALSE(a.look);
  }
  CHECK_FALSE(read_xpay(error(203), 500).report.try_again);
  CHECK_FALSE(read_xpay(error(207), 500).report.try_again);
  CHECK(read_xpay(error(205), 500).report.try_again);
  CHECK(read_xpay(error(1502, "Not permitted: too much"), 401).report.reason == "the rune does not permit this payment (error 1502: Not permitted: too much)");
}

TEST_CASE("an error of xpay counts as a failure only where no part is under way or paid (L028)", "[cln]") {
  const Report no_route = read_xpay(error(205), 500).report, already = read_xpay(error(219), 500).report;
  CHECK(after_look(no_route, pays("")).evidence == Evidence::failed);
  CHECK(after_look(no_route, pays(pay("failed"))).evidence == Evidence::failed);
  CHECK(after_look(no_route, pays(pay("pending"))).evidence == Evidence::in_flight);
  CHECK(after_look(no_route, pays(pay("failed") + "," + pay("pending"))).evidence == Evidence::in_flight);
  CHECK(after_look(no_route, pays(complete)).evidence == Evidence::settled);
  CHECK(after_look(no_route, pays("", 500)).evidence == Evidence::unknown);
  CHECK(after_look(no_route, read_listpays("<html>", 502, hash)).evidence == Evidence::unknown);
  CHECK(after_look(already, pays(complete)).preimage == preimage);
  // Paid, and forgotten: it stays a payment that the node knew.
  CHECK(after_look(already, pays("")).evidence == Evidence::in_flight);
  CHECK(after_look(already, pays(pay("failed"))).evidence == Evidence::in_flight);
}

TEST_CASE("listpays: failed only where all is failed, not found only where the list is there and empty (L028)", "[cln]") {
  CHECK(pays("").evidence == Evidence::not_found);
  CHECK(pays(pay("failed")).evidence == Evidence::failed);
  CHECK(pays(pay("failed") + "," + pay("failed")).evidence == Evidence::failed);
  CHECK(pays(pay("failed") + "," + complete).evidence == Evidence::settled);
  CHECK(pays(complete).fee == Msat(12));
  CHECK(pays(pay("pending") + "," + complete).evidence == Evidence::settled);
  CHECK(pays(pay("resting")).evidence == Evidence::unknown);
  CHECK(pays(pay("failed") + "," + pay("failed", "", std::string(64, 'c'))).evidence == Evidence::unknown);
  for (const std::string body : {"", "{", "{}", "[]", "null", R"({"pays":null})", R"({"pays":{}})", R"({"pays":"none"})"}) CHECK(read_listpays(body, 201, hash).evidence == Evidence::unknown);
  CHECK(read_listpays(R"({"pays":[]})", 200, hash).evidence == Evidence::unknown);
  CHECK(read_listpays(R"({"pays":[]})", 404, hash).evidence == Evidence::unknown);
  CHECK(read_listpays(R"({"pays":[1]})", 201, hash).evidence == Evidence::unknown);
  CHECK(pays(pay("complete", R"(,"amount_msat":"x")")).evidence == Evidence::unknown);
}

TEST_CASE("getinfo says chain, key and version; older than 26.06 is refused, because its listpays flickers (L002)", "[cln]") {
  const std::string key = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad";
  const auto answer = [&](const std::string& network, const std::string& version, const std::string& more = "") {
    return R"({"id":")" + key + R"(","version":")" + version + R"(","network":")" + network + R"(","blockheight":114)" + more + "}";
  };
  const ClnInfo info = read_cln_getinfo(answer("bitcoin", "v26.06.6"), 201);
  CHECK(info.identity.chain == "main");
  CHECK(info.identity.node == key);
  CHECK(info.synced);
  CHECK_FALSE(read_cln_getinfo(answer("signet", "v26.06", R"(,"warning_bitcoind_sync":"Bitcoind is not up-to-date with network.")"), 201).synced);
  CHECK(read_cln_getinfo(answer("regtest", "v26.09-12-gabcdef-modded"), 201).identity.chain == "regtest");
  CHECK(read_cln_getinfo(answer("testnet4", "v27.03rc1"), 201).identity.chain == "testnet4");
  for (const char* old : {"v26.04", "v25.12.1", "v0.12.0", "26.06", "", "unknown"}) CHECK_THROWS_AS(read_cln_getinfo(answer("bitcoin", old), 201), Error);
  CHECK_THROWS_AS(read_cln_getinfo(answer("liquid", "v26.06"), 201), Error);
  CHECK_THROWS_AS(read_cln_getinfo(answer("testnet", "v26.06"), 201), Error);
  CHECK_THROWS_AS(read_cln_getinfo("{}", 201), Error);
  for (const long status : {401L, 403L}) try {
      read_cln_getinfo(error(1502, "Not permitted"), status);
      FAIL("a rune that is refused");
    } catch (const Error& e) {
      CHECK(e.code() == Exit::config);
    }
  try {
    read_cln_getinfo(error(-1, "still starting"), 500);
    FAIL("an error of getinfo");
  } catch (const Error& e) {
    CHECK(e.code() == Exit::unavailable);
    CHECK(std::string(e.what()).find("error -1: still starting") != std::string::npos);
  }
}

TEST_CASE("parts of the node's list become payments, each at the index of its newest part (L022)", "[cln]") {
  const auto part = [](int index, const std::string& of, const std::string& status, int amount_msat, const std::string& more = "") {
    return R"({"created_index":)" + std::to_string(index) + R"(,"id":1,"groupid":1,"partid":1,"payment_hash":")" + of + R"(","status":")" + status + R"(","amount_msat":)" +
           std::to_string(amount_msat) + R"(,"amount_sent_msat":)" + std::to_string(amount_msat + 3) + R"(,"created_at":1738000000)" + more + "}";
  };
  const std::string other(64, 'c'), third(64, 'd');
  const auto parts = read_listsendpays(R"({"payments":[)" + part(1, hash, "failed", 900) + "," + part(2, other, "pending", 10) + "," + part(3, hash, "complete", 400, R"(,"payment_preimage":")" + preimage + "\"") +
                                           "," + part(5, hash, "complete", 500) + "," + part(6, third, "failed", 70) + "]}",
                                       201);
  REQUIRE(parts.size() == 5);
  const auto listed = payments_of(parts);
  REQUIRE(listed.size() == 3);
  CHECK(listed[0].hash == other);
  CHECK(listed[0].status == "IN_FLIGHT");
  CHECK(listed[1].hash == hash);
  CHECK(listed[1].status == "SUCCEEDED");
  CHECK(listed[1].amount == Msat(900));
  CHECK(listed[1].fee == Msat(6));
  CHECK(listed[1].index == 5);
  CHECK(listed[1].created_ms == 1'738'000'000'000);
  CHECK(listed[2].status == "FAILED");
  CHECK(listed[2].index == 6);
  CHECK(read_listsendpays(R"({"payments":[]})", 201).empty());
  for (const std::string& body : {std::string("{}"), std::string(R"({"payments":{}})"), R"({"payments":[)" + part(0, hash, "failed", 1) + "]}", R"({"payments":[)" + part(1, "short", "failed", 1) + "]}",
                                 R"({"payments":[)" + part(1, hash, "odd", 1) + "]}"})
    CHECK_THROWS_AS(read_listsendpays(body, 201), Error);
  CHECK_THROWS_AS(read_listsendpays(R"({"payments":[]})", 500), Error);
}

TEST_CASE("an outgoing HTLC of a channel is seen; what is no list of channels says nothing (L028)", "[cln]") {
  PaymentHash zero{};
  const std::string htlc = R"("id":1,"amount_msat":1,"expiry":1,"state":"SENT_ADD_ACK_REVOCATION","payment_hash":")" + std::string(64, '0') + "\"";
  CHECK(read_cln_has_htlc(R"({"channels":[{"state":"CHANNELD_NORMAL"},{"htlcs":[{"direction":"out",)" + htlc + "}]}]}", 201, zero));
  CHECK_FALSE(read_cln_has_htlc(R"({"channels":[{"htlcs":[{"direction":"in",)" + htlc + "}]}]}", 201, zero));
  CHECK_FALSE(read_cln_has_htlc(R"({"channels":[]})", 201, zero));
  CHECK_THROWS_AS(read_cln_has_htlc("{}", 201, zero), Error);
  CHECK_THROWS_AS(read_cln_has_htlc(R"({"channels":[]})", 401, zero), Error);
}

TEST_CASE("a rune is taken without the white space around it; what is none is refused without being shown", "[cln]") {
  CHECK(rune_of(" 7cKJyALVY0_LLVV-AB9oetXjipOdyt0EhOuYrSS42fM9MA==\n") == "7cKJyALVY0_LLVV-AB9oetXjipOdyt0EhOuYrSS42fM9MA==");
  for (const char* bad : {"", " \n", "a b", "{\"rune\": \"x\"}", "a\nb"}) CHECK_THROWS_AS(rune_of(bad), Error);
  CHECK_THROWS_AS(ClnBackend({.url = "http://192.0.2.1:3010", .rune = "x", .tls_ca = {}}), Error);
  CHECK_THROWS_AS(ClnBackend({.url = "nonsense", .rune = "x", .tls_ca = {}}), Error);
}

TEST_CASE("fetchinvoice gives an invoice, or says why there is none (C126)", "[cln]") {
  CHECK(read_fetchinvoice(R"({"invoice":"lni1abc","changes":{}})", 201) == "lni1abc");
  const auto why = [](const std::string& body, long status) {
    try {
      return read_fetchinvoice(body, status);
    } catch (const Error& e) {
      CHECK(e.code() == Exit::unavailable);
      return std::string(e.what());
    }
  };
  CHECK_THAT(why(error(1005, "Timeout waiting for response"), 500), Catch::Matchers::Contains("error 1005: Timeout waiting for response"));
  CHECK_THAT(why(error(1502, "Not permitted"), 401), Catch::Matchers::Contains("refuses the rune for fetchinvoice"));
  CHECK_THAT(why(R"({"invoice":"lni1abc"})", 200), Catch::Matchers::Contains("HTTP status 200"));
  for (const char* bad : {"", "[]", "{}", R"({"invoice":""})", R"({"invoice":7})", "<html>"}) CHECK_THAT(why(bad, 201), Catch::Matchers::Contains("fetchinvoice"));
}

TEST_CASE("what was paid for an offer is listed with its invoice (C126)", "[cln]") {
  const auto parts = read_listsendpays(R"({"payments":[{"created_index":1,"payment_hash":")" + hash + R"(","status":"failed","amount_msat":1,"amount_sent_msat":1,"created_at":1,"bolt12":"lni1x"}]})", 201);
  REQUIRE(parts.size() == 1);
  CHECK(parts[0].invoice == "lni1x");
  CHECK(payments_of(parts).at(0).amount == Msat(0));  // it cannot be read
}

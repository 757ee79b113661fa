// lnd's wallet over REST, as it answers and as it could.
#include <catch2/catch.hpp>

#include "base/error.h"
#include "onchain/lnd_wallet_answers.h"
#include "onchain/psbt.h"

using namespace hh;
using namespace hh::ln;
using Catch::Matchers::Contains;

namespace {

const std::string txid = "0102030405060708091011121314151617181920212223242526272829303132";
const std::string funded = R"({"funded_psbt":"cHNidP8=","change_output_index":1,"locked_utxos":[{"id":"AAAA","outpoint":{"txid_str":")" + txid +
                           R"(","output_index":3},"expiration":"1","pk_script":"","value":"5000"}]})";
const std::string transactions = R"({"transactions":[{"tx_hash":")" + txid + R"(","num_confirmations":2,"time_stamp":"1700000000","previous_outpoints":[{"outpoint":")" + txid +
                                 R"(:7","is_our_output":true}],"output_details":[{"pk_script":"0014aa","amount":"700"},{"pk_script":"zz","amount":"1"}]}]})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

template <class F>
std::string refused(F&& read) {
  try {
    read();
  } catch (const Error& e) {
    CHECK(e.code() == Exit::unavailable);
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("lnd's wallet answers are read", "[L022]") {
  CHECK(read_block_height(R"({"block_height":812})") == 812);
  CHECK(read_confirmed_balance(R"({"total_balance":"9","confirmed_balance":"7"})") == Sat(7));
  CHECK(read_fee_rate(R"({"sat_per_kw":"250"})") == 1);
  CHECK(read_fee_rate(R"({"sat_per_kw":"251"})") == 2);
  const Funded f = read_funded(funded);
  CHECK((f.psbt == Bytes{'p', 's', 'b', 't', 0xff} && f.coins.size() == 1));
  CHECK((f.coins[0].value == Sat(5000) && f.coins[0].outpoint.index == 3 && f.coins[0].outpoint.txid.to_display_hex() == txid && f.coins[0].lock == "AAAA"));
  CHECK(read_final_transaction(R"({"raw_final_tx":"AQI="})") == Bytes{1, 2});
  const std::string addresses = R"({"account_with_addresses":[{"addresses":[{"address":"x"}]},{"addresses":[{"address":"y","is_internal":true}]}]})";
  CHECK((has_address(addresses, "y") && has_address(addresses, "x") && !has_address(addresses, "z") && !has_address("{}", "x")));
  const auto list = read_transactions(transactions);
  REQUIRE(list.size() == 1);
  CHECK((list[0].txid == txid && list[0].confirmations == 2 && list[0].time_ms == 1'700'000'000'000 && list[0].inputs.at(0).index == 7 && list[0].outputs.size() == 1));
  CHECK(read_transactions("{}").empty());
}

TEST_CASE("what lnd's wallet does not say is no answer", "[L022]") {
  CHECK(refused([] { read_block_height("{}"); }) != "accepted");
  CHECK(refused([] { read_confirmed_balance(R"({"confirmed_balance":"-1"})"); }) != "accepted");
  CHECK(refused([] { read_confirmed_balance(R"({"total_balance":"5"})"); }) != "accepted");
  CHECK(refused([] { read_fee_rate(R"({"sat_per_kw":"0"})"); }) != "accepted");
  CHECK(refused([] { read_funded("no json"); }) != "accepted");
  CHECK(refused([] { read_funded(replaced(funded, "\"5000\"", "\"-1\"")); }) != "accepted");
  CHECK(refused([] { read_funded(replaced(funded, "\"value\"", "\"worth\"")); }) != "accepted");
  CHECK(refused([] { read_funded(replaced(funded, "0102", "xx02")); }) != "accepted");
  CHECK(refused([] { read_funded(replaced(funded, "output_index\":3", "output_index\":-3")); }) != "accepted");
  CHECK(refused([] { read_funded(replaced(funded, "locked_utxos", "locked")); }) != "accepted");
  CHECK(refused([] { read_final_transaction(R"({"raw_final_tx":""})"); }) != "accepted");
  CHECK(refused([] { read_final_transaction("[]"); }) != "accepted");
  // A list whose transactions do not show their inputs would hide a conflict.
  CHECK(refused([] { read_transactions(replaced(transactions, "previous_outpoints", "inputs")); }) != "accepted");
  CHECK(refused([] { read_transactions(replaced(transactions, ":7", "7")); }) != "accepted");
  CHECK(refused([] { read_transactions(replaced(transactions, ":7", ":7x")); }) != "accepted");
}

TEST_CASE("what lnd says to publishing", "[L022]") {
  CHECK(read_published("{}", 200).published == Published::accepted);
  CHECK(read_published(R"({"publish_error":""})", 200).published == Published::accepted);
  CHECK(read_published(R"({"publish_error":"bad-txns-inputs-missingorspent"})", 200).published == Published::refused);
  CHECK(read_published(R"({"code":2,"message":"transaction already in mempool"})", 500).published == Published::accepted);
  CHECK(read_published(R"({"code":2,"message":"output already spent"})", 500).published == Published::refused);
  CHECK(read_published(R"({"code":2,"message":"max-fee-exceeded"})", 500).published == Published::refused);
  CHECK(read_published("<html>", 502).published == Published::unknown);
  CHECK(read_published("{}", 500).published == Published::unknown);
  CHECK(read_published("[]", 200).published == Published::unknown);
}

TEST_CASE("a transaction that is to be: outputs as a PSBT [BIP174]", "[L022]") {
  // 70 73 62 74 ff, key 00, the transaction without inputs, then the ends of the global map and of each output's.
  const Bytes psbt = psbt_of_outputs({{Sat(1), {0x51}}, {Sat(2), {0x52}}});
  CHECK(to_hex(psbt) == "70736274ff0100"
                        "1e"
                        "02000000" "00" "02" "0100000000000000" "0151" "0200000000000000" "0152" "00000000"
                        "000000");
}

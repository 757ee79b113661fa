#include "onchain/lnd_wallet.h"

#include <fmt/format.h>

#include "backends/answer_fields.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/base64url.h"
#include "onchain/lnd_wallet_answers.h"
#include "onchain/psbt.h"

namespace hh::ln {
namespace {

constexpr int64_t signing_ms = 120'000;  // choosing, signing and publishing take their time in a large wallet

json::Json outpoint_json(const bitcoin::OutPoint& o) { return {{"txid_str", o.txid.to_display_hex()}, {"output_index", o.index}}; }

std::string message_of(std::string_view body) {
  try {
    return shortened(text(json::parse(body), "message"));
  } catch (const Error&) {
    return "";
  }
}

// The body of a good answer. A macaroon without the right is HTTP status 401, 403, or 500 with such a text.
std::string good(http::Result result, const std::string& path) {
  const std::string where = path.substr(0, path.find('?'));
  if (result.outcome != http::Outcome::ok) throw Error(Exit::unavailable, fmt::format("lnd does not answer: {}", result.error));
  const long status = result.response.status;
  if (status >= 200 && status <= 299) return std::move(result.response.body);
  const std::string message = message_of(result.response.body);
  if (status == 401 || status == 403 || message.find("permission denied") != std::string::npos || message.find("macaroon") != std::string::npos)
    throw Error(Exit::config, fmt::format("lnd refuses the macaroon for {}: {}; hh-onchain(7) lists the rights", where, message.empty() ? "permission denied" : message));
  throw Error(Exit::unavailable, fmt::format("lnd, {}: {}", where, message.empty() ? fmt::format("HTTP status {}", status) : message));
}

}  // namespace

LndWallet::LndWallet(LndConfig config) : config_(std::move(config)) {
  while (config_.url.ends_with('/')) config_.url.pop_back();
  client_.stop_when([] { return stop_requested(); });
}

http::Result LndWallet::send(const std::string& path, const json::Json* body) {
  http::Request r;
  r.url = config_.url + path;
  r.headers = {{"Grpc-Metadata-macaroon", config_.macaroon}};
  r.tls.pinned_cert_file = config_.tls_cert;
  r.timeouts = {.connect_ms = 10'000, .total_ms = body ? signing_ms : config_.answer_ms, .idle_ms = 0};
  r.max_response = 64u << 20;
  r.repeatable = body == nullptr;
  if (body) {
    r.method = "POST";
    r.headers.emplace_back("Content-Type", "application/json");
    r.body = json::to_line(*body);
  }
  return client_.send(r);
}

std::string LndWallet::get(const std::string& path) { return good(send(path, nullptr), path); }
std::string LndWallet::post(const std::string& path, const json::Json& body) { return good(send(path, &body), path); }

int64_t LndWallet::height() { return read_block_height(get("/v1/getinfo")); }
Sat LndWallet::confirmed() { return read_confirmed_balance(get("/v1/balance/blockchain")); }
int64_t LndWallet::fee_rate(int64_t blocks) { return read_fee_rate(get(fmt::format("/v2/wallet/estimatefee/{}", blocks))); }

Funded LndWallet::fund(const std::vector<bitcoin::TxOutput>& outputs, int64_t sat_per_vbyte) {
  return read_funded(post("/v2/wallet/psbt/fund", {{"psbt", crypto::to_base64(psbt_of_outputs(outputs))}, {"sat_per_vbyte", std::to_string(sat_per_vbyte)}, {"min_confs", 1}}));
}

Bytes LndWallet::finalize(const Bytes& psbt) { return read_final_transaction(post("/v2/wallet/psbt/finalize", {{"funded_psbt", crypto::to_base64(psbt)}})); }

bool LndWallet::owns(const std::string& address) { return has_address(get("/v2/wallet/addresses"), address); }

void LndWallet::release(const std::vector<Coin>& coins) {
  for (const Coin& coin : coins) try {
      post("/v2/wallet/utxos/release", {{"id", coin.lock}, {"outpoint", outpoint_json(coin.outpoint)}});
    } catch (const Error& e) {
      log::warn("coin_stays_locked", {{"txid", coin.outpoint.txid.to_display_hex()}, {"vout", coin.outpoint.index}, {"reason", e.what()}});
    }
}

PublishAnswer LndWallet::publish(const Bytes& transaction, const std::string& label) {
  const json::Json body{{"tx_hex", crypto::to_base64(transaction)}, {"label", label}};
  const http::Result result = send("/v2/wallet/tx", &body);
  if (result.outcome != http::Outcome::ok) return {Published::unknown, result.error};
  return read_published(result.response.body, result.response.status);
}

std::vector<WalletTransaction> LndWallet::transactions(int64_t from_height) {
  return read_transactions(get(fmt::format("/v1/transactions?start_height={}&end_height=-1", from_height)));
}

std::string LndWallet::bump(const bitcoin::OutPoint& output, int64_t sat_per_vbyte, Sat budget) {
  return read_bump(post("/v2/wallet/bumpfee", {{"outpoint", outpoint_json(output)}, {"sat_per_vbyte", std::to_string(sat_per_vbyte)}, {"immediate", true}, {"budget", std::to_string(budget.count())}}));
}

}  // namespace hh::ln

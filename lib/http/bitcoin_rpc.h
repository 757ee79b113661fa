// Calls to bitcoind's JSON-RPC, with the habits of bitcoin-cli: cookie file, per-chain ports and folders, -rpcwait.
//
// One BitcoinRpc is one thread's (its connection is kept alive); only abort() may be called from elsewhere.
// bitcoind writes amounts as decimal numbers of BTC. Programs read amounts where bitcoind gives satoshis (getblocktemplate), or use
// sat_of_btc(), which is exact.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.h"
#include "base/error.h"

namespace hh::http {

using Json = nlohmann::ordered_json;

struct BitcoinRpcConfig {
  std::string chain = "main";  // main, test, testnet4, signet, regtest: as bitcoind's -chain
  std::string url = {};          // empty: http://127.0.0.1. Without a port: the chain's. May carry a path (/wallet/NAME)
  std::string datadir = {};      // empty: $HOME/.bitcoin
  std::string cookie_file = {};  // empty: <datadir>/<chain's folder>/.cookie
  std::string user = {};         // set: user and password instead of the cookie
  std::string password = {};     // a reference for hh::load_secret, e.g. /etc/hyperhash/rpc-password
  int64_t connect_ms = 5'000;
  int64_t timeout_ms = 60'000;
  size_t max_response = 256u << 20;
};

uint16_t default_rpc_port(std::string_view chain);                 // 8332 18332 48332 38332 18443; throws Error(config)
std::string default_cookie_file(const std::string& datadir, std::string_view chain);

// bitcoind answered, and the answer is no. Exit::data; Exit::unavailable while it warms up.
class RpcError : public Error {
 public:
  RpcError(const std::string& method, int64_t code, const std::string& message);
  int64_t rpc_code() const { return rpc_code_; }         // bitcoind's rpc/protocol.h: -8 invalid parameter, -28 warming up …
  const std::string& rpc_message() const { return message_; }

 private:
  int64_t rpc_code_;
  std::string message_;
};

// No answer. Exit::unavailable, or Exit::config where bitcoind refused our user or cookie.
class RpcUnavailable : public Error {
 public:
  RpcUnavailable(Exit code, const std::string& sentence, bool maybe_done) : Error(code, sentence), maybe_done_(maybe_done) {}
  bool maybe_done() const { return maybe_done_; }  // the call may have been carried out (submitblock: look before calling again)

 private:
  bool maybe_done_;
};

struct RpcCall {
  std::string method;
  std::string params = "[]";  // JSON: an array, or an object of named arguments
};

struct RpcAnswer {
  std::string result;             // JSON text; empty where error is set
  std::optional<RpcError> error;
};

class BitcoinRpc {
 public:
  // Reads no cookie yet: bitcoind need not run. Throws Error(config) for a bad url, chain or password reference.
  explicit BitcoinRpc(BitcoinRpcConfig config);
  ~BitcoinRpc();

  // The `result`. Throws RpcError or RpcUnavailable. timeout_ms 0: the configured one; -1: none (long polls). A call that changes something
  // (all but get…, list…, wait… and the like, and submitblock) is never sent twice.
  Json call(const std::string& method, const Json& params, int64_t timeout_ms = 0);
  Json call(const std::string& method);
  // The same, for large answers or exact decimals: the text of `result` as bitcoind wrote it.
  std::string call_text(const std::string& method, const std::string& params_json, int64_t timeout_ms = 0);

  // One HTTP request for many calls; answers in the order of the calls. Throws only RpcUnavailable.
  std::vector<RpcAnswer> batch(const std::vector<RpcCall>& calls);

  // As bitcoin-cli -rpcwait: retries while the cookie is missing, the connection is refused or bitcoind is warming up (-28), until
  // timeout_ms is over (then throws the last error). Wrong credentials and other errors throw at once.
  void wait_ready(int64_t timeout_ms);

  void stop_when(std::function<bool()> stop);  // as Client::stop_when
  void abort();                                // from any thread; calls throw RpcUnavailable until resume()
  void resume();
  const std::string& url() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "0.12345678" -> 12345678 sat, exactly; nullopt where it is no decimal of at most 8 places (exponents of 10 as in 1e-8 are read).
std::optional<Sat> sat_of_btc(std::string_view decimal);

}  // namespace hh::http

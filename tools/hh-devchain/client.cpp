#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/terminal.h"
#include "commands.h"
#include "http/bitcoin_rpc.h"
#include "json/lines.h"

namespace hh::devchain {

namespace {

constexpr int64_t mining_ms = 600'000;  // a block of the default difficulty takes a second; a chain may have a harder one

http::BitcoinRpc connect(const Settings& settings) {
  const std::string& datadir = settings.required("datadir");
  http::BitcoinRpcConfig config;
  config.cookie_file = datadir + "/.cookie";
  try {
    config.url = read_file(datadir + "/rpc_url", 100);
  } catch (const Error&) {
    throw Error(Exit::unavailable, fmt::format("no hh-devchain serves {}: start one with hh-devchain serve --datadir {}", datadir, datadir));
  }
  while (!config.url.empty() && config.url.back() == '\n') config.url.pop_back();
  return http::BitcoinRpc(std::move(config));
}

// What is JSON counts as JSON, everything else as text: bitcoin-cli decides by the method, which needs a table of all methods.
json::Json argument(const std::string& text) {
  try {
    return json::parse(text);
  } catch (const Error&) {
    return text;
  }
}

// The library's error speaks of bitcoind; who asks this node should not look there.
json::Json ask(http::BitcoinRpc& rpc, const std::string& method, const json::Json& params) {
  try {
    return rpc.call(method, params, mining_ms);
  } catch (const http::RpcError& e) {
    throw Error(Exit::data, fmt::format("the node refuses {}: {} (code {})", method, e.rpc_message(), e.rpc_code()));
  }
}

}  // namespace

int generate(const Settings& settings, int64_t blocks, const std::string& address) {
  http::BitcoinRpc rpc = connect(settings);
  Progress progress("blocks", static_cast<uint64_t>(blocks));
  for (int64_t i = 0; i < blocks; ++i) {
    const json::Json hashes = ask(rpc, "generatetoaddress", json::Json::array({1, address}));
    json::print_line(hashes.at(0).get<std::string>());
    progress.update(static_cast<uint64_t>(i + 1));
  }
  return 0;
}

int call(const Settings& settings, const std::string& method, const std::vector<std::string>& arguments) {
  http::BitcoinRpc rpc = connect(settings);
  json::Json params = json::Json::array();
  for (const auto& text : arguments) params.push_back(argument(text));
  const json::Json result = ask(rpc, method, params);
  if (result.is_string())
    json::print_line(result.get<std::string>());
  else if (!result.is_null())
    json::print_line(result.dump(2));
  return 0;
}

}  // namespace hh::devchain

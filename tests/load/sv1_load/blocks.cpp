#include "blocks.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "http/bitcoin_rpc.h"
#include "moment.h"

namespace hh::load {

Blocks::Blocks(const Options& o) : options_(o) {
  if (o.blocks_file.empty()) return;
  std::istringstream lines(read_file(o.blocks_file, 256u << 20));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) blocks_.push_back(line);
  if (blocks_.size() < o.block_at_ms.size()) throw Error(Exit::data, o.blocks_file + " holds fewer blocks than --block-at-ms asks for");
}

Blocks::~Blocks() { stop(); }

void Blocks::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Blocks::start(uint64_t load_start_us) {
  if (!options_.block_at_ms.empty()) thread_ = std::thread([this, load_start_us] { run(load_start_us); });
}

void Blocks::run(uint64_t load_start_us) {
  for (size_t i = 0; i < options_.block_at_ms.size(); ++i) {
    const uint64_t at = load_start_us + options_.block_at_ms[i] * 1000;
    for (uint64_t now; (now = now_us()) < at;) {
      if (stop_) return;
      sleep_us(std::min<uint64_t>(at - now, 50'000));
    }
    give(i);
  }
}

void Blocks::give(size_t i) {
  bool taken = false;
  try {
    if (blocks_.empty()) {
      told_us_ = now_us();
      taken = std::system(options_.block_command.c_str()) == 0;  // NOLINT: the command is the user's own
    } else {
      http::BitcoinRpcConfig config;
      config.url = options_.rpc_url;
      config.cookie_file = options_.rpc_cookie;
      http::BitcoinRpc rpc(config);
      rpc.call("getblockcount");  // so that connecting is not part of what is measured
      told_us_ = now_us();
      taken = rpc.call("submitblock", http::Json::array({blocks_[i]})).is_null();
    }
  } catch (const Error& e) {
    log::error("block_failed", {{"reason", e.what()}});
  }
  ++(taken ? given_ : refused_);
}

}  // namespace hh::load

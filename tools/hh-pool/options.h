// hh-pool's settings, and the checked values that the program works with.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/config.h"
#include "http/bitcoin_rpc.h"
#include "listeners.h"
#include "miners.h"
#include "net/address_range.h"
#include "pool.h"
#include "template_age.h"
#include "template_source.h"

namespace hh::pool {

std::vector<Setting> setting_list();

struct Options {
  bool takeover = false;  // of the pool that runs with the same spool (serve --takeover)
  std::vector<Listener> listeners;  // at least one
  std::string tls_certificate, tls_key, sv2_keys;
  std::vector<net::AddressRange> trusted;  // who may send a PROXY header
  std::string spool, miners_file, pool_tag, treasury_address, control, ckpool_folder, http;
  StoreLimits store_limits;
  bool sync_always = false, wait = false;
  size_t most_connections = 0;
  std::vector<http::BitcoinRpcConfig> nodes;  // the preferred first
  std::vector<std::string> zmq;
  TemplateSource::Config templates;
  int64_t max_age_ms = 0;
  WhenDown when_down = WhenDown::keep;
  Bytes treasury_script;
  std::optional<int64_t> solo_fee_ppm;  // coinbase.mode solo
  PayTo pay_to;
  PoolConfig pool;
};
// Throws Error(config) naming the setting.
Options read_options(const Settings& s);

GuardLimits read_guard_limits(const Settings& s);

// Whether a running pool takes this setting on SIGHUP. Of `listen` it takes the difficulties (same_doors).
bool is_reloaded(std::string_view key);

}  // namespace hh::pool

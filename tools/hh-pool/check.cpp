// hh-pool check: what would go wrong at the start, found without starting.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "json/fields.h"
#include "json/lines.h"
#include "serve.h"
#include "template_source.h"

namespace hh::pool {
namespace {

json::Json good(const char* what) {
  json::Json r = json::make_record("verified");
  r["what"] = what;
  r["ok"] = true;
  return r;
}

void check_spool(const Options& o) {
  if (o.spool.empty()) return;
  const std::filesystem::path path(o.spool);
  const bool exists = std::filesystem::exists(path);
  const auto target = exists ? path : path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (::access(target.c_str(), W_OK) != 0) throw Error(Exit::cant_create, fmt::format("spool {}: no permission to write to {}, or it does not exist", o.spool, target.string()));
  auto r = good("spool");
  r["path"] = o.spool;
  json::print(r);
}

void check_node(const Options& o, const http::BitcoinRpcConfig& config) {
  http::BitcoinRpc rpc(config);
  const auto network = network_of_node(rpc.call("getblockchaininfo"), rpc.url());
  if (network != o.pool.chain)
    throw Error(Exit::config, fmt::format("{} is on chain {}, chain is set to {}", rpc.url(), bitcoin::network_name(network), bitcoin::network_name(o.pool.chain)));
  auto node = good("node");
  node["node"] = rpc.url();
  node["chain"] = std::string(bitcoin::network_name(network));
  json::print(node);

  std::mutex mutex;
  std::shared_ptr<const Job> job;
  JobMaker maker({o.pool.source, o.pool.chain, o.treasury_script, o.pool_tag, static_cast<uint64_t>(system_clock().unix_ms()), o.solo_fee_ppm});
  TemplateSource::Config one = o.templates;
  one.nodes = {config};
  one.propose = true;
  TemplateSource source(std::move(one), maker, [&](std::shared_ptr<const Job> j) {
    std::lock_guard lock(mutex);
    job = std::move(j);
  });
  source.start(false);
  source.stop();
  if (!job) throw Error(Exit::temp_fail, "stopped before a template came");
  auto r = good("template");
  r["height"] = job->record.height;
  r["transactions"] = job->record.tx_count;
  r["fees_sat"] = job->record.fees.count();
  json::print(r);
}

}  // namespace

int check(const Options& o) {
  auto treasury = good("treasury");
  treasury["address"] = o.treasury_address;
  json::print(treasury);
  if (!o.miners_file.empty()) {
    Miners miners(o.pool.chain, o.miners_file, o.pay_to, o.solo_fee_ppm.has_value());
    miners.load();
    auto r = good("miners");
    r["aliases"] = miners.size();
    json::print(r);
  }
  check_spool(o);
  for (const auto& node : o.nodes) check_node(o, node);
  return 0;
}

}  // namespace hh::pool

// Calls that look at the chain or change which branch counts.
#include <fmt/format.h>

#include <cstdlib>

#include "bitcoin/difficulty.h"
#include "bitcoin/wire.h"
#include "rpc_call.h"

namespace hh::devchain {

using namespace bitcoin;

namespace {

std::string work_hex(Work w) { return fmt::format("{:032x}{:016x}{:016x}", 0, static_cast<uint64_t>(w.hashes() >> 64), static_cast<uint64_t>(w.hashes())); }

Target target_of_chain(uint32_t bits) { return *Target::from_compact(bits); }

// For people: bitcoind too gives a difficulty as a rounded number.
double difficulty_number(uint32_t bits) {
  const Target t = target_of_chain(bits);
  return std::strtod(network_difficulty_text(t).c_str(), nullptr);
}

const Entry& require(const Chain& chain, const Hash256& hash) {
  const Entry* e = chain.find(hash);
  if (!e) throw RpcFailure(RpcCode::invalid_address_or_key, "Block not found");
  return *e;
}

Json header_json(const Chain& chain, const Entry& e) {
  const BlockHeader& h = e.block.header;
  Json j;
  j["hash"] = e.hash.to_display_hex();
  j["confirmations"] = chain.confirmations(e);
  j["height"] = e.height;
  j["version"] = static_cast<int32_t>(h.version);
  j["versionHex"] = fmt::format("{:08x}", h.version);
  j["merkleroot"] = h.merkle_root.to_display_hex();
  j["time"] = h.time;
  j["mediantime"] = median_time_past(e);
  j["nonce"] = h.nonce;
  j["bits"] = fmt::format("{:08x}", h.bits);
  j["target"] = target_of_chain(h.bits).to_hex();
  j["difficulty"] = difficulty_number(h.bits);
  j["chainwork"] = work_hex(e.chain_work);
  j["nTx"] = e.block.transactions.size();
  if (e.previous) j["previousblockhash"] = e.previous->hash.to_display_hex();
  if (const Entry* next = chain.is_active(e) ? chain.at(e.height + 1) : nullptr) j["nextblockhash"] = next->hash.to_display_hex();
  return j;
}

Json block_json(const Chain& chain, const Entry& e) {
  Json j = header_json(chain, e);
  j["size"] = serialize(e.block).size();
  j["weight"] = e.block.weight();
  Json& ids = j["tx"] = Json::array();
  for (const auto& id : e.block.txids()) ids.push_back(id.to_display_hex());
  return j;
}

}  // namespace

Json getblockchaininfo(const Call& c) {
  const uint64_t size = c.node.size_on_disk();
  return c.node.with_chain([&](const Chain& chain) {
    const Entry& tip = chain.tip();
    Json j;
    j["chain"] = "dev";
    j["simulated"] = true;
    j["blocks"] = tip.height;
    j["headers"] = tip.height;
    j["bestblockhash"] = tip.hash.to_display_hex();
    j["bits"] = fmt::format("{:08x}", chain.bits());
    j["target"] = target_of_chain(chain.bits()).to_hex();
    j["difficulty"] = difficulty_number(chain.bits());
    j["time"] = tip.block.header.time;
    j["mediantime"] = median_time_past(tip);
    j["verificationprogress"] = 1;
    j["initialblockdownload"] = false;
    j["chainwork"] = work_hex(tip.chain_work);
    j["size_on_disk"] = size;
    j["pruned"] = false;
    j["warnings"] = Json::array({"This chain is simulated."});
    return j;
  });
}

Json getblockcount(const Call& c) {
  return c.node.with_chain([](const Chain& chain) { return Json(chain.tip().height); });
}

Json getbestblockhash(const Call& c) {
  return c.node.with_chain([](const Chain& chain) { return Json(chain.tip().hash.to_display_hex()); });
}

Json getblockhash(const Call& c) {
  const int64_t height = c.params.integer(0);
  return c.node.with_chain([&](const Chain& chain) {
    const Entry* e = height < 0 || height > UINT32_MAX ? nullptr : chain.at(static_cast<uint32_t>(height));
    if (!e) throw RpcFailure(RpcCode::invalid_parameter, "Block height out of range");
    return Json(e->hash.to_display_hex());
  });
}

Json getblockheader(const Call& c) {
  const Hash256 hash = c.params.hash(0);
  const int64_t verbosity = c.params.verbosity(1, 1);
  return c.node.with_chain([&](const Chain& chain) {
    const Entry& e = require(chain, hash);
    return verbosity ? header_json(chain, e) : Json(to_hex(e.block.header.serialize()));
  });
}

Json getblock(const Call& c) {
  const Hash256 hash = c.params.hash(0);
  const int64_t verbosity = c.params.verbosity(1, 1);
  return c.node.with_chain([&](const Chain& chain) {
    const Entry& e = require(chain, hash);
    return verbosity ? block_json(chain, e) : Json(to_hex(serialize(e.block)));
  });
}

Json invalidateblock(const Call& c) {
  if (!c.node.invalidate(c.params.hash(0))) throw RpcFailure(RpcCode::invalid_address_or_key, "Block not found");
  return nullptr;
}

Json reconsiderblock(const Call& c) {
  if (!c.node.reconsider(c.params.hash(0))) throw RpcFailure(RpcCode::invalid_address_or_key, "Block not found");
  return nullptr;
}

}  // namespace hh::devchain

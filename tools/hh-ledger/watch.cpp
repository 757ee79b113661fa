#include "watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "audit.h"
#include "base/daemon.h"
#include "base/log.h"
#include "json/fields.h"

namespace hh::ledger {
namespace {

using json::Json;

constexpr int64_t closed_rounds_watched = 1000;  // a reorg deeper than that many of our own blocks is no longer a question of software
constexpr int rpc_invalid_address_or_key = -5;   // getblockheader of a block that bitcoind does not know (rpc/protocol.h)
constexpr int rpc_invalid_parameter = -8;        // getblockhash above the tip

struct Watched {
  int64_t round = 0, height = 0, confirmations = 0;
  std::string status, hash;
};

// Rounds that are not closed, unless a later one is (then orphans are frozen), and the last closed ones.
std::vector<Watched> watched_rounds(Ledger& ledger) {
  auto s = ledger.db().statement(
      "SELECT r.id, b.height, r.confirmations, r.status, b.hash FROM rounds r JOIN blocks b ON b.id = r.block_id "
      "WHERE (r.status = 'closed' AND r.id > (SELECT max(id) FROM rounds) - ?1) "
      "   OR (r.status <> 'closed' AND r.id > (SELECT coalesce(max(id), 0) FROM rounds WHERE status = 'closed')) ORDER BY r.id");
  s.bind_all(closed_rounds_watched);
  std::vector<Watched> all;
  while (s.step()) all.push_back({s.int64(0), s.int64(1), s.int64(2), s.text(3), s.text(4)});
  return all;
}

void require_same_chain(Ledger& ledger, http::BitcoinRpc& rpc) {
  const auto ours = ledger.chain();
  const Json info = rpc.call("getblockchaininfo");
  const std::string theirs = json::Fields(info).text("chain", 32);
  if (!ours || theirs == bitcoin::network_name(ours->network)) return;
  throw Error(Exit::config, fmt::format("bitcoind at {} is on chain {}, the ledger is of {}", rpc.url(), theirs, bitcoin::network_name(ours->network)));
}

// Confirmations in the active chain; 0: not there (yet); -1: another block has its place. A block that bitcoind knows and does not count to its
// chain (confirmations -1) is not lost by that: while a bitcoind rebuilds its chain (-reindex-chainstate) it says so of every block. What
// decides is whether another block is at that height.
int64_t ask(http::BitcoinRpc& rpc, const Watched& w) {
  try {
    const Json header = rpc.call("getblockheader", Json::array({w.hash}));
    const int64_t n = json::Fields(header).integer("confirmations", -1);
    if (n >= 0) return n;
  } catch (const http::RpcError& e) {
    if (e.rpc_code() != rpc_invalid_address_or_key) throw;
  }
  try {
    return rpc.call("getblockhash", Json::array({w.height})).get<std::string>() == w.hash ? 0 : -1;
  } catch (const http::RpcError& e) {
    if (e.rpc_code() != rpc_invalid_parameter) throw;
    return 0;  // the chain that this bitcoind knows is not that long yet
  }
}

Json status_record(Ledger& ledger, const Watched& w, const std::string& status, int64_t confirmations) {
  Json r = json::make_record("block_status");
  if (ledger.require_chain().simulated) r["simulated"] = true;
  r["round"] = w.round;
  r["height"] = w.height;
  r["hash"] = w.hash;
  r["status"] = status;
  r["confirmations"] = confirmations;
  return r;
}

// True where this is news.
bool raise_alarm(Ledger& ledger, const Watched& w) {
  log::error("closed_round_reorganised", {{"round", w.round}, {"height", w.height}, {"hash", w.hash},
                                          {"message", "the block of a closed round is no longer in the chain: its reward is gone, but the round may have been paid"}});
  auto known = ledger.db().statement("SELECT 1 FROM alarms WHERE round_id = ?1");
  if (known.first(w.round)) return false;
  Change change(ledger);
  ledger.db().statement("INSERT INTO alarms(round_id, time_ms) VALUES (?1, ?2)").run(w.round, ledger.clock().unix_ms());
  audit(ledger, "closed_round_reorganised", {{"round", w.round}, {"hash", w.hash}});
  change.commit();
  return true;
}

// False: somebody has closed the round meanwhile.
bool save(Ledger& ledger, const Watched& w, const std::string& status, int64_t confirmations) {
  Change change(ledger);
  const int64_t n = ledger.db()
                        .statement("UPDATE rounds SET status = ?2, confirmations = ?3 WHERE id = ?1 AND status = ?4 "
                                   "AND id > (SELECT coalesce(max(id), 0) FROM rounds WHERE status = 'closed')")
                        .run(w.round, status, confirmations, w.status);
  if (n == 0) return false;
  if (status != w.status) audit(ledger, "block_status", {{"round", w.round}, {"hash", w.hash}, {"from", w.status}, {"to", status}, {"confirmations", confirmations}});
  change.commit();
  return true;
}

}  // namespace

WatchResult watch_once(Ledger& ledger, http::BitcoinRpc& rpc, int64_t maturity, const std::function<void(const Json&)>& print) {
  require_same_chain(ledger, rpc);
  WatchResult result;
  for (const Watched& w : watched_rounds(ledger)) {
    const int64_t found = ask(rpc, w);
    const int64_t confirmations = std::max<int64_t>(found, 0);
    const std::string status = found < 0 ? "orphaned" : found >= maturity ? "mature" : "confirming";
    if (w.status == "closed") {
      if (found >= 0) continue;
      result.alarm = true;
      if (raise_alarm(ledger, w)) print(status_record(ledger, w, status, confirmations)), ++result.changed;
      continue;
    }
    if ((status == w.status && confirmations == w.confirmations) || !save(ledger, w, status, confirmations)) continue;
    print(status_record(ledger, w, status, confirmations));
    ++result.changed;
  }
  return result;
}

void watch(Ledger& ledger, http::BitcoinRpc& rpc, int64_t maturity, int64_t interval_ms, const std::function<void(const Json&)>& print) {
  bool ready = false, reachable = true;
  while (!stop_requested()) {
    try {
      watch_once(ledger, rpc, maturity, print);
      if (!reachable) log::info("bitcoind_is_back", {{"url", rpc.url()}});
      reachable = true;
      if (!ready) notify_service_manager("READY=1");
      ready = true;
    } catch (const http::RpcUnavailable& e) {
      if (e.code() == Exit::config) throw;
      if (reachable) log::warn("bitcoind_unavailable", {{"url", rpc.url()}, {"message", e.what()}});
      reachable = false;
    } catch (const Error& e) {
      if (e.code() != Exit::temp_fail) throw;
      log::warn("try_again", {{"message", e.what()}});
    }
    for (int64_t waited = 0; waited < interval_ms && !stop_requested(); waited += 100) ledger.clock().sleep_ms(100);
  }
}

}  // namespace hh::ledger

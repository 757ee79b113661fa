// `hh-ledger watch`: asks bitcoind what became of each round's block. rounds.cpp tells what the states mean.
#pragma once
#include <functional>

#include "http/bitcoin_rpc.h"
#include "json/strict.h"
#include "ledger.h"

namespace hh::ledger {

struct WatchResult {
  int64_t changed = 0;
  bool alarm = false;  // the block of a closed round is not in the chain
};

// Looks once at every round that can still change, and at closed ones for the alarm. print gets a `block_status` line for each round whose state
// or confirmations changed, once that is durable. Throws RpcUnavailable or Error(config) where bitcoind is on another chain.
WatchResult watch_once(Ledger& ledger, http::BitcoinRpc& rpc, int64_t maturity, const std::function<void(const json::Json&)>& print);

// The same again and again, every interval_ms, until the program is asked to stop; bitcoind may come and go.
void watch(Ledger& ledger, http::BitcoinRpc& rpc, int64_t maturity, int64_t interval_ms, const std::function<void(const json::Json&)>& print);

}  // namespace hh::ledger

// The commands that ask a running pool over its control socket: hh-pool status, miners, miner …
#pragma once
#include <functional>
#include <string>

#include "base/config.h"
#include "json/strict.h"

namespace hh::pool {

// Asks the pool that the settings name (control, spool, source). Throws Error(unavailable) where none runs.
void ask_pool(const Settings& settings, const json::Json& request, const std::function<void(const json::Json& record, const std::string& line)>& each);

// For bitcoind's -blocknotify: the pool looks for a new tip at once.
int notify(const Settings& settings);

// A table on a terminal; records where `as_records` is set or standard output is none.
int show_status(const Settings& settings, bool as_records);
int show_miners(const Settings& settings, bool as_records);
int show_miner(const Settings& settings, const std::string& miner, bool as_records);  // and its workers
int show_bans(const Settings& settings, bool as_records);
int ban(const Settings& settings, const std::string& address, int64_t seconds, bool as_records);
// What miners are to show, and where to connect again ("": where they are; else HOST:PORT, which needs sure, as it moves their hashrate). miner "": all.
int send_message(const Settings& settings, const std::string& text, const std::string& miner, bool as_records);
int reconnect(const Settings& settings, const std::string& destination, int64_t wait_seconds, const std::string& miner, bool sure, bool as_records);
int unban(const Settings& settings, const std::string& address);

}  // namespace hh::pool

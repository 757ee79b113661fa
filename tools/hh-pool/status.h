// Figures as records, and as a person reads them. [C081]
#pragma once
#include <string>
#include <vector>

#include "base/table.h"
#include "json/strict.h"
#include "pool_figures.h"

namespace hh::pool {

std::string status_line(const PoolFigures& p);   // record pool_status, with newline
void put_doors(json::Json& r, const std::vector<PoolFigures::Door>& doors);  // listen and listeners, without their sessions
std::string miner_line(const Figures& f);        // record miner_status
std::string worker_line(const Figures& f);       // record worker_status

// "1.23 TH/s": at most three digits that count, rounded down.
std::string hashrate_text(Uint128 hashes_per_second);
// "12.3T": the same without the unit, as ckpool writes it.
std::string short_number(Uint128 n);
std::string duration_text(int64_t seconds);      // "3d 4h", "5m 6s"

// The tables that a person gets, from the records.
std::string status_text(const json::Json& record);
Table miners_table();
void add_row(Table& table, const json::Json& miner_or_worker, int64_t now_ms);

}  // namespace hh::pool

// The tables of the ledger. schema.cpp opens with why they are as they are.
#pragma once
#include <cstdint>
#include <span>

#include "store/migration.h"

namespace hh::ledger {

inline constexpr int32_t application_id = 0x48484c47;  // "HHLG"

inline constexpr int audit_version = 3;  // the audit log came with this migration

std::span<const store::Migration> migrations();

// The rowid of a share or block: 2^23 sources of 2^40 records each. Being the primary key it is the deduplication and the order on disk.
inline constexpr int64_t record_id(int64_t source_id, uint64_t seq) { return source_id << 40 | static_cast<int64_t>(seq); }
inline constexpr int64_t source_of(int64_t record_id) { return record_id >> 40; }
inline constexpr uint64_t seq_of(int64_t record_id) { return static_cast<uint64_t>(record_id) & ((uint64_t{1} << 40) - 1); }

}  // namespace hh::ledger

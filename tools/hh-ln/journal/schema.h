// The tables of the payment journal, and the rules that hold in them whatever program writes.
#pragma once
#include <span>

#include "store/migration.h"

namespace hh::ln {

inline constexpr int32_t journal_application_id = 0x48484c4e;  // "HHLN"
std::span<const store::Migration> journal_migrations();
extern const char* const batches_up;    // version 3, in schema_batches.cpp
extern const char* const batches_down;
extern const char* const onchain_up;    // version 4, in schema_onchain.cpp
extern const char* const onchain_down;
extern const char* const sealing_up;    // version 5, in schema_sealing.cpp
extern const char* const sealing_down;
extern const char* const rebalances_up;  // version 6, in schema_rebalances.cpp
extern const char* const rebalances_down;
extern const char* const reinvest_up;    // version 7, in schema_reinvest.cpp
extern const char* const reinvest_down;
extern const char* const figures_up;    // version 8, in schema_figures.cpp
extern const char* const figures_down;

}  // namespace hh::ln

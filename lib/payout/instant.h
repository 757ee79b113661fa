// Instants as people and scripts write them on a command line. No function here looks at a clock.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace hh::payout {

// Unix seconds ("1763800000") or RFC 3339 with whole seconds ("2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00"), in the years 1970 to 9999.
// what names it in errors ("--iat"). Throws Error(usage). Returns unix seconds.
int64_t parse_instant(std::string_view text, std::string_view what);
// The same, or "+" and a whole number of s, m, h or d after `from`: "+7d".
int64_t parse_instant_after(std::string_view text, int64_t from, std::string_view what);

}  // namespace hh::payout

#include "payout/instant.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/error.h"

namespace hh::payout {
namespace {

constexpr int64_t last_second = 253'402'300'799;  // 9999-12-31T23:59:59Z

[[noreturn]] void refuse(std::string_view text, std::string_view what, std::string_view must) {
  std::string shown;
  for (const char c : text.substr(0, 40)) shown.push_back(c >= ' ' && c <= '~' ? c : '?');
  throw Error(Exit::usage, fmt::format("{} \"{}\" must be {}", what, shown, must));
}

std::optional<int64_t> digits(std::string_view s) {
  if (s.empty() || s.size() > 12 || !std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return std::stoll(std::string(s));
}

// Exactly so many digits from pos on.
std::optional<int> field(std::string_view s, size_t pos, size_t size) {
  if (s.size() < pos + size) return std::nullopt;
  const auto n = digits(s.substr(pos, size));
  return n ? std::optional<int>(static_cast<int>(*n)) : std::nullopt;
}

// RFC 3339 section 5.6 "time-offset" in seconds.
std::optional<int64_t> offset_seconds(std::string_view s) {
  if (s == "Z" || s == "z") return 0;
  const auto hours = field(s, 1, 2), minutes = field(s, 4, 2);
  if (s.size() != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' || !hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return (s[0] == '-' ? -1 : 1) * (*hours * 3600 + *minutes * 60);
}

std::optional<int64_t> rfc3339(std::string_view s) {
  const auto year = field(s, 0, 4), month = field(s, 5, 2), day = field(s, 8, 2);
  const auto hour = field(s, 11, 2), minute = field(s, 14, 2), second = field(s, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const bool separators = s[4] == '-' && s[7] == '-' && (s[10] == 'T' || s[10] == 't') && s[13] == ':' && s[16] == ':';
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  const auto offset = offset_seconds(s.substr(19));
  if (!separators || !date.ok() || *hour > 23 || *minute > 59 || *second > 59 || !offset) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86'400 + *hour * 3600 + *minute * 60 + *second - *offset;
}

}  // namespace

int64_t parse_instant(std::string_view text, std::string_view what) {
  const auto seconds = digits(text) ? digits(text) : rfc3339(text);
  if (!seconds || *seconds < 0 || *seconds > last_second) refuse(text, what, "unix seconds or a time such as 2026-11-22T12:00:00Z");
  return *seconds;
}

int64_t parse_instant_after(std::string_view text, int64_t from, std::string_view what) {
  if (!text.starts_with("+")) return parse_instant(text, what);
  constexpr std::string_view units = "smhd";
  constexpr int64_t seconds[] = {1, 60, 3600, 86'400};
  const size_t unit = text.size() < 3 ? std::string_view::npos : units.find(text.back());
  const auto count = unit == std::string_view::npos ? std::nullopt : digits(text.substr(1, text.size() - 2));
  if (!count || *count > last_second / seconds[unit] || from + *count * seconds[unit] > last_second)
    refuse(text, what, "a time, or + and a number of s, m, h or d, such as +7d");
  return from + *count * seconds[unit];
}

}  // namespace hh::payout

#include <algorithm>
#include <charconv>

#include "http/bitcoin_rpc.h"

namespace hh::http {
namespace {

constexpr int btc_places = 8;

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Takes "e-8" off the end; 0 where there is none, nullopt where it is malformed.
std::optional<int> take_exponent(std::string_view& text) {
  const size_t at = text.find_first_of("eE");
  if (at == std::string_view::npos) return 0;
  std::string_view digits = text.substr(at + 1);
  text = text.substr(0, at);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (error != std::errc() || end != digits.data() + digits.size() || exponent < -30 || exponent > 30) return std::nullopt;
  return exponent;
}

}  // namespace

std::optional<Sat> sat_of_btc(std::string_view decimal) {
  const bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  const auto exponent = take_exponent(decimal);
  if (!exponent) return std::nullopt;
  const size_t point = decimal.find('.');
  const std::string_view whole = decimal.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view() : decimal.substr(point + 1);
  if (whole.empty() || !all_digits(whole) || !all_digits(fraction) || (point != std::string_view::npos && fraction.empty())) return std::nullopt;
  if (whole.size() + fraction.size() > 60) return std::nullopt;

  // All digits, and by how many places the point has to move to count satoshis; what would be left behind it must be zeros.
  std::string digits = std::string(whole) + std::string(fraction);
  int shift = btc_places + *exponent - static_cast<int>(fraction.size());
  for (; shift < 0 && !digits.empty(); ++shift) {
    if (digits.back() != '0') return std::nullopt;
    digits.pop_back();
  }
  if (digits.empty()) digits = "0";
  if (digits.find_first_not_of('0') == std::string::npos) return Sat(0);
  digits.append(static_cast<size_t>(std::max(shift, 0)), '0');
  int64_t sat = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), sat);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Sat(negative ? -sat : sat);
}

}  // namespace hh::http

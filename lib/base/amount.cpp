#include "base/amount.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hh {
namespace {

[[noreturn]] void overflow() { throw Error(Exit::data, "an amount is too large: more than 64 bits of msat"); }

void require_not_negative(Msat m) {
  if (m.is_negative()) throw Error(Exit::software, "a negative amount cannot be rounded down");
}

std::string with_commas(int64_t n) {
  std::string s = fmt::format("{}", n);
  for (size_t i = s.size(); i > 3; i -= 3) s.insert(i - 3, ",");
  return s;
}

}  // namespace

namespace detail {
int64_t checked_add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) overflow();
  return r;
}
int64_t checked_sub(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_sub_overflow(a, b, &r)) overflow();
  return r;
}
int64_t checked_mul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) overflow();
  return r;
}
}  // namespace detail

Msat to_msat(Sat s) { return Msat(detail::checked_mul(s.count(), 1000)); }

Sat round_down_to_sat(Msat m) {
  require_not_negative(m);
  return Sat(m.count() / 1000);
}

Msat sub_sat_remainder(Msat m) {
  require_not_negative(m);
  return Msat(m.count() % 1000);
}

bool is_money(Sat s) { return !s.is_negative() && s <= max_money; }
bool is_money(Msat m) { return !m.is_negative() && m <= to_msat(max_money); }

std::string to_text_sat(Msat m) {
  if (m.count() == INT64_MIN) overflow();
  const bool negative = m.is_negative();
  const int64_t n = negative ? -m.count() : m.count();
  std::string text = with_commas(n / 1000);
  if (n % 1000 != 0) text += fmt::format(".{:03}", n % 1000);
  return (negative ? "-" : "") + text + " sat";
}

}  // namespace hh

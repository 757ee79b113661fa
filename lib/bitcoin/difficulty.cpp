#include "bitcoin/difficulty.h"

#include <bit>
#include <cmath>

#include "base/error.h"

namespace hh::bitcoin {

namespace {

// Target of the smallest difficulty, one unit: 0xFFFF·2^240.
Uint256 unit_target() { return Uint256(0xFFFF) << 240; }

// Most significant first; appends n in decimal, padded to width digits.
void put_decimal(std::string& out, Uint256 n, size_t width) {
  std::string digits;
  while (n != Uint256() || digits.size() < width) {
    const Uint256 tenth = n / Uint256(10);
    digits.insert(digits.begin(), static_cast<char>('0' + (n - tenth * 10).low64()));
    n = tenth;
  }
  out += digits;
}

}  // namespace

Difficulty::Difficulty(uint64_t units) : units_(units) {
  if (units == 0) throw Error(Exit::data, "difficulty is zero: the smallest is 2^-32");
}

// The fraction in units is floor(0.d1d2d3… × 2^32). Its first 50 digits are collected as an integer over a power of ten; later digits can
// not change the floor, because a multiple of 2^-32 has at most 32 digits: they only make the fraction larger than those.
std::optional<Difficulty> Difficulty::from_text(std::string_view text) {
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && fraction.empty())) return std::nullopt;
  if (text.find_first_not_of("0123456789.") != std::string_view::npos || fraction.find('.') != std::string_view::npos) return std::nullopt;
  uint64_t integer = 0;
  for (char c : whole) {
    integer = integer * 10 + static_cast<uint64_t>(c - '0');
    if (integer >> 32) return std::nullopt;
  }
  Uint256 numerator, denominator(1);
  for (char c : fraction.substr(0, 50)) {
    numerator = numerator * 10 + Uint256(static_cast<uint64_t>(c - '0'));
    denominator = denominator * 10;
  }
  const uint64_t units = integer << 32 | ((numerator << 32) / denominator).low64();
  if (units == 0) return std::nullopt;
  return Difficulty(units);
}

std::optional<Difficulty> Difficulty::from_wire(double number) {
  if (!(number >= 0x1p-32 && number < 0x1p32)) return std::nullopt;  // also refuses NaN
  return Difficulty(static_cast<uint64_t>(std::ldexp(number, 32)));
}

std::string Difficulty::to_text() const {
  std::string text = std::to_string(units_ >> 32);
  uint64_t rest = units_ & 0xffffffff;
  if (rest) text += '.';
  for (; rest; rest &= 0xffffffff) {
    rest *= 10;
    text += static_cast<char>('0' + (rest >> 32));
  }
  return text;
}

double Difficulty::to_wire() const { return std::ldexp(static_cast<double>(for_wire().units_), -32); }

Difficulty Difficulty::for_wire() const {
  const int excess = static_cast<int>(std::bit_width(units_)) - 53;
  return excess <= 0 ? *this : Difficulty(units_ >> excess << excess);
}

Target target_of(Difficulty d) { return {unit_target() / Uint256(d.units())}; }

// floor(N / q) <= t  ⟺  N / q < t + 1  ⟺  q > N / (t + 1).
Difficulty difficulty_within(const Target& t) {
  const Uint256 largest(UINT64_MAX);
  if (t.value >= unit_target()) return Difficulty(1);
  const Uint256 below = unit_target() / (t.value + Uint256(1));
  return Difficulty(below >= largest ? UINT64_MAX : below.low64() + 1);
}

std::string network_difficulty_text(const Target& t) {
  if (t.value == Uint256()) throw Error(Exit::data, "the difficulty of target zero is infinite");
  const Uint256 scaled = difficulty_one_target().value * 100'000'000 / t.value;
  const Uint256 whole = scaled / Uint256(100'000'000);
  std::string text;
  put_decimal(text, whole, 1);
  text += '.';
  put_decimal(text, scaled - whole * 100'000'000, 8);
  return text;
}

}  // namespace hh::bitcoin

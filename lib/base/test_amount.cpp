// Amounts: checked arithmetic, named rounding, and the mixing that must not compile.
#include <catch2/catch.hpp>

#include "base/amount.h"
#include "base/error.h"

using namespace hh;

template <class A, class B>
concept addable = requires(A a, B b) { a + b; };
template <class A, class B>
concept comparable = requires(A a, B b) { a < b; };
static_assert(addable<Sat, Sat> && !addable<Sat, Msat> && !addable<Msat, int64_t>);
static_assert(comparable<Msat, Msat> && !comparable<Sat, Msat> && !comparable<Sat, int>);
static_assert(!std::is_convertible_v<int64_t, Sat> && !std::is_convertible_v<Sat, int64_t> && !std::is_constructible_v<Msat, Sat>);

TEST_CASE("arithmetic is exact or an error, never wrapped", "[base][C070][L024]") {
  CHECK(Sat(2) + Sat(3) == Sat(5));
  CHECK(Msat(2) - Msat(3) == Msat(-1));
  CHECK(Sat(7) * 3 == Sat(21));
  CHECK(-Msat(4) == Msat(-4));
  CHECK_THROWS_AS(Msat(INT64_MAX) + Msat(1), Error);
  CHECK_THROWS_AS(Msat(INT64_MIN) - Msat(1), Error);
  CHECK_THROWS_AS(-Msat(INT64_MIN), Error);
  CHECK_THROWS_AS(Sat(INT64_MAX / 2 + 1) * 2, Error);
  CHECK_THROWS_AS(to_msat(Sat(INT64_MAX / 1000 + 1)), Error);
  Msat m(1);
  m += Msat(2);
  m -= Msat(5);
  CHECK(m == Msat(-2));
}

TEST_CASE("sat and msat convert with a named rounding", "[base][C070]") {
  CHECK(to_msat(max_money) == Msat(2'100'000'000'000'000'000));
  CHECK(round_down_to_sat(Msat(1999)) == Sat(1));
  CHECK(sub_sat_remainder(Msat(1999)) == Msat(999));
  CHECK(round_down_to_sat(Msat(0)) == Sat(0));
  CHECK_THROWS_AS(round_down_to_sat(Msat(-1)), Error);
  CHECK_THROWS_AS(sub_sat_remainder(Msat(-1)), Error);
  CHECK(is_money(max_money));
  CHECK_FALSE(is_money(max_money + Sat(1)));
  CHECK_FALSE(is_money(Sat(-1)));
  CHECK(is_money(to_msat(max_money)));
  CHECK_FALSE(is_money(to_msat(max_money) + Msat(1)));
}

TEST_CASE("amounts read well", "[base]") {
  CHECK(to_text_sat(Msat(0)) == "0 sat");
  CHECK(to_text_sat(Msat(12'345'678)) == "12,345.678 sat");
  CHECK(to_text_sat(Msat(-1'000'000'001)) == "-1,000,000.001 sat");
}

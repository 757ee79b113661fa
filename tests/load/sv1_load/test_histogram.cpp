#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "histogram.h"

using hh::load::Histogram;

TEST_CASE("every value lies in its bucket, and no bucket is wider than a 128th of what it holds", "[histogram]") {
  size_t last = 0;
  for (uint64_t v = 0; v < 200'000; ++v) {
    const size_t b = Histogram::bucket_of(v);
    REQUIRE((b == last || b == last + 1));
    REQUIRE(Histogram::top_of(b) >= v);
    if (b > 0) REQUIRE(Histogram::top_of(b - 1) < v);
    REQUIRE((Histogram::top_of(b) - v) * 128 <= v);
    last = b;
  }
  for (int power = 20; power < 63; ++power)
    for (const uint64_t v : {(uint64_t{1} << power) - 1, uint64_t{1} << power, (uint64_t{1} << power) + 1}) {
      CHECK(Histogram::top_of(Histogram::bucket_of(v)) >= v);
      CHECK(Histogram::top_of(Histogram::bucket_of(v) - 1) < v);
    }
}

TEST_CASE("percentiles are those of the sorted values, never below and at most 0.8 % above", "[histogram]") {
  std::mt19937_64 random(7);
  std::vector<uint64_t> values;
  Histogram h;
  for (int i = 0; i < 10'007; ++i) {
    const uint64_t v = random() % 10 == 0 ? random() % 5'000'000 : random() % 900;
    values.push_back(v);
    h.add(v);
  }
  std::sort(values.begin(), values.end());
  CHECK(h.count() == values.size());
  CHECK(h.max() == values.back());
  for (const uint64_t per_mille : {1u, 500u, 900u, 990u, 999u, 1000u}) {
    const uint64_t exact = values[(values.size() * per_mille + 999) / 1000 - 1], got = h.percentile(per_mille);
    CHECK(got >= exact);
    CHECK((got - exact) * 128 <= exact);
  }
}

TEST_CASE("an empty histogram, and one of one value", "[histogram]") {
  Histogram h;
  CHECK(h.percentile(990) == 0);
  CHECK(h.max() == 0);
  h.add(1'234'567);
  CHECK(h.percentile(1) == 1'234'567);  // a bucket's top is never said to be more than was seen
  CHECK(h.percentile(999) == 1'234'567);
}

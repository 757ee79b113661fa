#include <catch2/catch.hpp>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/error.h"
#include "metrics/histogram.h"

using namespace hh;
using namespace hh::metrics;

TEST_CASE("a page of families and samples [C080]", "[C080]") {
  Exposition page;
  page.family("hh_x_total", Kind::counter, "Some x.");
  page.sample(7);
  page.sample({{"reason", "stale"}, {"kind", "a"}}, -3);
  page.family("hh_y_seconds", Kind::gauge, "Some y.");
  page.sample({}, seconds_of_ms(-1'500));
  CHECK(page.text() ==
        "# HELP hh_x_total Some x.\n# TYPE hh_x_total counter\nhh_x_total 7\nhh_x_total{reason=\"stale\",kind=\"a\"} -3\n"
        "# HELP hh_y_seconds Some y.\n# TYPE hh_y_seconds gauge\nhh_y_seconds -1.5\n");
}

TEST_CASE("hostile label values stay inside their quotes [C080 C113]", "[C080][C113]") {
  Exposition page;
  page.family("hh_x", Kind::gauge, "x");
  page.sample({{"name", "a\"} 1\nevil{x=\"\\ \x7f\xff<b>\r\x1b[31m"}}, 1);
  CHECK(page.text() == "# HELP hh_x x\n# TYPE hh_x gauge\n"
                       "hh_x{name=\"a\\\"} 1\\\\x0aevil{x=\\\"\\\\ \\\\x7f\\\\xff<b>\\\\x0d\\\\x1b[31m\"} 1\n");
}

TEST_CASE("names that Prometheus or its linter would refuse are refused here [C080]", "[C080]") {
  Exposition page;
  CHECK_THROWS_AS(page.family("hh_x", Kind::counter, "h"), Error);
  CHECK_THROWS_AS(page.family("hh_x_total", Kind::gauge, "h"), Error);
  CHECK_THROWS_AS(page.family("x_total", Kind::counter, "h"), Error);
  CHECK_THROWS_AS(page.family("hx_total", Kind::counter, "h"), Error);
  CHECK_THROWS_AS(page.family("hh_X", Kind::gauge, "h"), Error);
  CHECK_THROWS_AS(page.family("hh_x", Kind::gauge, ""), Error);
  CHECK_THROWS_AS(page.family("hh_x", Kind::gauge, "a\nb"), Error);
  page.family("hh_x", Kind::gauge, "h");
  CHECK_THROWS_AS(page.family("hh_x", Kind::gauge, "h"), Error);
  CHECK_THROWS_AS(page.sample({{"bad-name", "v"}}, 1), Error);
}

TEST_CASE("decimal numbers from integers [C080]", "[C080]") {
  CHECK(fixed(0, 6) == "0");
  CHECK(fixed(1, 6) == "0.000001");
  CHECK(fixed(1'500'000, 6) == "1.5");
  CHECK(fixed(12, 0) == "12");
  CHECK(fixed(1'000, 3) == "1");
  CHECK(fixed(Uint128{1} << 100, 0) == "1267650600228229401496703205376");
}

TEST_CASE("a histogram counts each duration in every bucket that it fits in [C080]", "[C080]") {
  DurationHistogram h;
  h.observe_us(-5);
  h.observe_us(100);
  h.observe_us(101);
  h.observe_us(60'000'000);
  Exposition page;
  page.family("hh_t_seconds", Kind::histogram, "t");
  h.put(page, {{"loop", "a"}});
  const auto has = [&](const char* line) { return page.text().find(line) != std::string::npos; };
  CHECK(has("\nhh_t_seconds_bucket{loop=\"a\",le=\"0.0001\"} 2\n"));
  CHECK(has("\nhh_t_seconds_bucket{loop=\"a\",le=\"0.00025\"} 3\n"));
  CHECK(has("\nhh_t_seconds_bucket{loop=\"a\",le=\"10\"} 3\n"));
  CHECK(has("\nhh_t_seconds_bucket{loop=\"a\",le=\"+Inf\"} 4\n"));
  CHECK(has("\nhh_t_seconds_sum{loop=\"a\"} 60.000201\n"));
  CHECK(has("\nhh_t_seconds_count{loop=\"a\"} 4\n"));
}

TEST_CASE("the process's own figures are those of the process [C080]", "[C080]") {
  const auto value = [](const char* name) {
    Exposition page;
    put_process(page, "hh-test");
    const size_t at = page.text().find("\n" + std::string(name) + " ");
    REQUIRE(at != std::string::npos);
    return std::stod(page.text().substr(at + strlen(name) + 2));
  };
  const double before = value("hh_process_open_fds");
  {
    std::ifstream one("/proc/self/stat"), two("/proc/self/stat");
    CHECK(value("hh_process_open_fds") == before + 2);
  }
  CHECK(value("hh_process_resident_memory_bytes") > 1'000'000);
  CHECK(value("hh_process_resident_memory_bytes") < value("hh_process_virtual_memory_bytes"));
  CHECK(value("hh_process_threads") == 1);
  const auto now = static_cast<double>(::time(nullptr));
  CHECK(value("hh_process_start_time_seconds") == Approx(now).margin(120));
  const double cpu = value("hh_process_cpu_seconds_total");
  volatile uint64_t busy = 0;
  for (uint64_t i = 0; i < 100'000'000; ++i) busy = busy + i;
  CHECK(value("hh_process_cpu_seconds_total") > cpu);
  Exposition page;
  put_process(page, "hh-test");
  CHECK(page.text().find("hh_build_info{tool=\"hh-test\",version=\"" HH_VERSION "\"} 1\n") != std::string::npos);
}

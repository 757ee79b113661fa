// What operators get to see: records, tables, files for dashboards, metrics; and that no name of a stranger breaks out of any of them.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "ckpool_export.h"
#include "json/fields.h"
#include "operations.h"
#include "pool_metrics.h"
#include "saved_statistics.h"
#include "status.h"
#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

namespace {

const std::string evil = "\"}\\ <script>alert(1)</script> ' ; $(reboot) ../../etc \xff\xc3\x28 \xe2\x80\xae";

Figures some_figures(const std::string& worker = "rig") {
  Figures f;
  f.miner = "alice";
  f.worker = worker;
  f.sessions = 1;
  f.workers = 1;
  f.first_seen_ms = 1'699'999'000'000;
  f.last_share_ms = 1'700'000'000'000;
  f.accepted = {12, Uint128{4'295'032'833} * 120'000};
  f.refused[0] = {3, 999};
  f.best = (Uint128{0xffff} << 80) / 1'500;
  f.hashrate = {1'234'567'890'123, 999, 0, Uint128{1} << 80, 15'000, 42'000'000, 1};
  return f;
}

PoolFigures some_pool() {
  PoolFigures p;
  p.source = "north";
  p.chain = "main";
  p.doors.push_back({{"0.0.0.0:3333", {}}, 2});
  p.started_ms = 1'700'000'000'000 - 90'061'000;
  p.time_ms = 1'700'000'000'000;
  p.total = some_figures();
  p.shares_per_1000_s = {2'100, 50, 0, 7};
  p.sessions = 2, p.miners = 1, p.workers = 3;
  p.job = "abc", p.height = 840'000, p.transactions = 3'000, p.fees_sat = 12'345'678, p.job_age_ms = 4'500, p.network_difficulty = "480000.5";
  p.nodes = 2, p.nodes_up = 1, p.template_age_ms = 700;
  p.last_seq = 12;
  return p;
}

struct Folder {
  Folder() : path((std::filesystem::temp_directory_path() / ("hh-operations-" + std::to_string(::getpid()))).string()) { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

std::string content(const std::string& path) { return read_file(path); }

// A loop on a thread of its own, and everything that Operations needs.
struct Loop {
  explicit Loop(Options& o, const std::string& spool) : statistics(1'000, 1'700'000'000'000), operations(o, spool, statistics, guard, [this](std::function<void()> f) { add(std::move(f)); }, [this] { return look(); }) {}
  PoolFigures look() {
    PoolFigures p = some_pool();
    p.total = statistics.pool();
    return p;
  }
  void add(std::function<void()> f) {
    std::lock_guard lock(mutex);
    posted.push_back(std::move(f));
  }
  void run_for_ms(int ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < end) {
      std::vector<std::function<void()>> now;
      {
        std::lock_guard lock(mutex);
        now.swap(posted);
      }
      for (const auto& f : now) f();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::mutex mutex;
  std::vector<std::function<void()>> posted;
  Statistics statistics;
  Guard guard{{}, system_clock()};
  Operations operations;
};

}  // namespace

TEST_CASE("numbers as people read them: three digits that count, rounded down [C081]", "[C081]") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(999) == "999");
  CHECK(short_number(1'000) == "1K");
  CHECK(short_number(1'239) == "1.23K");
  CHECK(short_number(12'345) == "12.3K");
  CHECK(short_number(123'999) == "123K");
  CHECK(short_number(999'999'999) == "999M");
  CHECK(short_number(1'050'000'000'000) == "1.05T");
  CHECK(short_number(Uint128{5} * 1'000'000'000'000'000'000 * 1'000) == "5Z");
  CHECK(hashrate_text(0) == "0 H/s");
  CHECK(hashrate_text(1'500) == "1.5 kH/s");
  CHECK(hashrate_text(110'000'000'000'000) == "110 TH/s");
  CHECK(duration_text(59) == "59s");
  CHECK(duration_text(3'599) == "59m 59s");
  CHECK(duration_text(86'399) == "23h 59m");
  CHECK(duration_text(90'061) == "1d 1h");
}

TEST_CASE("records of a hostile worker name are whole, and a terminal is not steered by it [C113]", "[C113]") {
  const std::string line = worker_line(some_figures(evil));
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  const json::Json r = json::parse(line);  // strict: UTF-8
  CHECK(r["worker"].get<std::string>().find("<script>") != std::string::npos);
  CHECK(r["worker"].get<std::string>().find("\xef\xbf\xbd") != std::string::npos);
  json::Json hostile = r;
  hostile["worker"] = "\x1b[2J\xe2\x80\xae";
  Table t = miners_table();
  add_row(t, hostile, 1'700'000'060'000);
  const std::string text = t.text();
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); }));
  CHECK(text.find("\\x1b[2J") != std::string::npos);
}

TEST_CASE("the table of a pool says what is in its record [C081]", "[C081]") {
  PoolFigures p = some_pool();
  std::string text = status_text(json::parse(status_line(p)));
  for (const char* part : {"north on main", "up 1d 1h", "1.23 TH/s (1 m)", "12 accepted, 3 (20.00 %) rejected", "best 1500", "height 840000, 4s old", "12345678 sat", "1 of 2 up, template confirmed 0s ago", "no spool"}) {
    CAPTURE(part, text);
    CHECK(text.find(part) != std::string::npos);
  }
  p.nodes_up = 0;
  p.store_failed = "disk full";
  p.job.clear();
  text = status_text(json::parse(status_line(p)));
  CHECK(text.find("0 of 2 up") != std::string::npos);
  CHECK(text.find("disk full") != std::string::npos);
  CHECK(text.find("pool: the treasury gets the subsidy") != std::string::npos);
  p = some_pool();
  p.solo = true;
  p.treasury_sat = 625'000;
  text = status_text(json::parse(status_line(p)));
  CHECK(text.find("solo: the finder gets all of a block but 625000 sat") != std::string::npos);
  CHECK(text.find("treasury gets the subsidy") == std::string::npos);
}

TEST_CASE("ckpool's files: the keys that dashboards read, numbers they can parse [C081]", "[C081]") {
  Folder folder;
  CkpoolExport out(folder.path);
  out.make_folders();
  const Figures alice = some_figures();
  Figures away = some_figures("away"), idle = some_figures("idle");
  away.sessions = 0;
  idle.last_share_ms = 0;
  out.user(alice, {alice, away, idle}, 1'700'000'030'000);
  out.pool(some_pool());
  std::istringstream status(content(folder.path + "/pool/pool.status"));
  std::vector<json::Json> lines;
  for (std::string line; std::getline(status, line);) lines.push_back(json::Json::parse(line));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == json::Json::parse(R"({"runtime":90061,"lastupdate":1700000000,"Users":1,"Workers":2,"Idle":1,"Disconnected":1})"));
  CHECK(lines[1] == json::Json::parse(R"({"hashrate1m":"1.23T","hashrate5m":"999","hashrate15m":"0","hashrate1hr":"1.2Y","hashrate6hr":"15K","hashrate1d":"42M","hashrate7d":"1"})"));
  CHECK(lines[2].dump() == R"({"diff":25.0,"accepted":120000,"rejected":0,"bestshare":1500,"SPS1m":2.1,"SPS5m":0.05,"SPS15m":0.0,"SPS1h":0.007})");
  const auto user = json::Json::parse(content(folder.path + "/users/alice"));
  for (const char* key : {"hashrate1m", "hashrate5m", "hashrate1hr", "hashrate1d", "hashrate7d", "lastshare", "workers", "shares", "bestshare", "bestever", "authorised", "worker"}) CHECK(user.contains(key));
  CHECK(user["workers"] == 2);
  CHECK(user["shares"] == 120'000);
  CHECK(user["lastshare"] == 1'700'000'000);
  REQUIRE(user["worker"].size() == 3);
  CHECK(user["worker"][0]["workername"] == "alice.rig");
  CHECK(user["worker"][1]["bestever"] == 1'500);
}

TEST_CASE("no name leaves ckpool's folder or breaks a file in it, and nothing of others is touched [C113]", "[C113]") {
  CHECK(user_file_name("bc1qxyz") == "bc1qxyz");
  CHECK(user_file_name("../../etc/passwd") == "%2E.%2F..%2Fetc%2Fpasswd");
  CHECK(user_file_name(".") == "%2E");
  CHECK(user_file_name("a%2Fb") == "a%252Fb");
  CHECK_FALSE(user_file_name(""));
  CHECK_FALSE(user_file_name(std::string(128, '/')));
  Folder folder;
  std::filesystem::create_directories(folder.path + "/users");
  std::ofstream(folder.path + "/users/stranger") << "precious";
  std::ofstream(folder.path + "/outside") << "precious";
  std::filesystem::create_symlink(folder.path + "/outside", folder.path + "/users/alice");
  CkpoolExport out(folder.path);
  out.make_folders();
  Figures f = some_figures(evil);
  out.user(f, {f}, 0);
  f.miner = "../outside";
  out.user(f, {f}, 0);
  f.miner = std::string(128, '/');
  out.user(f, {f}, 0);
  out.pool(some_pool());
  CHECK(content(folder.path + "/users/stranger") == "precious");
  CHECK(content(folder.path + "/outside") == "precious");
  const auto user = json::parse(json::Json::parse(content(folder.path + "/users/alice")).dump());
  CHECK(user["worker"][0]["workername"].get<std::string>().find("alice.\"}\\ <script>") == 0);
  CHECK(std::filesystem::exists(folder.path + "/users/%2E.%2Foutside"));
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path)) files += entry.is_regular_file() ? 1u : 0u;
  CHECK(files == 5);  // no temporary file is left
}

TEST_CASE("health: what ails the pool, in words [C080]", "[C080]") {
  PoolFigures p = some_pool();
  CHECK(what_ails(p, 120'000).empty());
  CHECK(what_ails(std::nullopt, 120'000).at(0).find("event loop") != std::string::npos);
  p.store.strain = Strain::little_space;
  CHECK(what_ails(p, 120'000) == std::vector<std::string>{"shares are refused: pool cannot store shares now: its disk is nearly full"});
  p.store.strain = Strain::none;
  p.template_age_ms = 120'001;
  CHECK(what_ails(p, 120'000).at(0) == "no node has confirmed the template for 120 s (1 of 2 nodes answer)");
  p.store_failed = "disk full";
  CHECK(what_ails(p, 120'000).size() == 2);
  p.template_age_ms = -1;
  CHECK(what_ails(p, 120'000).at(1).find("no job") != std::string::npos);
}

TEST_CASE("the page for Prometheus: numbers in base units, labels from fixed sets [C080 C081]", "[C080][C081]") {
  metrics::DurationHistogram latency;
  const std::string page = metrics_page(some_pool(), latency, true);
  for (const char* line : {"\nhh_pool_shares_accepted_total 12\n", "\nhh_pool_shares_rejected_total{reason=\"stale\"} 3\n", "\nhh_pool_shares_rejected_total{reason=\"not_stored\"} 0\n",
                           "\nhh_pool_hashes_per_second{window=\"1m\"} 1234567890123\n", "\nhh_pool_job_age_seconds 4.5\n", "\nhh_pool_template_age_seconds 0.7\n", "\nhh_pool_template_fees_bitcoin 0.12345678\n",
                           "\nhh_pool_best_share_difficulty 1500\n", "\nhh_pool_healthy 1\n", "\nhh_pool_nodes_up 1\n", "\nhh_pool_store_up 1\n", "\nhh_build_info{tool=\"hh-pool\""})
    CHECK(page.find(line) != std::string::npos);
  CHECK(page.find("alice") == std::string::npos);  // no miner's name in any label
  const std::string stuck = metrics_page(std::nullopt, latency, false);
  CHECK(stuck.find("\nhh_pool_event_loop_up 0\n") != std::string::npos);
  CHECK(stuck.find("hh_pool_shares") == std::string::npos);
}

TEST_CASE("statistics survive a restart; a file that is not whole is a fresh beginning [C081]", "[C081]") {
  Folder folder;
  Options o;
  o.control = folder.path + "/s";
  const std::string spool = folder.path + "/spool", kept = spool + ".stats";
  {
    Loop before(o, spool);
    before.operations.start(false);
    {
      const auto a = before.statistics.sit("alice", evil);
      before.statistics.accepted(a, 1'000'000'000, simple_template()->prev_hash);
    }
    for (int m = 0; m < 300; ++m) {  // more than a piece
      const auto b = before.statistics.sit("m" + std::to_string(m), "");
      if (m % 2 == 0) before.statistics.accepted(b, 5, simple_template()->prev_hash);
      else before.statistics.refused(b, Refused::stale, 7);
    }
    before.run_for_ms(50);
    before.operations.stop();
    CHECK(::access(o.control.c_str(), F_OK) != 0);
  }
  {
    Loop after(o, spool);
    CHECK(after.statistics.miner("alice")->accepted.work == 1'000'000'000);
    CHECK(after.statistics.workers("alice").at(0).worker == evil);
    CHECK(after.statistics.worker_count() == 301);
    CHECK(after.statistics.pool().accepted.work == 1'000'000'000 + 150 * 5);
  }
  const std::string good = content(kept);
  for (const std::string& bad : {good.substr(0, good.size() - 10), std::string("nonsense\n"), good + good.substr(0, good.find('\n')), std::string(), good.substr(0, 30) + "x" + good.substr(31)}) {
    std::ofstream(kept, std::ios::trunc) << bad;
    Loop fresh(o, spool);
    CHECK(fresh.statistics.pool().accepted.shares == 0);
    CHECK(fresh.statistics.worker_count() == 0);
  }
}

TEST_CASE("a loop that is stuck does not keep the operator's threads from ending [C113]", "[C113]") {
  Folder folder;
  Options o;
  o.control = folder.path + "/s";
  Loop loop(o, "");
  loop.operations.start(false);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // stuck for so long
  loop.run_for_ms(500);
  {
    std::lock_guard lock(loop.mutex);
    loop.posted.clear();
  }
  const auto start = std::chrono::steady_clock::now();
  loop.operations.stop();  // while its probe waits for a loop that has ended
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(1'500));
}

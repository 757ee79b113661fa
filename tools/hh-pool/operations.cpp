#include "operations.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/replace_file.h"
#include "pool_metrics.h"
#include "saved_statistics.h"
#include "status.h"

namespace hh::pool {
namespace {

constexpr const char* usual_control_path = "/run/hyperhash/hh-pool.sock";
constexpr int64_t loop_patience_ms = 2'000;
constexpr int64_t settle_patience_ms = 30'000;
constexpr size_t piece = 100;  // workers that one call on the loop looks at: some 50 µs
constexpr auto probe_pause = std::chrono::milliseconds(200);
constexpr int64_t slow_ms = 1'000;
constexpr int64_t minutes_between_keeping = 5;
constexpr uint64_t few_shares = 100;  // in a minute: too few to call a tenth of them many

int64_t now_ms() { return system_clock().monotonic_ms(); }
int64_t now_us() { return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

uint64_t size_of(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 ? static_cast<uint64_t>(s.st_size) : 0;
}

void tell_no_control(const std::string& why) {
  log::warn("no_control_socket", {{"reason", why}, {"hint", "set control to a path that the pool may write to, or to off"}});
}

std::string statistics_path(const std::string& spool) { return spool + ".stats"; }

}  // namespace

std::vector<std::string> control_paths(const std::string& setting, const std::string& spool, const std::string& source) {
  if (setting == "off") return {};
  if (!setting.empty()) return {setting};
  std::vector<std::string> paths{usual_control_path};
  if (spool.empty()) return paths;
  struct stat s {};
  const bool folder = ::stat(spool.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
  paths.push_back((folder ? spool + "/" + source + ".jsonl" : spool) + ".sock");
  return paths;
}

Operations::Operations(const Options& options, const std::string& spool, Statistics& statistics, Guard& guard, Post post, std::function<PoolFigures()> figures)
    : options_(options), spool_(spool), statistics_(statistics), post_(std::move(post)), figures_(std::move(figures)), on_loop_(post_, loop_patience_ms, &ending_),
      bans_(guard, spool, on_loop_) {
  add_commands();
  if (!options.takeover) try_http();
  std::string why;
  if (!spool_.empty() && !restore(statistics_, statistics_path(spool_), why) && !why.empty())
    log::warn("statistics_not_restored", {{"reason", why}, {"hint", "hashrates begin anew; no share is concerned"}});
  bans_.restore();
}

Operations::~Operations() { stop(); }

void Operations::add_commands() {
  bans_.add_commands(control_);
  control_.on("status", [this](const json::Fields&, std::string& answer) {
    auto p = on_loop_(figures_);
    if (!p.spool.empty()) p.spool_bytes = size_of(p.spool);
    answer += status_line(p);
  });
  control_.on("miners", [this](const json::Fields&, std::string& answer) {
    std::string after;
    while (true) {
      const auto some = on_loop_([&] { return statistics_.miners(after, piece); });
      if (some.empty()) return;
      for (const Figures& f : some) answer += miner_line(f);
      after = some.back().miner;
    }
  });
  control_.on("miner", [this](const json::Fields& f, std::string& answer) {
    const std::string name = f.text("miner", records::max_name);
    const auto miner = on_loop_([&] { return statistics_.miner(name); });
    if (!miner) throw Error(Exit::no_input, fmt::format("no miner \"{}\" is known to the pool", name));
    answer += miner_line(*miner);
    std::string after;
    for (bool first = true;; first = false) {
      const auto some = on_loop_([&] { return statistics_.workers(name, first ? nullptr : &after, piece); });
      if (some.empty()) return;
      for (const Figures& w : some) answer += worker_line(w);
      after = some.back().worker;
    }
  });
}

void Operations::try_http() {
  if (!options_.http.empty()) http_ = std::make_unique<http::Server>(options_.http, "http", [this](const std::string& path) { return page(path); });
}

void Operations::start(bool inherited) {
  if (!options_.ckpool_folder.empty()) {
    ckpool_.emplace(options_.ckpool_folder);
    ckpool_->make_folders();
  }
  if (inherited) {
    settle_until_ms_ = now_ms() + settle_patience_ms;
  } else {
    if (const std::string why = try_control(); !why.empty()) tell_no_control(why);
    if (http_) start_http();
  }
  house_ = std::thread([this] { keep_house(); });
}

void Operations::start_http() {
  http_->start();
  log::info("http", {{"address", http_->address()}});
}

void Operations::stop(bool keep_too) {
  {
    std::lock_guard lock(mutex_);
    if (ending_.exchange(true)) return;
  }
  wake_.notify_all();
  const bool started = house_.joinable();
  if (started) house_.join();
  control_.stop();
  if (http_) http_->stop();
  if (started && keep_too) keep();
}

void Operations::keep() {
  bans_.keep();
  keep_statistics([this](std::string& after) { return statistics_.saved_workers(std::string(after), piece, after); }, statistics_.saved_pool());
}

// A path that was asked for must work; of those that nobody asked for, the first that does. Why none does, or "".
std::string Operations::try_control() {
  const auto paths = control_paths(options_.control, options_.spool, options_.pool.source);
  std::string why;
  for (const std::string& path : paths) {
    try {
      control_.start(path);
      log::info("control", {{"socket", path}});
      return "";
    } catch (const Error& e) {
      if (!options_.control.empty()) throw;
      why += (why.empty() ? "" : "; ") + std::string(e.what());
    }
  }
  return why;
}

// What the predecessor still holds is tried again until it has gone.
void Operations::settle() {
  if (settle_until_ms_ < 0) return;
  const bool last = now_ms() > settle_until_ms_;
  bool done = true;
  if (control_.path().empty()) {
    std::string why;
    try {
      why = try_control();
    } catch (const Error& e) {
      why = e.what();
    }
    done = why.empty();
    if (!done && last) tell_no_control(why);
  }
  if (!http_ && !options_.http.empty()) {
    try {
      try_http();
      start_http();
    } catch (const Error& e) {
      done = false;
      if (last) log::error("no_http", {{"reason", e.what()}});
    }
  }
  if (done || last) settle_until_ms_ = -1;
}

// nullopt: the loop does not answer.
std::optional<PoolFigures> Operations::look() {
  try {
    auto p = on_loop_(figures_);
    if (!p.spool.empty()) p.spool_bytes = size_of(p.spool);
    return p;
  } catch (const Error& e) {
    if (e.code() != Exit::temp_fail) throw;
    return std::nullopt;
  }
}

http::Page Operations::page(const std::string& path) {
  const bool health = path == "/healthz";
  if (!health && path != "/metrics") return {404, "here are /metrics and /healthz\n"};
  const auto p = look();
  const auto ills = what_ails(p, p ? p->most_template_age_ms : 0);
  if (!health) return {200, metrics_page(p, loop_latency_, ills.empty()), metrics::Exposition::content_type};
  if (ills.empty()) return {200, "ok\n"};
  std::string text;
  for (const std::string& ill : ills) text += ill + "\n";
  return {503, text};
}

void Operations::keep_house() {
  int64_t next_minute = now_ms() + 2'000;  // dashboards need not wait a minute for the first files
  int64_t minutes = 0;
  std::unique_lock lock(mutex_);
  while (!ending_) {
    lock.unlock();
    settle();
    probe_loop();
    if (now_ms() >= next_minute) {
      next_minute = now_ms() + 60'000;
      try {
        each_minute();
        bans_.keep_if_changed();
        if (++minutes % minutes_between_keeping == 0)
          keep_statistics([this](std::string& after) { return on_loop_([&] { return statistics_.saved_workers(std::string(after), piece, after); }); },
                          on_loop_([&] { return statistics_.saved_pool(); }));
      } catch (const std::exception& e) {
        if (!ending_) log::warn("housekeeping_failed", {{"reason", e.what()}});
      }
    }
    lock.lock();
    wake_.wait_for(lock, probe_pause, [&] { return ending_.load(); });
  }
}

// A call that only notes when it ran. One is under way at a time, so a loop that is stuck is asked once.
void Operations::probe_loop() {
  if (probing_->load()) {
    if (!told_slow_ && now_ms() - probe_since_ms_ > slow_ms) {
      log::error("event_loop_stuck", {{"since_ms", now_ms() - probe_since_ms_}, {"hint", "miners are waiting for answers"}});
      told_slow_ = true;
    }
    return;
  }
  if (told_slow_) log::info("event_loop_answers", {{"waited_ms", now_ms() - probe_since_ms_}});
  told_slow_ = false;
  probing_->store(true);
  probe_since_ms_ = now_ms();
  post_([this, probing = probing_, since = now_us()] {
    if (!ending_) loop_latency_.observe_us(now_us() - since);
    probing->store(false);
  });
}

void Operations::each_minute() {
  const auto p = look();
  if (!p) return;  // which the probe tells people
  watch_refusals(*p);
  if (!ckpool_) return;
  try {
    export_for_ckpool(*p);
    if (std::exchange(export_failed_, false)) log::info("ckpool_export_works", {{"folder", options_.ckpool_folder}});
  } catch (const Error& e) {
    if (e.code() == Exit::temp_fail) throw;
    if (!std::exchange(export_failed_, true)) log::error("ckpool_export_failed", {{"reason", e.what()}});
  }
}

void Operations::export_for_ckpool(const PoolFigures& p) {
  std::string after;
  while (true) {
    const auto some = on_loop_([&] { return statistics_.miners(after, piece); });
    if (some.empty()) break;
    for (const Figures& miner : some) {
      std::vector<Figures> workers;
      for (bool first = true;; first = false) {
        const std::string last = first ? std::string() : workers.back().worker;
        auto more = on_loop_([&] { return statistics_.workers(miner.miner, first ? nullptr : &last, piece); });
        if (more.empty()) break;
        workers.insert(workers.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        if (more.size() < piece) break;
      }
      ckpool_->user(miner, workers, p.time_ms);
    }
    after = some.back().miner;
  }
  ckpool_->pool(p);
}

void Operations::keep_statistics(const std::function<std::vector<Statistics::Saved>(std::string& after)>& next, const Statistics::Saved& pool) {
  if (spool_.empty()) return;
  std::string text = to_line(pool), after;
  for (std::string before = "\n"; before != after;) {  // no miner's name
    before = after;
    for (const auto& s : next(after)) text += to_line(s);
  }
  std::lock_guard lock(keeping_);
  try {
    replace_file(statistics_path(spool_), text, 0640);
    keeping_failed_ = false;
  } catch (const Error& e) {
    if (!std::exchange(keeping_failed_, true)) log::warn("statistics_not_kept", {{"reason", e.what()}});
  }
}

void Operations::watch_refusals(const PoolFigures& p) {
  uint64_t rejected = 0;
  for (const Tally& t : p.total.refused) rejected += t.shares;
  const uint64_t good = p.total.accepted.shares - accepted_before_, bad = rejected - rejected_before_;
  const bool known = accepted_before_ + rejected_before_ != 0;
  accepted_before_ = p.total.accepted.shares;
  rejected_before_ = rejected;
  if (known && good + bad >= few_shares && bad * 10 > good + bad) log::warn("many_rejected", {{"accepted", good}, {"rejected", bad}, {"seconds", 60}, {"hint", "hh-pool status says for which reasons"}});
}

}  // namespace hh::pool

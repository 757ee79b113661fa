#include "status.h"

#include <fmt/format.h>

#include <algorithm>

#include "json/fields.h"

namespace hh::pool {
namespace {

using json::Json;

constexpr const char* prefixes = " kMGTPEZYRQ";

std::string decimal(Uint128 n) { return bitcoin::Work(n).to_text(); }

void put_figures(Json& r, const Figures& f) {
  for (size_t i = 0; i < rate_names.size(); ++i) r[std::string("hashrate_") + rate_names[i]] = decimal(f.hashrate[i]);
  r["best_share"] = difficulty_text(f.best);
  r["accepted"] = f.accepted.shares;
  r["accepted_work"] = decimal(f.accepted.work);
  Tally all;
  Json by_reason = Json::array();
  for (size_t i = 0; i < refused_reasons; ++i) {
    const Tally& t = f.refused[i];
    all.merge(t);
    if (t.shares != 0) by_reason.push_back({{"reason", name(static_cast<Refused>(i))}, {"shares", t.shares}, {"work", decimal(t.work)}});
  }
  r["rejected"] = all.shares;
  r["rejected_work"] = decimal(all.work);
  r["rejected_by_reason"] = by_reason;
  if (f.last_share_ms != 0) r["last_share_ms"] = f.last_share_ms;
}

void put_guard(Json& r, const GuardFigures& g) {
  r["banned"] = g.banned;
  r["turned_away"] = Json::object();
  for (size_t i = 0; i < turned_away_kinds; ++i) r["turned_away"][name(static_cast<TurnedAway>(i))] = g.turned_away[i];
  r["offences"] = Json::object();
  for (size_t i = 0; i < offence_kinds; ++i) r["offences"][name(static_cast<Offence>(i))] = g.offences[i];
}

uint64_t sum_of(const Json& counts) {
  uint64_t sum = 0;
  for (const Json& n : counts) sum += n.get<uint64_t>();
  return sum;
}

// A worker's name is a stranger's, of any bytes but control characters: what is not UTF-8 is shown as U+FFFD, so that the record is one.
std::string line_of(const Json& r) { return r.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string shown(const Json& r, const char* key) { return r.contains(key) ? (r[key].is_string() ? r[key].get<std::string>() : r[key].dump()) : std::string("-"); }

// For a terminal: what a stranger chose must not steer it. ASCII only, as in the log.
std::string tame(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    out += u >= 0x20 && u < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", u);
  }
  return out;
}

std::string rate(const Json& r, const char* key) { return hashrate_text(bitcoin::Work::from_text(shown(r, key)).value_or(bitcoin::Work()).hashes()); }

std::string rejected_part(const Json& r) {
  const uint64_t good = r.value("accepted", uint64_t{0}), bad = r.value("rejected", uint64_t{0});
  const uint64_t per_10000 = good + bad == 0 ? 0 : static_cast<uint64_t>(Uint128{bad} * 10'000 / (Uint128{good} + bad));
  return fmt::format("{} ({}.{:02} %)", bad, per_10000 / 100, per_10000 % 100);
}

std::string ago(const Json& r, const char* key, int64_t now_ms) {
  if (!r.contains(key)) return "never";
  return duration_text(std::max<int64_t>(0, now_ms - r[key].get<int64_t>()) / 1000);
}

}  // namespace

std::string short_number(Uint128 n) {
  const char* prefix = prefixes;
  uint64_t rest = 0;  // thousandths of what is shown
  while (n >= 1000 && prefix[1] != '\0') {
    rest = static_cast<uint64_t>(n % 1000);
    n /= 1000;
    ++prefix;
  }
  std::string text = decimal(n);
  if (prefix != prefixes && n < 100) {
    text += fmt::format(".{:03}", rest).substr(0, n < 10 ? 3 : 2);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  if (prefix != prefixes) text += *prefix == 'k' ? 'K' : *prefix;
  return text;
}

std::string hashrate_text(Uint128 n) {
  std::string text = short_number(n);
  const char last = text.back();
  if (last >= '0' && last <= '9') return text + " H/s";
  text.pop_back();
  return fmt::format("{} {}H/s", text, last == 'K' ? 'k' : last);
}

std::string duration_text(int64_t s) {
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3'600) return fmt::format("{}m {}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h {}m", s / 3'600, s % 3'600 / 60);
  return fmt::format("{}d {}h", s / 86'400, s % 86'400 / 3'600);
}

void put_doors(Json& r, const std::vector<PoolFigures::Door>& doors) {
  r["listen"] = doors.front().listener.address;
  Json all = Json::array();
  for (const auto& [l, sessions] : doors)
    all.push_back({{"address", l.address}, {"difficulty_min", l.range.vardiff.least.to_text()}, {"difficulty_max", l.range.vardiff.most.to_text()},
                   {"difficulty_start", l.range.start.to_text()}, {"tls", l.tls}, {"proxy", l.proxy}, {"sv2", l.sv2}});
  r["listeners"] = std::move(all);
}

std::string status_line(const PoolFigures& p) {
  Json r = json::make_record("pool_status");
  if (p.simulated) r["simulated"] = true;
  r["source"] = p.source;
  r["chain"] = p.chain;
  put_doors(r, p.doors);
  for (size_t i = 0; i < p.doors.size(); ++i) r["listeners"][i]["sessions"] = p.doors[i].sessions;
  r["coinbase_mode"] = p.solo ? "solo" : "pool";
  r["version"] = HH_VERSION;
  r["started_ms"] = p.started_ms;
  r["time_ms"] = p.time_ms;
  r["sessions"] = p.sessions;
  r["miners"] = p.miners;
  r["workers"] = p.workers;
  put_figures(r, p.total);
  r["shares_per_1000_s"] = static_cast<int64_t>(p.shares_per_1000_s[0]);
  r["blocks"] = p.blocks;
  r["connections"] = p.connections;
  r["jobs"] = p.jobs;
  put_guard(r, p.guard);
  if (!p.job.empty()) {
    r["job"] = p.job;
    r["job_age_ms"] = p.job_age_ms;
    r["height"] = p.height;
    r["transactions"] = p.transactions;
    r["fees_sat"] = p.fees_sat;
    if (p.treasury_sat) r["treasury_sat"] = *p.treasury_sat;
    r["network_difficulty"] = p.network_difficulty;
  }
  r["nodes"] = p.nodes;
  r["nodes_up"] = p.nodes_up;
  if (p.template_age_ms >= 0) r["template_age_ms"] = p.template_age_ms;
  r["last_seq"] = p.last_seq;
  if (!p.spool.empty()) {
    r["spool"] = p.spool;
    r["spool_bytes"] = p.spool_bytes;
    if (p.store.free_bytes >= 0) r["spool_free_bytes"] = p.store.free_bytes;
  }
  r["store_waiting_bytes"] = p.store.waiting_bytes;
  if (p.store.strain != Strain::none) r["store_refuses"] = name(p.store.strain);
  if (!p.store_failed.empty()) r["store_failed"] = p.store_failed;
  return line_of(r);
}

std::string miner_line(const Figures& f) {
  Json r = json::make_record("miner_status");
  r["miner"] = f.miner;
  r["sessions"] = f.sessions;
  r["workers"] = f.workers;
  put_figures(r, f);
  r["first_seen_ms"] = f.first_seen_ms;
  return line_of(r);
}

std::string worker_line(const Figures& f) {
  Json r = json::make_record("worker_status");
  r["miner"] = f.miner;
  r["worker"] = f.worker;
  r["sessions"] = f.sessions;
  put_figures(r, f);
  r["first_seen_ms"] = f.first_seen_ms;
  return line_of(r);
}

std::string status_text(const Json& r) {
  const int64_t now = r.at("time_ms").get<int64_t>();
  Table t({"", ""});
  const auto row = [&](const char* what, const std::string& value) { t.add({what, tame(value)}); };
  row("pool", fmt::format("{} on {}, {}, hh-pool {}, up {}", shown(r, "source"), shown(r, "chain"), shown(r, "listen"), shown(r, "version"), ago(r, "started_ms", now)));
  for (const Json& l : r.at("listeners"))
    row("", fmt::format("  {}{}{}: difficulty {} to {}, begins at {}, {} connections now", shown(l, "address"), l.value("sv2", false) ? ", Stratum V2" : l.value("tls", false) ? ", TLS" : "", l.value("proxy", false) ? ", behind a proxy" : "",
                        shown(l, "difficulty_min"), shown(l, "difficulty_max"), shown(l, "difficulty_start"), shown(l, "sessions")));
  if (shown(r, "coinbase_mode") == "solo")
    row("coinbase", r.contains("treasury_sat") ? fmt::format("solo: the finder gets all of a block but {} sat, which the treasury keeps", shown(r, "treasury_sat")) : "solo");
  else
    row("coinbase", "pool: the treasury gets the subsidy, the finder the fees");
  row("miners", fmt::format("{} with {} workers, {} connections now", shown(r, "miners"), shown(r, "workers"), shown(r, "sessions")));
  row("hashrate", fmt::format("{} (1 m)  {} (15 m)  {} (1 h)  {} (1 d)", rate(r, "hashrate_1m"), rate(r, "hashrate_15m"), rate(r, "hashrate_1h"), rate(r, "hashrate_1d")));
  row("shares", fmt::format("{} accepted, {} rejected, best {}, last {} ago", shown(r, "accepted"), rejected_part(r), shown(r, "best_share"), ago(r, "last_share_ms", now)));
  for (const Json& reason : r.at("rejected_by_reason")) row("", fmt::format("  {} {}", shown(reason, "shares"), shown(reason, "reason")));
  row("guards", fmt::format("{} addresses banned; {} connections turned away, {} closed for offences", shown(r, "banned"), sum_of(r.at("turned_away")), sum_of(r.at("offences"))));
  row("blocks", shown(r, "blocks"));
  if (r.contains("job"))
    row("job", fmt::format("{} of height {}, {} old, {} transactions, {} sat in fees, network difficulty {}", shown(r, "job"), shown(r, "height"),
                           duration_text(r.at("job_age_ms").get<int64_t>() / 1000), shown(r, "transactions"), shown(r, "fees_sat"), shown(r, "network_difficulty")));
  row("nodes", fmt::format("{} of {} up{}", shown(r, "nodes_up"), shown(r, "nodes"),
                           r.contains("template_age_ms") ? fmt::format(", template confirmed {} ago", duration_text(r["template_age_ms"].get<int64_t>() / 1000)) : ""));
  row("records", r.contains("spool") ? fmt::format("{} in {} ({} bytes)", shown(r, "last_seq"), shown(r, "spool"), shown(r, "spool_bytes")) : shown(r, "last_seq") + ", no spool");
  if (r.contains("store_refuses"))
    row("REFUSING", fmt::format("shares cannot be stored now: {}; {} bytes wait, {} bytes are free", shown(r, "store_refuses"), shown(r, "store_waiting_bytes"), shown(r, "spool_free_bytes")));
  if (r.contains("store_failed")) row("FAILED", shown(r, "store_failed"));
  const std::string text = t.text();
  return text.substr(text.find('\n') + 1);  // without the empty headings
}

Table miners_table() { return Table({"miner", "worker", ">sessions", ">1 m", ">1 h", ">1 d", ">accepted", ">rejected", ">best share", ">last share"}); }

void add_row(Table& t, const Json& r, int64_t now_ms) {
  t.add({tame(shown(r, "miner")), r.contains("worker") ? tame(shown(r, "worker")) : fmt::format("({})", shown(r, "workers")), shown(r, "sessions"), rate(r, "hashrate_1m"),
         rate(r, "hashrate_1h"), rate(r, "hashrate_1d"), shown(r, "accepted"), rejected_part(r), shown(r, "best_share"), ago(r, "last_share_ms", now_ms)});
}

}  // namespace hh::pool

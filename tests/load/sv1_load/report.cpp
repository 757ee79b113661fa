#include "report.h"

#include <array>

#include "base/terminal.h"
#include "json/fields.h"
#include "json/lines.h"

namespace hh::load {
namespace {

using json::Json;

void put_percentiles(Json& record, const std::string& name, const Histogram& h) {
  for (const auto& [suffix, per_mille] : {std::pair{"p50", 500u}, {"p90", 900u}, {"p99", 990u}, {"p999", 999u}}) record[name + "_" + suffix + "_us"] = h.percentile(per_mille);
  record[name + "_max_us"] = h.max();
}

void put_server(Json& record, const Options& o, const Phase& p) {
  if (o.server_pids.empty()) return;
  record["server_cpu_us"] = p.after.cpu_us - p.before.cpu_us;
  record["server_resident_bytes_before"] = p.before.resident_bytes;
  record["server_resident_bytes"] = p.after.resident_bytes;
}

uint64_t per(uint64_t value, uint64_t times, uint64_t count) { return count == 0 ? 0 : value * times / count; }

void print(const Json& record) {
  if (stderr_is_terminal()) std::fputs("\r\033[K", stderr);
  json::print(record);
}

}  // namespace

void report_connect(const Options& o, const Results& r) {
  Json record = json::make_record("load_connect");
  record["connections"] = r.honest;
  record["logged_in"] = r.logged_in;
  record["failed"] = r.honest - r.logged_in;
  record["refused_connects"] = r.refused_connects;
  record["closed_at_login"] = r.closed_at_login;
  record["refused_logins"] = r.refused_logins;
  record["slow_logins"] = r.slow_logins;
  if (!r.login_reason.empty()) record["reason"] = r.login_reason;
  record["elapsed_us"] = r.connect.us;
  put_percentiles(record, "connect", r.connect_us);
  put_percentiles(record, "login", r.login_us);
  put_server(record, o, r.connect);
  print(record);
}

void report_idle(const Options& o, const Results& r) {
  Json record = json::make_record("load_idle");
  record["connections"] = r.logged_in;
  record["elapsed_us"] = r.idle.us;
  put_server(record, o, r.idle);
  const uint64_t before = r.connect.before.resident_bytes, after = r.idle.after.resident_bytes;
  if (!o.server_pids.empty()) record["resident_bytes_per_connection"] = after < before ? 0 : per(after - before, 1, r.logged_in);
  print(record);
}

void report_drive(const Options& o, const Results& r, const Counts& c) {
  Json record = json::make_record("load_submits");
  record["elapsed_us"] = r.drive.us;
  record["submitted"] = c.submitted;
  record["accepted"] = c.accepted;
  record["late_accepted"] = c.late_accepted;
  record["refused"] = c.refused;
  record["unanswered"] = r.unanswered;
  record["unanswered_closed"] = r.unanswered_closed;
  record["unexpected_answers"] = c.unexpected;
  record["unreadable_lines"] = c.unreadable;
  record["disconnected"] = r.disconnected;
  record["held_back"] = r.held_back;
  record["hashes_without_share"] = c.low_hash;
  record["accepted_per_second"] = per(c.accepted, 1'000'000, r.drive.us);
  put_percentiles(record, "latency", c.latency_us);
  put_percentiles(record, "late", r.late_us);
  put_server(record, o, r.drive);
  const uint64_t answered = c.accepted + c.refused;
  if (!o.server_pids.empty()) record["server_cpu_us_per_1000_submits"] = per(r.drive.after.cpu_us - r.drive.before.cpu_us, 1000, answered);
  record["own_cpu_us_per_1000_submits"] = per(r.drive.own_cpu_us, 1000, answered);
  constexpr std::array<const char*, 3> sent_names{"before_notify", "after_notify", "late"};
  Json refusals = Json::array();
  for (const auto& [refusal, count] : c.refusals)
    refusals.push_back({{"code", refusal.code}, {"reason", refusal.reason}, {"sent", sent_names[static_cast<size_t>(refusal.sent)]}, {"count", count}});
  record["refusals"] = std::move(refusals);
  print(record);
}

void report_blocks(const Options& o, const Tips& tips, const Blocks& blocks, uint64_t connections) {
  for (const Tips::Tip& tip : tips.all()) {
    if (tip.receivers == 0) continue;  // known at the login
    Json record = json::make_record("load_block");
    record["connections"] = connections;
    record["receivers"] = tip.receivers;
    record["first_to_last_us"] = tip.last_us - tip.first_us;
    if (tip.told_us != 0) {
      record["tip_to_first_us"] = tip.first_us - tip.told_us;
      record["tip_to_last_us"] = tip.last_us - tip.told_us;
    }
    put_percentiles(record, "after_first", tip.after_first_us);
    print(record);
  }
  if (blocks.refused() != 0 || blocks.given() != o.block_at_ms.size()) {
    Json record = json::make_record("load_blocks_missing");
    record["asked"] = o.block_at_ms.size();
    record["given"] = blocks.given();
    record["refused"] = blocks.refused();
    print(record);
  }
}

void report_hostile(const Hostile& h) {
  for (size_t k = 0; k < Hostile::kinds; ++k) {
    const Hostile::Figures& f = h.figures()[k];
    Json record = json::make_record("load_hostile");
    record["kind"] = Hostile::name(static_cast<Hostile::Kind>(k));
    record["clients"] = f.clients;
    record["connects"] = f.connects;
    record["closed_by_server"] = f.closed_by_server;
    record["sent_bytes"] = f.sent_bytes;
    print(record);
  }
}

}  // namespace hh::load

#include "report/report.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <vector>

#include "base/amount.h"
#include "base/clock.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "crypto/random.h"
#include "json/canonical.h"
#include "json/fields.h"

namespace hh::ln {
namespace {

using json::Json;

constexpr int64_t day_ms = 86'400'000;
constexpr int64_t good_for_seconds = 20 * 366 * int64_t{86'400};  // audits look back
constexpr std::array columns{"event", "time_ms", "manifest_id", "line", "account", "attempt", "payment_hash", "state", "amount_msat", "fee_msat", "alarm", "reason", "rail", "txid", "vout", "onchain_event"};
constexpr size_t first_columns = 12;  // of reports that were made before there were payments on chain

// Between quotes where it has to be (RFC 4180), and never something that a spreadsheet takes for a formula.
std::string csv_field(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return json::to_line(value);
  std::string text = value.get<std::string>();
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) text.insert(0, 1, '\'');
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';  // a row is a line
  if (text.find_first_of(",\"#") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) (out += c) += c == '"' ? "\"" : "";
  return out + "\"";
}

std::string csv_row(const Json& record) {
  std::string out;
  for (size_t i = 0; i < columns.size(); ++i) (out += i == 0 ? "" : ",") += csv_field(record.contains(columns[i]) ? record.at(columns[i]) : Json());
  return out + "\n";
}

std::string csv_head(size_t count = columns.size()) {
  std::string out;
  for (size_t i = 0; i < count; ++i) (out += out.empty() ? "" : ",") += columns[i];
  return out + "\n";
}

struct Sums {
  int64_t payouts = 0, failures = 0, alarms = 0, rows = 0;
  Msat paid, fees;
  int64_t first = 0, last = 0, first_onchain = 0, last_onchain = 0;
  void add(const Json& r) {
    const json::Fields f(r);
    const bool is_paid = f.text("state") == "PAID";
    ++rows, payouts += is_paid, failures += !is_paid, alarms += f.optional_boolean("alarm");
    if (is_paid) paid += f.msat("amount_msat"), fees += f.msat("fee_msat");
    const bool onchain = r.contains("onchain_event");
    int64_t &begin = onchain ? first_onchain : first, &end = onchain ? last_onchain : last;
    end = f.integer(onchain ? "onchain_event" : "event");
    if (begin == 0) begin = end;
  }
  void put(Json& r) const {
    r["rows"] = rows;
    r["payouts"] = payouts;
    r["paid_msat"] = paid.count();
    r["fees_msat"] = fees.count();
    r["failures"] = failures;
    r["alarms"] = alarms;
    if (first > 0) r["first_event"] = first, r["last_event"] = last;
    if (first_onchain > 0) r["first_onchain_event"] = first_onchain, r["last_onchain_event"] = last_onchain;
  }
};

// The fields of one line of CSV as we write it.
std::vector<std::string> csv_split(std::string_view line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') out.back() += c, ++i;
    else if (c == '"') quoted = !quoted;
    else if (c == ',' && !quoted) out.emplace_back();
    else out.back() += c;
  }
  return out;
}

int64_t number_of(const std::string& text, const char* name) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) throw Error(Exit::data, fmt::format("column {} has no number", name));
  return n;
}

Json from_csv(std::string_view line, size_t count) {
  const auto fields = csv_split(line);
  if (fields.size() != count) throw Error(Exit::data, fmt::format("a row has {} columns, not {}", fields.size(), count));
  Json r = json::make_record("payment_event");
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = columns[i];
    if (fields[i].empty()) continue;
    if (name == "alarm") r[columns[i]] = fields[i] == "true";
    else if (name == "event" || name == "time_ms" || name == "line" || name == "attempt" || name == "vout" || name == "onchain_event" || name.ends_with("_msat")) r[columns[i]] = number_of(fields[i], columns[i]);
    else r[columns[i]] = fields[i];
  }
  return r;
}

struct Parts {
  std::string_view rows, last;  // last: the record, without '#'
  bool csv = false;
};

Parts parts_of(std::string_view text) {
  if (!text.ends_with('\n')) throw Error(Exit::data, "the report does not end with a whole line: it is cut off");
  const size_t at = text.substr(0, text.size() - 1).rfind('\n');
  Parts p;
  p.rows = at == std::string_view::npos ? std::string_view() : text.substr(0, at + 1);
  p.last = text.substr(p.rows.size(), text.size() - p.rows.size() - 1);
  p.csv = p.last.starts_with('#');
  if (p.csv) p.last.remove_prefix(1);
  return p;
}

void each_row(const Parts& p, const std::function<void(const Json&)>& each) {
  std::string_view rest = p.rows;
  size_t count = columns.size();
  if (p.csv) {
    if (rest.starts_with(csv_head(first_columns))) count = first_columns;
    if (!rest.starts_with(csv_head(count))) throw Error(Exit::data, "the report's first line does not name its columns");
    rest.remove_prefix(csv_head(count).size());
  }
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    each(p.csv ? from_csv(rest.substr(0, end), count) : json::parse(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
  }
}

// Steps of transactions on chain, one record for each line of one. As the states of lines have it: RECORDED is SENDING, for it may have been sent.
constexpr const char* onchain_state = "CASE e.to_state WHEN 'RECORDED' THEN 'SENDING' WHEN 'BROADCAST' THEN 'INFLIGHT' WHEN 'CONFIRMED' THEN 'PAID' ELSE 'FAILED_SAFE' END";

std::vector<Json> onchain_events(store::Database& db, const EventRange& range) {
  std::vector<Json> out;
  auto rows = db.statement(fmt::format(R"sql(
    SELECT e.id, e.time_ms, o.manifest_id, o.line, l.account, e.txid, o.vout, {}, o.amount_sat, o.fee_msat, e.alarm, e.reason,
      CASE e.from_state WHEN '' THEN 'PLANNED' WHEN 'RECORDED' THEN 'SENDING' ELSE 'INFLIGHT' END
    FROM onchain_events e JOIN onchain_lines o USING (batch) JOIN lines l USING (manifest_id, line)
    WHERE e.time_ms >= ?1 AND e.time_ms < ?2 AND (NOT ?3 OR e.to_state IN ('CONFIRMED', 'CONFLICTED')) ORDER BY e.id, o.vout)sql", onchain_state));
  for (bool more = rows.first(range.from_ms, range.to_ms, range.ends_only); more; more = rows.step()) {
    const std::string to = rows.text(7);
    Json r = json::make_record("payment_event");
    r["rail"] = "onchain";
    r["onchain_event"] = rows.int64(0);
    r["time_ms"] = rows.int64(1);
    r["manifest_id"] = rows.text(2);
    r["line"] = rows.int64(3);
    r["account"] = rows.text(4);
    r["txid"] = rows.text(5);
    r["vout"] = rows.int64(6);
    r["action"] = "onchain";
    r["from"] = rows.text(12);
    r["state"] = to;
    r["amount_msat"] = to_msat(rows.sat(8)).count();
    if (to == "PAID") r["fee_msat"] = rows.int64(9);
    if (rows.boolean(10)) r["alarm"] = true;
    if (!rows.text_view(11).empty()) r["reason"] = rows.text(11);
    out.push_back(std::move(r));
  }
  return out;
}

std::vector<Json> page_of_events(store::Database& db, const EventRange& range, int64_t after) {
  std::vector<Json> out;
  auto rows = db.statement(R"sql(
    SELECT e.id, e.time_ms, e.manifest_id, e.line, l.account, e.attempt, e.payment_hash, e.event, e.from_state, e.to_state, a.amount_msat, a.fee_msat, e.alarm, e.reason, m.simulated, a.backend
    FROM events e JOIN lines l USING (manifest_id, line) JOIN manifests m USING (manifest_id) JOIN attempts a ON a.payment_hash = e.payment_hash
    WHERE e.time_ms >= ?1 AND e.time_ms < ?2 AND (NOT ?3 OR e.to_state IN ('PAID', 'FAILED_SAFE')) AND e.id > ?4 ORDER BY e.id LIMIT 1000)sql");
  for (bool more = rows.first(range.from_ms, range.to_ms, range.ends_only, after); more; more = rows.step()) {
    const std::string to = rows.text(9);
    Json r = json::make_record("payment_event");
    if (rows.boolean(14) || rows.text_view(15) == "sim") r["simulated"] = true;
    r["event"] = rows.int64(0);
    r["time_ms"] = rows.int64(1);
    r["manifest_id"] = rows.text(2);
    r["line"] = rows.int64(3);
    r["account"] = rows.text(4);
    r["attempt"] = rows.int64(5);
    r["payment_hash"] = rows.text(6);
    r["action"] = rows.text(7);
    r["from"] = rows.text(8);
    r["state"] = to;
    r["amount_msat"] = rows.int64(10);
    if (to == "PAID") r["fee_msat"] = rows.optional_int64(11).value_or(0);
    if (rows.boolean(12)) r["alarm"] = true;
    if (!rows.text_view(13).empty()) r["reason"] = rows.text(13);
    out.push_back(std::move(r));
  }
  return out;
}

}  // namespace

// Page by page, each of them handed on only when it is read: whoever prints may wait for its reader, and while a SELECT is open nobody can commit.
void each_event(store::Database& db, const EventRange& range, const std::function<void(const Json&)>& each) {
  int64_t after = -1;
  for (std::vector<Json> page; !(page = page_of_events(db, range, after)).empty();)
    for (const Json& r : page) each(r), after = r.at("event").get<int64_t>();
  for (const Json& r : onchain_events(db, range)) each(r);
}

Day parse_day(const std::string& text) {
  const auto number = [&](size_t at, size_t size) {
    int n = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + size, n);
    return error == std::errc{} && end == text.data() + at + size ? n : -1;
  };
  const bool form = text.size() == 10 && text[4] == '-' && text[7] == '-';
  const std::chrono::year_month_day date{std::chrono::year(form ? number(0, 4) : -1), std::chrono::month(static_cast<unsigned>(form ? number(5, 2) : 0)), std::chrono::day(static_cast<unsigned>(form ? number(8, 2) : 0))};
  if (!form || !date.ok() || number(0, 4) < 1970) throw Error(Exit::usage, fmt::format("--day: \"{}\" is no day such as 2026-11-24", text));
  const int64_t begin = std::chrono::sys_days(date).time_since_epoch().count() * day_ms;
  return {text, begin, begin + day_ms};
}

std::string make_report(store::Database& db, const Day& day, ReportFormat format, const crypto::SigningKey& key, int64_t now) {
  if (now * 1000 < day.end_ms) throw Error(Exit::temp_fail, fmt::format("the day {} is not over yet (UTC)", day.text));
  const bool csv = format == ReportFormat::csv;
  std::string text = csv ? csv_head() : "";
  Sums sums;
  bool simulated = false;
  each_event(db, {.from_ms = day.begin_ms, .to_ms = day.end_ms, .ends_only = true}, [&](const Json& r) {
    sums.add(r);
    simulated |= r.contains("simulated");
    text += csv ? csv_row(r) : json::to_line(r) + "\n";
  });
  Json last = json::make_record("payment_report");
  if (simulated) last["simulated"] = true;
  last["day"] = day.text;
  sums.put(last);
  last["sha256"] = to_hex(crypto::sha256(text));
  const crypto::jws::Header header{.typ = report_typ, .kid = {}, .iat = now, .exp = now + good_for_seconds, .jti = crypto::ulid(system_clock(), crypto::system_random())};
  last["jws"] = crypto::jws::sign(json::canonical(last), header, key);
  return text + (csv ? "#" : "") + json::to_line(last) + "\n";
}

Json verify_report(std::string_view text, const crypto::KeySet& signers) {
  const Parts p = parts_of(text);
  Json last = json::parse(p.last);
  json::require_record(last, "payment_report");
  const std::string jws = json::Fields(last).text("jws", 64 * 1024);
  auto parsed = crypto::jws::parse(jws);
  if (const auto* r = std::get_if<crypto::jws::Refusal>(&parsed)) throw Error(Exit::data, fmt::format("the report's signature cannot be read: {}", r->sentence));
  const int64_t then = std::get<crypto::jws::Parsed>(parsed).header.iat;  // an audit looks back: the signature has to have been good when it was made
  const auto verdict = crypto::jws::verify(std::move(std::get<crypto::jws::Parsed>(parsed)), report_typ, signers, then);
  if (const auto* r = std::get_if<crypto::jws::Refusal>(&verdict)) throw Error(Exit::no_permission, fmt::format("the report's signature does not hold: {}", r->sentence));
  Json unsigned_part = last;
  unsigned_part.erase("jws");
  if (std::get<crypto::jws::Verified>(verdict).payload != json::canonical(unsigned_part)) throw Error(Exit::no_permission, "the report's last line is not what was signed");
  if (json::Fields(last).text("sha256") != to_hex(crypto::sha256(p.rows))) throw Error(Exit::no_permission, "the report's rows are not those that were signed");
  Sums sums;
  each_row(p, [&](const Json& r) { sums.add(r); });
  Json counted = last;
  sums.put(counted);
  if (counted != last) throw Error(Exit::data, "the report's sums are not those of its rows");
  return last;
}

void compare_report(std::string_view text, store::Database& db) {
  auto row = db.statement("SELECT e.time_ms, e.manifest_id, e.line, e.payment_hash, e.to_state, a.amount_msat, a.fee_msat FROM events e JOIN attempts a ON a.payment_hash = e.payment_hash WHERE e.id = ?1");
  auto output = db.statement(fmt::format("SELECT e.time_ms, o.manifest_id, o.line, e.txid, {}, o.amount_sat, o.fee_msat FROM onchain_events e JOIN onchain_lines o USING (batch) WHERE e.id = ?1 AND o.vout = ?2",
                                         onchain_state));
  const auto same_onchain = [&](const json::Fields& f) {
    const bool same = output.first(f.integer("onchain_event"), f.integer("vout")) && output.int64(0) == f.integer("time_ms") && output.text(1) == f.text("manifest_id") && output.int64(2) == f.integer("line") &&
                      output.text(3) == f.text("txid") && output.text(4) == f.text("state") && to_msat(output.sat(5)) == f.msat("amount_msat") && (f.text("state") != "PAID" || output.int64(6) == f.integer("fee_msat"));
    output.reset();
    return same;
  };
  each_row(parts_of(text), [&](const Json& r) {
    const json::Fields f(r);
    if (r.contains("onchain_event")) {
      if (!same_onchain(f)) throw Error(Exit::data, fmt::format("the journal's event {} on chain is not what the report says", f.integer("onchain_event")));
      return;
    }
    const int64_t id = f.integer("event");
    const bool same = row.first(id) && row.int64(0) == f.integer("time_ms") && row.text(1) == f.text("manifest_id") && row.int64(2) == f.integer("line") && row.text(3) == f.text("payment_hash") &&
                      row.text(4) == f.text("state") && row.msat(5) == f.msat("amount_msat") && (f.text("state") != "PAID" || row.int64(6) == f.integer("fee_msat"));
    if (!same) throw Error(Exit::data, fmt::format("the journal's event {} is not what the report says", id));
    row.reset();
  });
}

}  // namespace hh::ln

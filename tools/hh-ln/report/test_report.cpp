#include <catch2/catch.hpp>

#include "crypto/jws.h"
#include "json/canonical.h"
#include "report/report.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;

namespace {

constexpr int64_t midnight_ms = 1'700'006'400'000;  // 2023-11-15

// Two lines are paid on 2023-11-15, the first after a failure; one on the next day.
struct Scene {
  test::Folder folder;
  FakeClock clock{midnight_ms};
  Journal journal{folder.file("db"), true, clock};
  crypto::SigningKey key = crypto::SigningKey::generate();
  crypto::KeySet signers{key.public_key()};
  Scene() {
    journal.add(test::manifest(3));
    pay(0, midnight_ms, true);
    pay(1, midnight_ms + 86'399'999, false);
    pay(2, midnight_ms + 86'400'000, false);
  }
  void pay(int64_t number, int64_t at_ms, bool fails_first) {
    clock.advance_ms(at_ms - clock.unix_ms());
    const auto preimage = test::preimage_number(static_cast<uint8_t>(number + 1));
    Resolved r;
    r.hash = crypto::sha256(BytesView(preimage));
    Attempt a = journal.start(journal.line(test::manifest_id, number), r, "sim", test::node_key, Msat(100));
    journal.apply(a, Event::send);
    if (fails_first) {
      journal.apply(a, Event::failed, {.reason = "=no \"route\", \nsaid the node #1", .preimage = {}, .fee = {}, .fee_limit = {}});
      journal.apply(a, Event::retry);
      journal.apply(a, Event::send);
    }
    REQUIRE(journal.apply(a, Event::settled, {.reason = {}, .preimage = to_hex(preimage), .fee = Msat(7), .fee_limit = {}}));
  }
  std::string report(ReportFormat format = ReportFormat::json, const std::string& day = "2023-11-15") { return make_report(journal.database(), parse_day(day), format, key, midnight_ms / 1000 + 200'000); }
};

std::string refusal(const std::function<void()>& f) {
  try {
    f();
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("a report has the payouts, fees and failures of its day, each with its row of the journal", "[L030]") {
  Scene s;
  for (const ReportFormat format : {ReportFormat::json, ReportFormat::csv}) {
    const std::string text = s.report(format);
    const json::Json last = verify_report(text, s.signers);
    CHECK(last["payouts"] == 2);
    CHECK(last["failures"] == 1);
    CHECK(last["paid_msat"] == 3'000'000);
    CHECK(last["fees_msat"] == 14);
    CHECK(last["rows"] == 3);
    CHECK(last["simulated"] == true);
    CHECK(std::count(text.begin(), text.end(), '\n') == (format == ReportFormat::csv ? 5 : 4));
    compare_report(text, s.journal.database());
  }
  CHECK(s.report(ReportFormat::csv).find(",\"'=no \"\"route\"\",  said the node #1\",,,,\n") != std::string::npos);  // one line, and no formula
  CHECK(verify_report(s.report(ReportFormat::json, "2023-11-16"), s.signers)["payouts"] == 1);
  const json::Json nothing = verify_report(s.report(ReportFormat::csv, "2023-11-14"), s.signers);
  CHECK((nothing["rows"] == 0 && !nothing.contains("first_event")));
}

TEST_CASE("whatever is changed in a report is seen", "[L064]") {
  Scene s;
  for (const ReportFormat format : {ReportFormat::json, ReportFormat::csv}) {
    const std::string text = s.report(format);
    for (size_t i = 0; i < text.size(); i += 3) {
      std::string changed = text;
      changed[i] = changed[i] == '1' ? '2' : '1';
      INFO(i << " " << text.substr(i, 20));
      CHECK_FALSE(refusal([&] { verify_report(changed, s.signers); }).empty());
    }
    CHECK_FALSE(refusal([&] { verify_report(text.substr(text.find('\n') + 1), s.signers); }).empty());  // a row less
    CHECK_FALSE(refusal([&] { verify_report(text.substr(0, text.size() - 1), s.signers); }).empty());
    CHECK_FALSE(refusal([&] { verify_report("", s.signers); }).empty());
    CHECK(refusal([&] { verify_report(text, crypto::KeySet{crypto::SigningKey::generate().public_key()}); }).find("signature") != std::string::npos);
  }
}

TEST_CASE("a report is compared with the journal row by row", "[L030]") {
  Scene s;
  const std::string text = s.report();
  CHECK(refusal([&] { compare_report(text, s.journal.database()); }).empty());
  test::Folder folder;
  Journal empty(folder.file("db"), true, s.clock);
  CHECK(refusal([&] { compare_report(text, empty.database()); }).find("event ") != std::string::npos);
}

TEST_CASE("days are days of the calendar, and only those that are over have a report") {
  CHECK(parse_day("2023-11-15").begin_ms == midnight_ms);
  CHECK(parse_day("2024-02-29").end_ms - parse_day("2024-02-29").begin_ms == 86'400'000);
  for (const char* bad : {"", "2023-11-1", "2023-02-29", "2023-13-01", "2023-00-10", "20231115", "2023-11-15T", "x023-11-15", "1969-12-31", "2023/11/15"}) CHECK_THROWS_AS(parse_day(bad), Error);
  Scene s;
  CHECK_THROWS_AS(make_report(s.journal.database(), parse_day("2023-11-15"), ReportFormat::json, s.key, midnight_ms / 1000 + 86'399), Error);
}

TEST_CASE("events of all the time are every step of every payment", "[L103]") {
  Scene s;
  int64_t steps = 0, last = 0;
  each_event(s.journal.database(), {}, [&](const json::Json& r) {
    ++steps;
    CHECK(r["event"].get<int64_t>() > last);
    last = r["event"];
  });
  CHECK(steps == s.journal.database().query_int64("SELECT count(*) FROM events"));
}

TEST_CASE("lines that were paid on chain are in the report too, row by row those of the journal; one whose transaction came to nothing is a failure", "[L030][L064]") {
  Scene s;
  const std::string id(64, 'b'), txid(64, 'c'), coin(64, 'd');
  s.journal.add(test::manifest(3, {}, id));
  store::Database& db = s.journal.database();
  for (int line = 0; line < 3; ++line) s.journal.hold(id, line, "to be paid on chain");
  const auto batch = [&](int number, const std::string& lines, int amount_sat) {
    const std::string n = std::to_string(number), tx = std::string(63, 'c') + n;
    store::Transaction work(db);
    db.execute("INSERT INTO onchain_batches (id, txid, raw_tx, backend, node, chain, lines, amount_sat, fee_sat, vsize, height, state, created_ms, changed_ms) VALUES (" + n + ", '" + tx + "', '00', 'lnd', 'n', 'regtest', " +
               (number == 1 ? "2" : "1") + ", " + std::to_string(amount_sat) + ", 300, 100, 1, 'RECORDED', 1700006400000, 1700006400000)");
    db.execute("INSERT INTO onchain_inputs VALUES (" + n + ", '" + coin + "', " + n + ", 5000)");
    db.execute("INSERT INTO onchain_lines SELECT " + n + ", line, manifest_id, line, 'bcrt1', pay_msat / 1000, " + (number == 1 ? "150000" : "300000") + " FROM lines WHERE manifest_id = '" + id + "' AND line IN " + lines);
    work.commit();
  };
  batch(1, "(0, 1)", 3000);
  batch(2, "(2)", 3000);
  db.execute("UPDATE onchain_batches SET state = 'BROADCAST', broadcasts = 1");
  db.execute("UPDATE onchain_batches SET state = 'CONFIRMED', confirmations = 6 WHERE id = 1");
  db.execute("UPDATE onchain_batches SET state = 'CONFLICTED', reason = 'another one' WHERE id = 2");
  std::vector<std::string> states;
  each_event(db, {}, [&](const json::Json& r) {
    if (r.contains("rail")) states.push_back(r["state"].get<std::string>());
  });
  CHECK(states == std::vector<std::string>{"SENDING", "SENDING", "SENDING", "INFLIGHT", "INFLIGHT", "INFLIGHT", "PAID", "PAID", "FAILED_SAFE"});
  for (const ReportFormat format : {ReportFormat::json, ReportFormat::csv}) {
    const std::string text = s.report(format);
    const json::Json last = verify_report(text, s.signers);
    CHECK(last["payouts"] == 2 + 2);
    CHECK(last["failures"] == 1 + 1);
    CHECK(last["alarms"] == 1);
    CHECK(last["paid_msat"] == 3'000'000 + 3'000'000);
    CHECK(last["fees_msat"] == 14 + 300'000);
    CHECK(last["last_onchain_event"].get<int64_t>() > last["first_onchain_event"].get<int64_t>());
    compare_report(text, db);
    db.execute("DROP TRIGGER IF EXISTS onchain_events_never_change; UPDATE onchain_events SET time_ms = time_ms + 1 WHERE to_state = 'CONFIRMED'");
    CHECK_THROWS(compare_report(text, db));
    db.execute("UPDATE onchain_events SET time_ms = time_ms - 1 WHERE to_state = 'CONFIRMED'");
  }
}

TEST_CASE("a report in CSV of before there were payments on chain is still verified", "[L064]") {
  Scene s;
  std::string text = s.report(ReportFormat::csv), rows = text.substr(0, text.rfind('#'));
  for (const std::string& more : {std::string(",rail,txid,vout,onchain_event\n"), std::string(",,,,\n")})
    for (size_t at = rows.find(more); at != std::string::npos; at = rows.find(more)) rows.replace(at, more.size(), "\n");
  json::Json last = json::parse(text.substr(text.rfind('#') + 1));
  last.erase("jws");
  last["sha256"] = to_hex(crypto::sha256(rows));
  last["jws"] = crypto::jws::sign(json::canonical(last), {.typ = report_typ, .kid = {}, .iat = 1'700'200'000, .exp = 1'900'000'000, .jti = "01"}, s.key);
  text = rows + "#" + json::to_line(last) + "\n";
  CHECK(verify_report(text, s.signers)["payouts"] == 2);
  compare_report(text, s.journal.database());
}

TEST_CASE("whoever reads events slowly keeps nobody from writing (L030 L041)", "[L030]") {
  Scene s;
  store::Database reader(s.folder.file("db"), {.mode = store::Mode::read_only, .on_fatal = {}, .vfs = {}});
  s.journal.database().execute("PRAGMA busy_timeout = 1");
  int64_t rows = 0;
  each_event(reader, {}, [&](const json::Json&) {
    ++rows;
    CHECK_NOTHROW(s.journal.set_note(s.journal.line(test::manifest_id, 0), std::to_string(rows)));
  });
  CHECK(rows == s.journal.database().query_int64("SELECT count(*) FROM events"));
}

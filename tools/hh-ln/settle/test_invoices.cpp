// The journal as a store of invoices: what was asked for, what came, what became of it; and invoices that take the place of others.
#include <catch2/catch.hpp>

#include "backends/lnd.h"
#include "json/strict.h"
#include "journal/schema.h"
#include "store/migration.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using payout::SettlementState;
using Catch::Matchers::Contains;

namespace {

std::vector<InvoiceEntry> entries(Journal& journal) {
  std::vector<InvoiceEntry> out;
  journal.each_invoice("", [&](const InvoiceEntry& e) { out.push_back(e); });
  return out;
}

}  // namespace

TEST_CASE("invoices are kept with what they were asked for and the state of their payment (C046)", "[invoices]") {
  Scene s;
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  const auto all = entries(s.journal);
  REQUIRE(all.size() == 1);
  CHECK(all[0].accepted);
  CHECK(all[0].state == State::paid);
  CHECK(all[0].bolt11 == invoice_number(1, amount, s.clock.unix_seconds()));
  CHECK(all[0].hash == to_hex(crypto::sha256(BytesView(preimage_number(1)))));
  CHECK(all[0].expires_at == s.clock.unix_seconds() + 3600);
  CHECK(all[0].amount == amount);
  CHECK(all[0].attempt == 1);
  CHECK(all[0].account == "miner:0");
}

TEST_CASE("wrong invoices are refused, kept with the reason, and replaced by the first good one (C046 C076)", "[invoices]") {
  Scene s;
  const std::string wrong = invoice_number(9, amount + Msat(1000), s.clock.unix_seconds());
  s.node.make_invoice = [&](const payout::Destination&, Msat) { return wrong; };
  for (int i = 0; i < 3; ++i) {
    CHECK(s.run().code == 75);
    s.clock.advance_ms(1000);
  }
  s.node.make_invoice = [&](const payout::Destination&, Msat) -> std::optional<std::string> { throw Error(Exit::unavailable, "the service is down"); };
  CHECK(s.run().code == 75);
  s.node.make_invoice = [&](const payout::Destination&, Msat a) { return invoice_number(1, a, s.clock.unix_seconds()); };
  s.node.sends = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  const auto all = entries(s.journal);
  REQUIRE(all.size() == 3);
  CHECK_FALSE(all[0].accepted);
  CHECK(all[0].bolt11 == wrong);
  CHECK(all[0].reason == "the invoice asks for 1001000 msat, not 1000000");
  CHECK(all[0].times == 3);
  CHECK(all[0].last_ms - all[0].first_ms == 2000);
  CHECK(all[1].reason == "the service is down");
  CHECK(all[1].bolt11.empty());
  CHECK(all[2].state == State::paid);
  CHECK(s.journal.line(manifest_id, 0).note.empty());
}

TEST_CASE("a stale invoice and its successor are both kept, each with its state (C046 C076)", "[invoices]") {
  Scene s;
  s.policy.attempts = 1;
  s.node.sends = {evidence(Evidence::unknown)};
  CHECK(s.run().code == 75);
  s.clock.advance_ms(3'600'000 + 200'000);
  s.node.tracks = {evidence(Evidence::not_found)};
  s.node.sends = {settled_with(preimage_hex(2), amount)};
  CHECK(s.run().code == 0);
  const auto all = entries(s.journal);
  REQUIRE(all.size() == 2);
  CHECK(all[0].state == State::failed_safe);
  CHECK_THAT(all[0].reason, Contains("expired"));
  CHECK(all[1].state == State::paid);
  CHECK(all[1].attempt == 2);
}

TEST_CASE("a manifest's own invoice that has expired is replaced by one that the operator accepts, and paid once (C076)", "[invoices]") {
  Scene s;
  s.node.make_invoice = nullptr;
  s.m = manifest(1, {{payout::DestinationKind::bolt11, invoice_number(1, amount, s.clock.unix_seconds() - 4000)}});
  CHECK(s.run().code == 1);
  Line line = s.journal.line(manifest_id, 0);
  REQUIRE(line.held_reason);
  s.journal.replace_invoice(line, invoice_number(2, amount, s.clock.unix_seconds()), "a new one from the miner");
  line = s.journal.line(manifest_id, 0);
  CHECK_FALSE(line.held_reason);
  CHECK(line.destination.value == s.m.manifest.payout.lines[0].destination->value);  // the terms stay
  s.node.sends = {settled_with(preimage_hex(2), amount)};
  CHECK(s.run().code == 0);
  CHECK(s.run().code == 0);
  REQUIRE(s.node.sent.size() == 1);
  CHECK(s.node.sent[0].invoice == line.replacement);
  CHECK(entries(s.journal).size() == 2);
}

TEST_CASE("an invoice is not replaced while the one before it may still be paid (C076)", "[invoices]") {
  Scene s;
  s.policy.attempts = 1;
  s.node.make_invoice = nullptr;
  s.m = manifest(1, {{payout::DestinationKind::bolt11, invoice_number(1, amount, s.clock.unix_seconds())}});
  s.node.sends = {evidence(Evidence::failed, "no route")};
  CHECK(s.run().code == 1);
  s.journal.replace_invoice(s.journal.line(manifest_id, 0), invoice_number(2, amount, s.clock.unix_seconds(), 100'000), "to be sure");
  s.node.tracks = {evidence(Evidence::in_flight)};
  s.clock.advance_ms(3'600'000 + 200'000);
  CHECK(s.run().code == 1);
  CHECK(s.node.sent.size() == 1);
  s.node.tracks = {evidence(Evidence::failed)};
  s.node.sends = {settled_with(preimage_hex(2), amount)};
  CHECK(s.run().code == 0);
  CHECK(s.node.sent.size() == 2);
}

TEST_CASE("a journal of version 1 is brought to this version, and knows then which block its manifests pay", "[invoices]") {
  const Folder folder;
  FakeClock clock;
  {
    Journal journal(folder.file("db"), true, clock);
    journal.add(manifest(1));
    store::Migrator(journal.database(), journal_migrations(), clock).down_to(1);
    CHECK(journal.database().query_int64("SELECT count(*) FROM manifests") == 1);
  }
  CHECK_THROWS_WITH(Journal(folder.file("db"), false, clock), Contains("version 1"));
  Journal journal(folder.file("db"), true, clock);
  journal.add(manifest(1));
  CHECK(journal.lines(manifest_id).size() == 1);
  CHECK_THROWS_AS(journal.database().execute("UPDATE manifests SET jws = 'x'"), store::ConstraintError);
}

TEST_CASE("what a stranger says cannot break the records: neither a cut character nor bytes that are no text", "[invoices]") {
  for (const std::string& said : {std::string(499, 'x') + "\u00e9\u00e9", std::string("\xff\xfe nonsense"), std::string(100'000, 'y'), std::string("a\xc3")}) {
    Scene s;
    s.node.make_invoice = [&](const payout::Destination&, Msat) -> std::optional<std::string> { throw Error(Exit::unavailable, said); };
    const Run run = s.run();
    CHECK(run.code == 75);
    CHECK_NOTHROW(json::to_line(payout::to_record(run.printed[0])));
    CHECK(run.printed[0].reason.size() < 600);
    CHECK(run.printed[0].reason.substr(0, 1) == json::clean_text(said, 500).substr(0, 1));
    REQUIRE(s.journal.hold(manifest_id, 0, said));
    CHECK_NOTHROW(json::to_line(payout::to_record(settlement_of(s.journal.line(manifest_id, 0), "lnd"))));
  }
}

TEST_CASE("refusals and replacements stay as they are", "[invoices]") {
  Scene s;
  s.journal.add(s.m);
  const Line line = s.journal.line(manifest_id, 0);
  s.journal.note_refused(line, "", "down");
  s.journal.replace_invoice(line, "lnbc1", "why not");
  for (const char* sql : {"DELETE FROM refused_invoices", "DELETE FROM replacements", "UPDATE replacements SET bolt11 = 'x'", "UPDATE manifests SET pot = 'x'"})
    CHECK_THROWS_AS(s.journal.database().execute(sql), store::ConstraintError);
}

TEST_CASE("a macaroon is taken as lnd writes it, in binary or in hex, whatever its last byte is", "[lnd]") {
  const std::string binary("\x02\x01\x03lnd\x00\xff\x0a", 9);
  CHECK(macaroon_in_hex(binary) == "0201036c6e6400ff0a");  // the newline is a byte of it
  CHECK(macaroon_in_hex("0201036c6e6400ff0a") == "0201036c6e6400ff0a");
  CHECK(macaroon_in_hex(" 0201036C6E6400FF0A\r\n\n") == "0201036C6E6400FF0A");
  for (const char* bad : {"", "\n", "0201036", "zz", "00112233 44", "0021location"}) CHECK_THROWS_WITH(macaroon_in_hex(bad), Contains("lnd.macaroon"));
}

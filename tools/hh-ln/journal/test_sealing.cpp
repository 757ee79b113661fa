// The sealed journal: the same payments, and nothing to read in the file for who has not its key.
#include <catch2/catch.hpp>

#include "base/file.h"
#include "journal/schema.h"
#include "store/faulty_disk.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using Catch::Matchers::Contains;

namespace {

crypto::AesGcm::Key key_of(uint8_t n) {
  crypto::AesGcm::Key key;
  key.fill(n);
  return key;
}

// A manifest of every kind of destination, one of which cannot be paid, one refuses, one is reissued.
struct Sealed {
  Folder folder;
  FakeClock clock;
  ScriptedBackend node;
  uint8_t invoices = 10;
  std::string given = invoice_number(1, Msat(2'000'000), clock.unix_seconds()), replacement = invoice_number(2, Msat(2'000'000), clock.unix_seconds());
  payout::VerifiedManifest m = manifest(4, {{payout::DestinationKind::lnaddress, "rig0@example.com"},
                                            {payout::DestinationKind::bolt11, given},
                                            {payout::DestinationKind::node, node_key},
                                            {payout::DestinationKind::lnaddress, "deaf@example.org"}});
  std::vector<std::string> made{given, replacement, "rig0@example.com", "deaf@example.org", "e30.SecretPayload.AA", "no user deaf@example.org here"};
  Sealed() {
    m.signed_form.jws = "e30.SecretPayload.AA";
    node.make_invoice = [this](const payout::Destination& d, Msat a) -> std::optional<std::string> {
      if (d.kind == payout::DestinationKind::node || d.kind == payout::DestinationKind::bolt11) return {};
      if (d.value == "deaf@example.org") throw Error(Exit::unavailable, "no user deaf@example.org here");
      made.push_back(invoice_number(++invoices, a, clock.unix_seconds()));
      return made.back();
    };
    node.sends = {settled_with(preimage_hex(11), amount), evidence(Evidence::in_flight)};
    node.tracks = {evidence(Evidence::in_flight)};
  }
  std::string path() const { return folder.file("db"); }
  void pay(Journal& journal) {
    journal.add(m);
    journal.replace_invoice(journal.line(manifest_id, 1), replacement, "the old one has expired");
    CHECK(settle(journal, node, clock, m, {.attempts = 1, .backoff_ms = 1, .wait_ms = 0}).code == 75);
    journal.hold(manifest_id, 3, "asked deaf@example.org");
  }
  std::string bytes() const {
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) all += read_file(entry.path().string(), 64u << 20);
    return all;
  }
  // What a reader with the key sees, as text.
  static std::string seen(Journal& journal) {
    std::string out;
    for (const Line& l : journal.lines(manifest_id))
      out += l.destination.value + "|" + l.held_reason.value_or("") + "|" + l.note + "|" + l.replacement + "|" + (l.attempt ? l.attempt->bolt11 + l.attempt->payee + l.attempt->preimage : "") + "\n";
    journal.each_invoice("", [&](const InvoiceEntry& e) { out += e.bolt11 + "|" + e.reason + "|" + e.payee + "\n"; });
    return out + to_hex(journal.keysend_preimage(manifest_id, 2, 1));
  }
};

const Deed rotation{.action = "rotate-key", .manifest_id = {}, .line = {}, .hash = {}, .reason = "by hand"};

}  // namespace

TEST_CASE("a sealed journal pays and shows the same, and its file has no destination, invoice, payee, manifest or secret to read (L072)", "[sealing]") {
  Sealed clear, sealed;
  std::string shown_clear, shown_sealed;
  {
    Journal journal(clear.path(), true, clear.clock);
    clear.pay(journal);
    shown_clear = Sealed::seen(journal);
  }
  {
    Journal journal(sealed.path(), true, sealed.clock, "", key_of(1));
    CHECK(journal.is_sealed());
    sealed.pay(journal);
    shown_sealed = Sealed::seen(journal);
  }
  CHECK(shown_clear.substr(0, shown_clear.size() - 64) == shown_sealed.substr(0, shown_sealed.size() - 64));  // but for the keysend preimage
  const std::string in_clear = clear.bytes(), in_sealed = sealed.bytes();
  for (const std::string& text : sealed.made) {
    INFO(text);
    CHECK(in_clear.find(text) != std::string::npos);
    CHECK(in_sealed.find(text) == std::string::npos);
  }
  const std::string payee = to_hex(lightning::decode_bolt11(sealed.given).payee);
  CHECK(in_clear.find(payee) != std::string::npos);
  CHECK(in_sealed.find(payee) == std::string::npos);
  CHECK(in_sealed.find(preimage_hex(11)) != std::string::npos);  // of a line that is PAID: a receipt
  CHECK(in_sealed.find(shown_sealed.substr(shown_sealed.size() - 64)) == std::string::npos);
}

TEST_CASE("a journal in clear is sealed by a rotation, and nothing of before is left in its file (L072)", "[sealing]") {
  Sealed s;
  std::string shown;
  {
    Journal journal(s.path(), true, s.clock);
    s.pay(journal);
    shown = Sealed::seen(journal);
    CHECK(s.bytes().find("rig0@example.com") != std::string::npos);
  }
  CHECK_FALSE(Journal::is_sealed(s.path()));
  CHECK_THROWS_WITH(Journal(s.path(), true, s.clock, "", key_of(1)), Contains("rotate-key"));
  const std::string secret = [&] {
    Journal journal(s.path(), true, s.clock);
    const std::string before = journal.database().query_text("SELECT value FROM meta WHERE key = 'keysend_secret'");
    journal.rotate(key_of(1), rotation);
    journal.compact();
    CHECK(Sealed::seen(journal) == shown);
    return before;
  }();
  s.made.push_back(secret);
  for (const std::string& text : s.made) CHECK(s.bytes().find(text) == std::string::npos);
  CHECK_THROWS_WITH(Journal(s.path(), true, s.clock), Contains("set journal_key"));
  CHECK_THROWS_WITH(Journal(s.path(), false, s.clock), Contains("set journal_key"));
  Journal journal(s.path(), true, s.clock, "", key_of(1));
  CHECK(Sealed::seen(journal) == shown);
  // The rules are as they were.
  for (const char* sql : {"UPDATE lines SET destination_value = 'x'", "UPDATE invoices SET bolt11 = 'x'", "UPDATE manifests SET jws = 'x'", "UPDATE replacements SET bolt11 = 'x'", "DELETE FROM lines"})
    CHECK_THROWS_AS(journal.database().execute(sql), store::ConstraintError);
  CHECK_THROWS_AS(journal.replace_invoice(journal.line(manifest_id, 1), s.replacement, "again"), store::ConstraintError);
  s.node.tracks = {settled_with(preimage_hex(2), Msat(2'000'000))};
  settle(journal, s.node, s.clock, s.m, {.attempts = 1, .backoff_ms = 1, .wait_ms = 0});
  CHECK(line_state(journal.line(manifest_id, 1)) == payout::SettlementState::paid);
}

TEST_CASE("keys are rotated as one: before, in between and after, exactly one key opens the journal (L072)", "[sealing]") {
  for (int64_t point = 0;; ++point) {
    INFO("disk fails at write " << point);
    Sealed s;
    std::string shown;
    {
      Journal journal(s.path(), true, s.clock, "", key_of(1));
      s.pay(journal);
      shown = Sealed::seen(journal);
    }
    bool failed = false;
    {
      store::FaultyDisk disk;
      Journal journal(s.path(), true, s.clock, disk.vfs(), key_of(1));
      disk.fail_after(point, store::DiskFault::io);
      try {
        journal.rotate(key_of(2), rotation);
      } catch (const Error&) {
        failed = true;
      }
    }
    int opened = 0;
    for (const uint8_t n : {uint8_t{1}, uint8_t{2}}) try {
        Journal journal(s.path(), true, s.clock, "", key_of(n));
        CHECK(Sealed::seen(journal) == shown);
        ++opened;
        CHECK(journal.decisions("").size() == (n == 2 ? 1 : 0));  // who has done it is there with the new key, and not without
        if (!failed) CHECK(n == 2);
      } catch (const Error& e) {
        CHECK(e.code() == Exit::config);
        CHECK_THAT(e.what(), Contains("not the key of this journal"));
      }
    REQUIRE(opened == 1);
    if (!failed) break;
    REQUIRE(point < 1000);
  }
}

TEST_CASE("a disk that is full when the file is written anew leaves a journal that is sealed, and says so (L072)", "[sealing]") {
  Sealed s;
  {
    Journal journal(s.path(), true, s.clock);
    s.pay(journal);
  }
  {
    store::FaultyDisk disk;
    Journal journal(s.path(), true, s.clock, disk.vfs());
    journal.rotate(key_of(1), rotation);
    disk.fail_after(0, store::DiskFault::full);
    CHECK_THROWS_AS(journal.compact(), Error);
  }
  Journal journal(s.path(), true, s.clock, "", key_of(1));
  CHECK(journal.decisions("").size() == 1);
  journal.compact();
  for (const std::string& text : s.made) CHECK(s.bytes().find(text) == std::string::npos);
}

TEST_CASE("a text that was changed, moved to another row or put there in clear is not taken (L072)", "[sealing]") {
  Sealed s;
  {
    Journal journal(s.path(), true, s.clock, "", key_of(1));
    journal.add(s.m);
  }
  const auto after = [&](const std::string& sql) {
    store::Database db(s.path(), {.mode = store::Mode::read_write, .application_id = journal_application_id, .on_fatal = {}, .vfs = {}});
    db.execute("DROP TRIGGER IF EXISTS lines_keep_their_terms;" + sql);
    Journal journal(s.path(), false, s.clock, "", key_of(1));
    journal.lines(manifest_id);
  };
  CHECK_NOTHROW(after(""));
  CHECK_THROWS_WITH(after("UPDATE lines SET destination_value = (SELECT destination_value FROM lines WHERE line = 3) WHERE line = 0"), Contains("was changed"));
  CHECK_THROWS_WITH(after("UPDATE lines SET destination_value = 'thief@example.com' WHERE line = 0"), Contains("was changed"));
  CHECK_THROWS_WITH(after("UPDATE lines SET destination_value = destination_value || 'A' WHERE line = 0"), Contains("was changed"));
}

TEST_CASE("a key is 64 hex digits, and says how to make one (L072)", "[sealing]") {
  CHECK(journal_key_from(std::string(64, 'a') + "\n") == key_of(0xaa));
  for (const std::string& bad : {std::string(), std::string("password"), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g')}) CHECK_THROWS_WITH(journal_key_from(bad), Contains("openssl rand"));
}

TEST_CASE("the same reason for a refused invoice stays one row, sealed or not (C046 L072)", "[sealing]") {
  for (const bool sealed : {false, true}) {
    Sealed s;
    Journal journal(s.path(), true, s.clock, "", sealed ? JournalKey(key_of(1)) : JournalKey());
    journal.add(s.m);
    const Line l = journal.line(manifest_id, 0);
    for (int i = 0; i < 3; ++i) journal.note_refused(l, "", "down");
    journal.note_refused(l, "lnbc1x", "too late");
    CHECK(journal.database().query_int64("SELECT count(*) FROM refused_invoices") == 2);
    CHECK(journal.database().query_int64("SELECT max(times) FROM refused_invoices") == 3);
  }
}

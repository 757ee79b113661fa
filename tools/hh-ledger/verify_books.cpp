// The books against what they were written from: a posting that adds up to zero can still give one miner's money to another. So each posting
// must be what its manifest or payment writes, each payout line what its manifest says, and no posting may have come from nowhere.
#include <fmt/format.h>

#include "base/error.h"
#include "books.h"
#include "crypto/jws.h"
#include "payout/manifest.h"
#include "payout/settlement.h"
#include "post.h"
#include "verify_checks.h"

namespace hh::ledger {
namespace {

[[noreturn]] void wrong(const std::string& why) { throw Error(Exit::data, why); }

void check_postings(Ledger& ledger) {
  auto& db = ledger.db();
  if (db.query_int64("SELECT count(*) FROM postings WHERE id NOT IN (SELECT posting_id FROM posting_seals)") != 0) wrong("a posting is not sealed");
  auto total = db.statement("SELECT posting_id, sum(amount_msat) AS total FROM entries GROUP BY posting_id HAVING total <> 0");
  if (total.step()) wrong(fmt::format("posting {} adds up to {} msat", total.int64(0), total.int64(1)));
  auto stray = db.statement(
      "SELECT id FROM postings p WHERE (SELECT count(*) FROM payouts WHERE posting_id = p.id) + (SELECT count(*) FROM settlements WHERE posting_id = p.id) + "
      "(SELECT count(*) FROM fee_sweeps WHERE posting_id = p.id) <> 1");
  if (stray.step()) wrong(fmt::format("posting {} belongs to no manifest, no payment and no sweep", stray.int64(0)));
}

void check_payments(Ledger& ledger) {
  auto s = ledger.db().statement(
      "SELECT s.posting_id, name, amount_msat, fee_msat, pay_msat, payment_hash, preimage FROM settlements s "
      "JOIN payout_lines l ON l.payout_id = s.payout_id AND l.line = s.line JOIN accounts a ON a.id = account_id");
  while (s.step()) {
    if (s.msat(2) != s.msat(4)) wrong(fmt::format("payment {} is of {} msat, its manifest line of {}", s.text(5), s.int64(2), s.int64(4)));
    const bool is_onchain = payout::is_outpoint(s.text(5)) && s.text_view(6).empty();
    if (!is_onchain && !payout::preimage_matches(s.text(6), s.text(5))) wrong(fmt::format("payment {} has a preimage that is no proof of it", s.text(5)));
    if (posted_entries(ledger, s.int64(0)) != summed(entries_of_payment(s.text(1), s.msat(2), s.msat(3))))
      wrong(fmt::format("posting {} is not what payment {} writes", s.int64(0), s.text(5)));
  }
}

void check_lines(Ledger& ledger, int64_t payout_id, const payout::Manifest& m) {
  auto s = ledger.db().statement("SELECT line, name, pay_msat FROM payout_lines JOIN accounts ON id = account_id WHERE payout_id = ?1 ORDER BY line");
  s.bind_all(payout_id);
  size_t n = 0;
  const auto& lines = m.payout.lines;
  for (; s.step(); ++n)
    if (n >= lines.size() || s.int64(0) != static_cast<int64_t>(n) || s.text(1) != lines[n].account || s.msat(2) != lines[n].pay)
      wrong(fmt::format("line {} of manifest {} is not what the manifest says", s.int64(0), m.id));
  if (n != lines.size()) wrong(fmt::format("manifest {} has {} lines, {} are in the books", m.id, lines.size(), n));
}

void check_sweeps(Ledger& ledger) {
  auto s = ledger.db().statement("SELECT node, number, sweep_id, record, posting_id FROM fee_sweeps");
  while (s.step()) {
    const std::string what = fmt::format("sweep {} of node {}", s.int64(1), s.text(0));
    const payout::FeeSweep sweep = payout::sweep_from_record(json::parse(s.text_view(3)));
    if (sweep.node != s.text(0) || sweep.number != s.int64(1) || sweep.id() != s.text(2)) wrong(fmt::format("the sweep posted as {} is not that", what));
    if (posted_entries(ledger, s.int64(4)) != summed(entries_of(sweep))) wrong(fmt::format("the books have other amounts than {}", what));
  }
}

void require_still_given(Ledger& ledger, const payout::Manifest& m) {
  try {
    require_from_ledger(ledger, m.payout);
  } catch (const Error& e) {
    wrong(fmt::format("manifest {}: {}", m.id, e.what()));
  }
}

}  // namespace

void check_books(Ledger& ledger, const VerifyOptions&, json::Json& found) {
  check_postings(ledger);
  check_payments(ledger);
  check_sweeps(ledger);
  const BooksTotal t = books_total(ledger);
  if (!t.sum.is_zero()) wrong(fmt::format("the books add up to {} msat", t.sum.count()));
  carried(ledger, "miner:");
  carried(ledger, "node:");
  carried(ledger, "yield:");
  found["postings"] = t.postings;
  found["entries"] = t.entries;
}

void check_manifests(Ledger& ledger, const VerifyOptions& options, json::Json& found) {
  auto s = ledger.db().statement("SELECT id, manifest_id, round_id, cycle_id, jws, posting_id, withdrawal FROM payouts ORDER BY id");
  int64_t n = 0;
  for (; s.step(); ++n) {
    const payout::SignedManifest form = payout::read_signed_manifest(s.text(4));
    const payout::Manifest m = payout::payload_of(form);
    const int number = m.payout.kind == payout::PayoutKind::round ? 2 : m.payout.kind == payout::PayoutKind::cycle ? 3 : 6;
    if (m.id != s.text(1) || s.is_null(number) || m.payout.number != s.int64(number)) wrong(fmt::format("the manifest posted as {} is not that", s.text(1)));
    require_still_given(ledger, m);
    check_lines(ledger, s.int64(0), m);
    const auto written = s.is_null(5) ? std::map<std::string, Msat>() : posted_entries(ledger, s.int64(5));
    if (written != summed(entries_of(m.payout))) wrong(fmt::format("the books have other amounts than manifest {}", m.id));
    if (options.keys == nullptr) continue;
    const auto parsed = crypto::jws::parse(form.jws);
    payout::verify_signed_or_throw(form.jws, *options.keys, std::get<crypto::jws::Parsed>(parsed).header.iat);
  }
  found["manifests"] = n;
  found["signatures_checked"] = options.keys != nullptr;
}

}  // namespace hh::ledger

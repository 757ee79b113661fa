// hh-ln onchain: what Lightning cannot pay is paid by a transaction. hh-onchain(7)
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "onchain/lnd_wallet.h"
#include "onchain/payer.h"
#include "writing.h"

namespace hh::ln {
namespace {

OnchainPolicy policy_of(const Settings& s) {
  OnchainPolicy p;
  p.min = Sat(s.integer("onchain.min_sat"));
  p.reserve = Sat(s.integer("onchain.reserve_sat"));
  p.sat_per_vbyte = s.integer("onchain.sat_per_vbyte");
  p.target_blocks = s.integer("onchain.target_blocks");
  p.limits = {s.integer("onchain.max_sat_per_vbyte"), s.integer("onchain.max_fee_ppm")};
  p.confirmations = s.integer("onchain.confirmations");
  p.quiet_ms = s.integer("onchain.quiet_seconds") * 1000;
  p.deadline_ms = s.integer("deadline_hours") * 3'600'000;
  return p;
}

LndConfig lnd_of(const Settings& s) {
  if (s.text("backend") != "lnd") throw Error(Exit::config, fmt::format("backend \"{}\" cannot pay on chain: only lnd can", s.text("backend")));
  return {.url = s.required("lnd.url"), .macaroon = macaroon_in_hex(load_secret_bytes(s.required("lnd.macaroon"), "lnd.macaroon")), .tls_cert = s.text("lnd.tls_cert")};
}

// The journal, the node and its wallet. Opened as `settle` does it: open payments are followed and the node's list is compared first.
struct Scene {
  explicit Scene(const Settings& s)
      : writing(s), config(lnd_of(s)), backend(config), wallet(config), identity(backend.identify()), reconciler(writing.journal, backend, identity),
        payer(writing.journal, backend, identity, wallet, policy_of(s), system_clock()) {}
  void look_first() {
    reconciler.require_same_node();
    reconciler.track_open();
    reconciler.compare_list(false);
    reconciler.require_no_foreign();
  }
  Writing writing;
  LndConfig config;
  LndBackend backend;
  LndWallet wallet;
  Identity identity;
  Reconciler reconciler;
  OnchainPayer payer;
};

void print_candidate(const Candidate& c) {
  json::Json r = json::make_record("onchain_plan");
  r["manifest_id"] = c.line.manifest_id;
  r["line"] = c.line.line;
  r["account"] = c.line.account;
  r["amount_msat"] = c.line.pay.count();
  if (!c.address.empty()) {
    r["address"] = c.address;
    r["source"] = c.source;
  }
  r["would"] = c.reason.empty() ? "pay" : "skip";
  if (!c.reason.empty()) r["reason"] = c.reason;
  json::print(r);
}

void print_batch(const OnchainBatch& b) {
  json::Json r = json::make_record("onchain_batch");
  r["txid"] = b.txid;
  r["state"] = state_text(b.state);
  r["confirmations"] = b.confirmations;
  r["amount_sat"] = b.amount.count();
  r["fee_sat"] = b.fee.count();
  r["vsize"] = b.vsize;
  r["broadcasts"] = b.broadcasts;
  if (b.change_vout) {
    r["change_vout"] = *b.change_vout;
    r["change_sat"] = b.change.count();
  }
  json::Json lines = json::Json::array();
  for (const OnchainLine& l : b.lines)
    lines.push_back({{"manifest_id", l.manifest_id}, {"line", l.line}, {"vout", l.vout}, {"address", l.address}, {"amount_sat", l.amount.count()}, {"fee_msat", l.fee.count()}});
  r["lines"] = lines;
  r["raw_tx"] = to_hex(b.raw);
  r["node"] = b.node;
  if (!b.reason.empty()) r["reason"] = b.reason;
  r["time_ms"] = b.created_ms;
  r["changed_ms"] = b.changed_ms;
  json::print(r);
}

// Where the lines of transactions stand whose end was not printed yet, also by a command that was killed. Returns the exit code: 0 all PAID, 75 some are still under
// way, 1 one of them came to nothing.
int print_lines(Journal& journal) {
  OnchainBook book(journal);
  int code = 0;
  for (const OnchainBatch& b : book.untold()) {
    for (const OnchainLine& l : b.lines) json::print(payout::to_record(settlement_of(journal.line(l.manifest_id, l.line), b.backend)));
    code = std::max(code, b.state == BatchState::conflicted ? 1 : b.state == BatchState::confirmed ? 0 : static_cast<int>(Exit::temp_fail));
  }
  book.told();
  return code;
}

}  // namespace

int onchain_plan_command(const Settings& settings, const std::string& manifest_id) {
  Scene s(settings);
  s.look_first();
  const OnchainPayer::Plan p = s.payer.plan(manifest_id);
  for (const Candidate& c : p.candidates) print_candidate(c);
  json::Json r = json::make_record("onchain_total");
  r["lines"] = p.lines;
  r["amount_sat"] = p.amount.count();
  r["fee_sat"] = p.fee.count();
  r["sat_per_vbyte"] = p.sat_per_vbyte;
  r["balance_sat"] = p.balance.count();
  if (!p.reason.empty()) r["reason"] = p.reason;
  json::print(r);
  return 0;
}

int onchain_pay_command(const Settings& settings, const std::string& manifest_id) {
  Scene s(settings);
  s.look_first();
  s.payer.follow();
  std::string failed;
  try {
    s.payer.pay(manifest_id);
  } catch (const Error& e) {
    if (OnchainBook(s.writing.journal).untold().empty()) throw;
    failed = e.what();  // the earlier ones are printed first
  }
  const int code = print_lines(s.writing.journal);
  if (!failed.empty()) throw Error(Exit::temp_fail, failed);
  return code;
}

int onchain_follow_command(const Settings& settings) {
  Scene s(settings);
  s.payer.follow();
  return print_lines(s.writing.journal);
}

std::function<void()> onchain_follower(const Settings& s) {
  return [config = lnd_of(s), policy = policy_of(s), db = s.required("db"), key = journal_key(s)] {
    Journal journal(db, true, key);
    LndBackend backend(config);
    LndWallet wallet(config);
    OnchainPayer(journal, backend, backend.identify(), wallet, policy, system_clock()).follow();
  };
}

int onchain_list_command(const Settings& settings) {
  Journal journal(settings.required("db"), false, journal_key(settings));
  OnchainBook book(journal);
  for (const OnchainBatch& b : book.batches()) print_batch(b);
  return 0;
}

int onchain_address_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& address, const std::string& reason) {
  Writing w(settings);
  const Line l = w.journal.line(manifest_id, line);
  const auto network = bitcoin::network_from_name(l.chain);
  if (!network) throw Error(Exit::data, fmt::format("the manifest is of the unknown chain {}", l.chain));
  if (address.empty() && place_of(l, *network).address.empty()) throw Error(Exit::data, fmt::format("line {} of manifest {} has no address of its own: give one", line, manifest_id));
  if (!address.empty())
    if (const auto script = bitcoin::script_from_address(address, *network); !script) throw Error(Exit::data, "the address " + script.reason);
  OnchainBook book(w.journal);
  w.journal.decide({.action = "onchain", .manifest_id = manifest_id, .line = line, .hash = {}, .reason = reason},
                   [&] { return book.order(manifest_id, line, address.empty() ? std::nullopt : std::optional(address), reason), true; });
  json::print(payout::to_record(settlement_of(w.journal.line(manifest_id, line), settings.text("backend"))));
  return 0;
}

int onchain_bump_command(const Settings& settings, const std::string& txid, int64_t sat_per_vbyte, int64_t budget_sat) {
  Scene s(settings);
  s.payer.follow();
  log::info("onchain_bumped", {{"txid", txid}, {"answer", s.payer.bump(txid, sat_per_vbyte, Sat(budget_sat))}});
  print_batch(*OnchainBook(s.writing.journal).batch(txid));
  return 0;  // what has come to its end meanwhile, the next follow prints
}

}  // namespace hh::ln

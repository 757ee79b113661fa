// hh-ln settle: read and verify the manifests, then let the Settler work.
#include <fmt/format.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "backends/cln.h"
#include "backends/lnd.h"
#include "backends/sim.h"
#include "base/error.h"
#include "base/secret.h"
#include "commands.h"
#include "hands.h"
#include "writing.h"
#include "journal/pause.h"
#include "json/fields.h"
#include "json/lines.h"
#include "settle/settle.h"
#include "store/writer_lock.h"

namespace hh::ln {
namespace {

// All manifests are verified before the first is paid, so that a bad one among them pays nothing.
std::vector<payout::VerifiedManifest> read_manifests(const std::string& path, const crypto::KeySet& keys, const std::string& chain) {
  const FileHandle file = path == "-" ? FileHandle() : open_file(path, O_RDONLY);
  json::LineReader reader(path == "-" ? STDIN_FILENO : file.get(), path == "-" ? "standard input" : path, payout::max_manifest_line);
  std::vector<payout::VerifiedManifest> out;
  for (std::string_view line; reader.next(line);) {
    auto verdict = payout::verify_signed(line, keys, system_clock().unix_seconds());
    if (const auto* r = std::get_if<payout::Refusal>(&verdict))
      throw Error(r->exit_code(), fmt::format("{}: manifest refused ({}): {}", reader.where(), payout::refused_name(r->reason), r->sentence));
    out.push_back(std::move(std::get<payout::VerifiedManifest>(verdict)));
    const payout::Payout& p = out.back().manifest.payout;
    const auto is = bitcoin::network_name(p.chain);
    if (!chain.empty() && is != chain) throw Error(Exit::data, fmt::format("{}: manifest refused: it is for chain {}, not {}", reader.where(), is, chain));
  }
  if (out.empty()) throw Error(Exit::data, fmt::format("{} has no manifest", reader.name()));
  return out;
}

void require_chain(const payout::Payout& p, const Identity& identity) {
  const auto chain = bitcoin::network_name(p.chain);
  if (chain != identity.chain) throw Error(Exit::data, fmt::format("manifest refused: it is for chain {}, but the wallet is on {}", chain, identity.chain));
  if (p.simulated && !identity.simulated) throw Error(Exit::data, "manifest refused: it derives from simulated shares or blocks, and a real wallet pays no simulation");
}

void print_plan(const payout::VerifiedManifest& m, Journal* journal, const std::string& backend) {
  const payout::Payout& p = m.manifest.payout;
  const auto known = journal ? journal->lines(m.manifest.id) : std::vector<Line>();
  for (size_t i = 0; i < p.lines.size(); ++i) {
    if (p.lines[i].pay.is_zero()) continue;
    const auto line = std::find_if(known.begin(), known.end(), [&](const Line& l) { return l.line == static_cast<int64_t>(i); });
    const auto state = line == known.end() ? payout::SettlementState::planned : line_state(*line);
    const bool skip = state == payout::SettlementState::paid || state == payout::SettlementState::held;
    json::Json record = json::make_record("settlement_plan");
    if (p.simulated || backend == "sim") record["simulated"] = true;
    record["manifest_id"] = m.manifest.id;
    record["line"] = i;
    record["account"] = p.lines[i].account;
    record["amount_msat"] = p.lines[i].pay.count();
    record["backend"] = backend;
    record["would"] = skip ? "skip" : "pay";
    if (line != known.end()) record["already"] = payout::state_name(state);
    json::print(record);
  }
}

int dry_run_of(const Settings& settings, const std::vector<payout::VerifiedManifest>& manifests) {
  const std::string& db = settings.required("db");
  std::unique_ptr<Journal> journal;
  if (std::filesystem::exists(db)) journal = std::make_unique<Journal>(db, false, journal_key(settings));
  if (journal)
    for (const auto& m : manifests) journal->require_only_manifest(m);
  for (const auto& m : manifests) print_plan(m, journal.get(), settings.text("backend"));
  return 0;
}

// 75 outweighs 1: something is left to do by running again.
int worse(int a, int b) { return std::max(a, b); }

}  // namespace

crypto::KeySet load_keys(const Settings& settings) {
  settings.required("key");
  crypto::KeySet keys;
  for (const std::string& key : settings.list("key")) {
    if (!std::filesystem::exists(key))
      keys.add(crypto::VerifyKey::parse(key, "key"));
    else
      keys.add(crypto::VerifyKey::load(key));
  }
  return keys;
}

std::function<std::unique_ptr<Backend>()> backend_maker(const Settings& s) {
  const std::string& name = s.text("backend");
  if (name == "lnd") {
    const LndConfig config{.url = s.required("lnd.url"), .macaroon = macaroon_in_hex(load_secret_bytes(s.required("lnd.macaroon"), "lnd.macaroon")), .tls_cert = s.text("lnd.tls_cert"),
                           .timeout_seconds = s.integer("timeout_seconds"), .max_parts = s.integer("max_parts")};
    return [config] { return std::make_unique<LndBackend>(config); };
  }
  if (name == "cln") {
    const ClnConfig config{.url = s.required("cln.url"), .rune = rune_of(load_secret(s.required("cln.rune"), "cln.rune")), .tls_ca = s.text("cln.tls_ca"), .timeout_seconds = s.integer("timeout_seconds")};
    return [config] { return std::make_unique<ClnBackend>(config); };
  }
  if (name == "sim") {
    const SimConfig config{.wallet = s.is_set("sim.wallet") ? s.text("sim.wallet") : s.required("db") + ".sim", .chain = s.is_set("chain") ? s.text("chain") : "dev",
                           .balance_msat = s.integer("sim.balance_msat"), .invoice_seconds = s.integer("sim.invoice_seconds"), .faults = s.text("sim.faults"),
                           .shared_faults = std::make_shared<SimFaults>(s.text("sim.faults"))};
    return [config] { return std::make_unique<SimBackend>(config); };
  }
  throw Error(Exit::config, fmt::format("backend: \"{}\" is none of lnd, cln and sim", name));
}

std::unique_ptr<Backend> make_backend(const Settings& s) { return backend_maker(s)(); }

int settle_command(const Settings& settings, const std::string& manifest, bool dry_run) {
  const auto manifests = read_manifests(manifest, load_keys(settings), settings.text("chain"));
  if (dry_run) return dry_run_of(settings, manifests);
  const std::string& db = settings.required("db");
  const store::WriterLock lock(db, settings.integer("lock_wait_seconds") * 1000);
  Journal journal(db, true, journal_key(settings));
  const auto make = backend_maker(settings);
  const auto backend = make();
  const Identity identity = backend->identify();
  for (const auto& m : manifests) require_chain(m.manifest.payout, identity);
  for (const auto& m : manifests) journal.add(m);

  Reconciler reconciler(journal, *backend, identity);
  reconciler.require_same_node();
  for (const auto& m : manifests) json::print(payout::to_record(m.signed_form));
  reconciler.track_open();
  reconciler.compare_list(false);
  reconciler.require_no_foreign();
  require_not_paused(journal.database());
  Hands hands(settings, make, journal, identity);
  Settler settler(journal, identity, hands.all(), policy_of(settings), system_clock());
  int code = 0;
  for (const auto& m : manifests) code = worse(code, settler.settle(m.manifest.id, [](const payout::Settlement& s) { json::print(payout::to_record(s)); }));
  return code;
}

}  // namespace hh::ln

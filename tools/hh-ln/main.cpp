// hh-ln: pays signed manifests over Lightning, exactly once. This file only reads the command line; hh-ln(1).
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "command_channels.h"
#include "command_reinvest.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "service/settings.h"

namespace {

using hh::Kind;

hh::Settings make_settings() {
  std::vector<hh::Setting> all{
           {"db", "", Kind::text, "payment journal, an SQLite file"},
           {"journal_key", "", Kind::text, "secret: file, credential:NAME or exec:COMMAND with the key (64 hex digits) that destinations and invoices in the journal are sealed with", true},
           {"key", "", Kind::list, "public keys that may sign manifests: base64url or files"},
           {"chain", "", Kind::text, "refuse manifests of other chains: main testnet4 signet regtest dev"},
           {"backend", "lnd", Kind::text, "wallet that pays: lnd, cln or sim"},
           {"concurrency", "10", Kind::integer, "lines that are paid at the same time", false, 1, 100},
           {"batch_lines", "50", Kind::integer, "most lines of one batch", false, 1, 50},
           {"batch_fee_limit_ppm", "0", Kind::integer, "most that all routes of a batch may cost, in millionths of its amount; 0: no such limit", false, 0, 1'000'000},
           {"payments_per_minute", "0", Kind::integer, "most payments in any 60 seconds; 0: no limit", false, 0, 100'000},
           {"deadline_hours", "720", Kind::integer, "lines of a manifest that are not under way so long after it was first seen are held; 0: no deadline", false, 0, 87'600},
           {"attempts", "3", Kind::integer, "sends per line and run", false, 1, 20},
           {"backoff_ms", "1000", Kind::integer, "pause before a line's second send; doubles, and is shortened at random by up to a half", false, 0, 60'000},
           {"wait_seconds", "30", Kind::integer, "how long to follow payments that are under way before the run ends", false, 0, 86'400},
           {"lock_wait_seconds", "60", Kind::integer, "how long to wait for another hh-ln on the same journal", false, 0, 86'400},
           {"fee_limit_ppm", "5000", Kind::integer, "most that routes may cost, in millionths of the amount", false, 0, 1'000'000},
           {"fee_limit_base_msat", "10000", Kind::integer, "… plus this", false, 0, 1'000'000'000},
           {"timeout_seconds", "60", Kind::integer, "how long the node may look for routes", false, 1, 3600},
           {"max_parts", "16", Kind::integer, "most parts of one payment", false, 1, 1000},
           {"lnd.url", "https://127.0.0.1:8080", Kind::text, "lnd's REST server"},
           {"lnd.macaroon", "", Kind::text, "secret: file, credential:NAME or exec:COMMAND with the macaroon, binary or hex", true},
           {"lnd.tls_cert", "", Kind::text, "lnd's tls.cert, which is pinned"},
           {"cln.url", "https://127.0.0.1:3010", Kind::text, "Core Lightning's clnrest"},
           {"cln.rune", "", Kind::text, "secret: file, credential:NAME or exec:COMMAND with the rune", true},
           {"cln.tls_ca", "", Kind::text, "clnrest's ca.pem"},
           {"channels.macaroon", "", Kind::text, "secret: macaroon for the commands about channels (default: lnd.macaroon)", true},
           {"channels.reserve_sat", "2000000", Kind::integer, "kept on chain: no channel is opened that leaves less", false, 0},
           {"channels.outbound_percent", "20", Kind::integer, "alarm where less of the active channels is on our side", false, 0, 100},
           {"channels.inbound_percent", "15", Kind::integer, "alarm where less is on the others'", false, 0, 100},
           {"channels.rebalance_fee_ppm", "500", Kind::integer, "most that a rebalance may cost, in millionths of its amount", false, 0, 1'000'000},
           {"channels.rebalance_most_sat", "1000000", Kind::integer, "serve: most that one of its own rebalances moves", false, 10'000, 2'100'000'000'000'000},
           {"channels.rebalance_fee_sat_per_day", "1000", Kind::integer, "serve: most that all rebalances of 24 hours may cost, for one of its own to be made", false, 0, 2'100'000'000'000'000},
           {"channels.rebalance", "false", Kind::boolean, "serve: move balance by itself where a channel has run dry or full"},
           {"channels.base_fee_msat", "-1", Kind::integer, "serve: policy that it gives every channel once: fee of each forward; -1: left as it is", false, -1, 10'000'000},
           {"channels.fee_ppm", "-1", Kind::integer, "… and in millionths of its amount; -1: left as it is", false, -1, 1'000'000},
           {"channels.cltv_delta", "-1", Kind::integer, "… and blocks between its two sides; -1: left as it is", false, -1, 2016},
           {"channels.keep_seconds", "60", Kind::integer, "serve: how often it looks after the channels; 0: never", false, 0, 86'400},
           {"lnurl.allow_loopback", "false", Kind::boolean, "accept LNURL services on this machine, over http"},
           {"lnurl.proxy", "", Kind::text, "SOCKS proxy for .onion services, such as socks5h://127.0.0.1:9050"},
           {"endpoint.ca", "", Kind::text, "authorities that vouch for nodes' invoice endpoints, a PEM file"},
           {"endpoint.certificate", "", Kind::text, "our certificate for them, a PEM file"},
           {"endpoint.key", "", Kind::text, "its key, a PEM file"},
           {"endpoint.timeout_seconds", "20", Kind::integer, "how long an endpoint may take for an invoice", false, 1, 300},
           {"onchain.min_sat", "10000", Kind::integer, "smallest line that is paid on chain", false, 1000, 2'100'000'000'000'000},
           {"onchain.reserve_sat", "2000000", Kind::integer, "what the wallet keeps on chain, confirmed", false, 0, 2'100'000'000'000'000},
           {"onchain.sat_per_vbyte", "0", Kind::integer, "fee rate of a transaction; 0: what the node estimates", false, 0, 10'000},
           {"onchain.target_blocks", "6", Kind::integer, "within how many blocks it is to be confirmed, for that estimate", false, 1, 1008},
           {"onchain.max_sat_per_vbyte", "50", Kind::integer, "highest fee rate", false, 1, 10'000},
           {"onchain.max_fee_ppm", "20000", Kind::integer, "highest fee, in millionths of what the transaction pays", false, 0, 1'000'000},
           {"onchain.confirmations", "6", Kind::integer, "confirmations that make a line PAID, or a conflict final", false, 1, 1000},
           {"onchain.quiet_seconds", "600", Kind::integer, "how long before nothing may have been sent for a line over Lightning", false, 0, 31'536'000},
           {"sim.wallet", "", Kind::text, "file of the simulated wallet (default: the journal's name with .sim)"},
           {"sim.balance_msat", "100000000000000", Kind::integer, "balance of a new simulated wallet", false, 0},
           {"sim.invoice_seconds", "3600", Kind::integer, "life of the simulated wallet's invoices", false, 1, 31'536'000},
           {"sim.faults", "", Kind::text, "how the simulated wallet misbehaves, such as reply_lost=1,fail=2"}};
  for (hh::Setting& s : hh::ln::reinvest_settings()) all.push_back(std::move(s));
  for (hh::Setting& s : hh::ln::service_settings()) all.push_back(std::move(s));
  return {"hh-ln", std::move(all)};
}

struct Options {
  std::string manifest = "-", manifest_id, hash, invoice, reason, input, name, role, address, txid, to, day, format = "json", file, signer;
  int64_t line = 0, days = 7, overlap_minutes = 60, sat_per_vbyte = 0, budget_sat = 0;
  bool dry_run = false, json = false, all = false, force = false;

  // Those of commands that write into the journal, which the service may run (service/control.h).
  hh::json::Json to_json() const { return {{"manifest_id", manifest_id}, {"hash", hash}, {"invoice", invoice}, {"reason", reason}, {"line", line}, {"all", all}, {"force", force},
                                             {"address", address}, {"txid", txid}, {"sat_per_vbyte", sat_per_vbyte}, {"budget_sat", budget_sat}}; }
  void from_json(const hh::json::Json& value) {
    const hh::json::Fields f(value);
    manifest_id = f.text("manifest_id"), hash = f.text("hash"), invoice = f.text("invoice"), reason = f.text("reason");
    line = f.integer("line", INT64_MIN), all = f.boolean("all"), force = f.boolean("force");
    address = f.text("address"), txid = f.text("txid"), sat_per_vbyte = f.integer("sat_per_vbyte", INT64_MIN), budget_sat = f.integer("budget_sat", INT64_MIN);
  }
};

void add_token_commands(CLI::App& token, hh::Settings& settings, Options& o, std::function<int()>& chosen) {
  using namespace hh::ln;
  token.require_subcommand(1);
  const auto command = [&](const char* name, const char* help, std::function<int()> body) {
    CLI::App* sub = token.add_subcommand(name, help);
    settings.add_flags(*sub);
    sub->callback([&chosen, body] { chosen = body; });
    return sub;
  };
  const auto named = [&](CLI::App* sub) { return sub->add_option("NAME", o.name, "of the person or program")->required(), sub; };
  const auto lasting = [&](CLI::App* sub) { return sub->add_option("--days", o.days, "until it expires")->capture_default_str()->check(CLI::Range(1, 366)), sub; };
  lasting(named(command("add", "make a token, shown once", [&] { return token_add_command(settings, o.name, o.role, o.days); })))
      ->add_option("--role", o.role, "treasurer, auditor or ops")
      ->required();
  lasting(named(command("rotate", "make another one in place of it", [&] { return token_rotate_command(settings, o.name, o.days, o.overlap_minutes); })))
      ->add_option("--overlap-minutes", o.overlap_minutes, "how long the old one is still good")
      ->capture_default_str()
      ->check(CLI::Range(0, 10'080));
  named(command("revoke", "end all tokens of a name", [&] { return token_revoke_command(settings, o.name); }));
  command("list", "show all tokens, without their secrets", [&] { return token_list_command(settings); });
}

int run(int argc, char** argv) {
  hh::Settings settings = make_settings();
  CLI::App app{"Pays signed manifests over Lightning, exactly once. See hh-ln(1)."};
  app.set_version_flag("--version", "hh-ln " HH_VERSION);
  app.require_subcommand(1);
  Options o;
  std::function<int()> chosen;
  CLI::App* parent = &app;
  const auto command = [&](const char* name, const char* help, std::function<int()> body) {
    CLI::App* sub = parent->add_subcommand(name, help);
    settings.add_flags(*sub);
    sub->callback([&chosen, body] { chosen = body; });
    return sub;
  };
  const auto for_line = [&](CLI::App* sub) {
    sub->add_option("MANIFEST_ID", o.manifest_id, "of the manifest, 64 hex digits")->required();
    sub->add_option("LINE", o.line, "number of the line")->required();
    return sub;
  };
  using namespace hh::ln;
  Writers writers;
  const auto write = [&](const char* name, const char* help, std::function<int()> body) {
    const std::string key = parent == &app ? name : parent->get_name() + "_" + name;
    writers[key] = [&o, body](const hh::json::Json& options) { return o.from_json(options), body(); };
    return command(name, help, [&, key] { return write_command(settings, key, o.to_json(), writers); });
  };
  CLI::App* serve = command("serve", "run as a daemon: take manifests, pay them, answer questions", [&] { return serve_command(settings, o.input, writers); });
  serve->add_option("INPUT", o.input, "- reads signed manifests from standard input too");
  CLI::App* pause = write("pause", "send nothing new until resume", [&] { return pause_command(settings, o.reason); });
  pause->add_option("--reason", o.reason, "for the record")->required();
  write("resume", "send again", [&] { return resume_command(settings, o.reason); })->add_option("--reason", o.reason, "for the record");
  CLI::App* report = command("report", "print the signed report of a day, or check one", [&] {
    if (o.day.empty() == o.file.empty()) throw hh::Error(hh::Exit::usage, "report needs either --day or --verify");
    return o.file.empty() ? report_command(settings, o.day, o.format) : verify_report_command(settings, o.file, o.signer);
  });
  report->add_option("--day", o.day, "such as 2026-11-24, in UTC; it must be over");
  report->add_option("--format", o.format, "json or csv")->capture_default_str();
  report->add_option("--verify", o.file, "file with a report; - is standard input");
  report->add_option("--signer", o.signer, "with --verify: public key of whoever signs reports, base64url or a file");
  command("events", "print what happened to payments, all of it or of a day", [&] { return events_command(settings, o.day); })->add_option("--day", o.day, "such as 2026-11-24, in UTC");
  add_token_commands(*app.add_subcommand("token", "who may ask the HTTPS interface for what"), settings, o, chosen);
  CLI::App* settle = command("settle", "pay a signed manifest", [&] { return settle_command(settings, o.manifest, o.dry_run); });
  settle->add_option("MANIFEST", o.manifest, "file with the signed manifest; - is standard input");
  settle->add_flag("--dry-run", o.dry_run, "show what would be paid; touch nothing");
  CLI::App* status = command("status", "show where each line stands", [&] { return status_command(settings, o.manifest_id, o.json); });
  status->add_option("MANIFEST_ID", o.manifest_id, "only this manifest");
  status->add_flag("--json", o.json, "settlement records instead of a table");
  CLI::App* held = command("held", "show the lines that wait for the operator, and why", [&] { return held_command(settings, o.manifest_id, o.json); });
  held->add_option("MANIFEST_ID", o.manifest_id, "only this manifest");
  held->add_flag("--json", o.json, "settlement records instead of a table");
  command("batches", "show the batches in which lines were paid", [&] { return batches_command(settings, o.manifest_id); })->add_option("MANIFEST_ID", o.manifest_id, "only this manifest");
  command("decisions", "show what operators decided, who and why", [&] { return decisions_command(settings, o.manifest_id); })->add_option("MANIFEST_ID", o.manifest_id, "only this manifest");
  CLI::App* invoices = command("invoices", "show the invoices of each line, also those that were refused", [&] { return invoices_command(settings, o.manifest_id); });
  invoices->add_option("MANIFEST_ID", o.manifest_id, "only this manifest");
  write("audit", "compare the node's payments with the journal", [&] { return audit_command(settings); });
  CLI::App* acknowledge = write("acknowledge", "say what a payment was that the journal does not know", [&] { return acknowledge_command(settings, o.hash, o.all, o.reason); });
  acknowledge->add_option("HASH", o.hash, "payment hash, 64 hex digits");
  acknowledge->add_flag("--all", o.all, "all that are listed by audit");
  acknowledge->add_option("--reason", o.reason, "for the record")->required();
  CLI::App* reconcile = write("reconcile", "after a restore: take from the node what it has done since", [&] { return reconcile_command(settings, o.reason); });
  reconcile->add_option("--reason", o.reason, "for the record")->required();
  CLI::App* revoke = write("revoke", "pay a manifest no further", [&] { return revoke_command(settings, o.manifest_id, o.reason); });
  revoke->add_option("MANIFEST_ID", o.manifest_id, "of the manifest, 64 hex digits")->required();
  revoke->add_option("--reason", o.reason, "for the record")->required();
  CLI::App* hold = for_line(write("hold", "keep a line from being sent", [&] { return hold_command(settings, o.manifest_id, o.line, o.reason); }));
  hold->add_option("--reason", o.reason, "for the record")->required();
  CLI::App* release = for_line(write("release", "let a held line be sent again", [&] { return release_command(settings, o.manifest_id, o.line, o.reason); }));
  release->add_option("--reason", o.reason, "for the record");
  CLI::App* reissue = for_line(write("reissue", "accept another invoice of the same payee for a line", [&] { return reissue_command(settings, o.manifest_id, o.line, o.invoice, o.reason); }));
  reissue->add_option("INVOICE", o.invoice, "BOLT 11, over exactly the line's amount")->required();
  reissue->add_option("--reason", o.reason, "for the record")->required();
  CLI::App* fail = for_line(write("fail", "declare an unclear payment failed", [&] { return fail_command(settings, o.manifest_id, o.line, o.force, o.reason); }));
  fail->add_flag("--force", o.force, "yes: I have made sure that this payment hash was not and cannot be paid");
  fail->add_option("--reason", o.reason, "for the record: how you made sure")->required();
  CLI::App* onchain = app.add_subcommand("onchain", "pay on chain what Lightning cannot pay");
  onchain->require_subcommand(1);
  parent = onchain;
  write("plan", "show which lines a transaction would pay, and why not the others", [&] { return onchain_plan_command(settings, o.manifest_id); })
      ->add_option("MANIFEST_ID", o.manifest_id, "only this manifest");
  write("pay", "pay them with one transaction, and follow the earlier ones", [&] { return onchain_pay_command(settings, o.manifest_id); })
      ->add_option("MANIFEST_ID", o.manifest_id, "only this manifest");
  write("follow", "see how far the transactions are, and send them again where needed", [&] { return onchain_follow_command(settings); });
  command("list", "show the transactions", [&] { return onchain_list_command(settings); });
  CLI::App* address = for_line(write("address", "order that a line is paid on chain", [&] { return onchain_address_command(settings, o.manifest_id, o.line, o.address, o.reason); }));
  address->add_option("ADDRESS", o.address, "where to; by default the line's own");
  address->add_option("--reason", o.reason, "for the record")->required();
  CLI::App* bump = write("bump", "hasten a transaction with a child that pays for it", [&] { return onchain_bump_command(settings, o.txid, o.sat_per_vbyte, o.budget_sat); });
  bump->add_option("TXID", o.txid, "of the transaction, 64 hex digits")->required();
  bump->add_option("--sat-per-vbyte", o.sat_per_vbyte, "fee rate of the child")->required()->check(CLI::Range(1, 10'000));
  bump->add_option("--budget-sat", o.budget_sat, "most that the child may pay; by default what the rate needs for both")->check(CLI::Range(int64_t{1}, int64_t{2'100'000'000'000'000}));
  parent = &app;
  CLI::App* rotate = command("rotate-key", "seal the journal, or seal it anew", [&] { return rotate_key_command(settings, o.to); });
  rotate->add_option("--to", o.to, "secret with the new key (default: that of journal_key)");
  add_channel_commands(settings, writers, command);
  add_reinvest_commands(app, settings, writers, chosen);
  command("migrate", "bring the journal to this version's tables", [&] { return migrate_command(settings); });
  command("config", "print the effective configuration", [&] {
    const std::string records = settings.to_records();
    hh::json::print_line(std::string_view(records).substr(0, records.size() - 1));
    if (!settings.is_set("journal_key")) hh::log::info("journal_in_clear", {{"why", "journal_key is not set: destinations and invoices are stored in clear"}});
    return 0;
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e, std::cout, std::cerr);
    return code == 0 ? 0 : static_cast<int>(hh::Exit::usage);
  }
  settings.load();
  hh::install_signal_flags();
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  hh::log::set_tool("hh-ln");
  return hh::run_main("hh-ln", [&] { return run(argc, argv); });
}

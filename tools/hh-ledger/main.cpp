// hh-ledger(1): keeps every share, every round and every satoshi. This file parses the command line; one row of the table below is one subcommand.
#include <CLI/CLI.hpp>
#include <sqlite3.h>

#include <array>

#include "base/error.h"
#include "base/log.h"
#include "commands.h"

namespace {

using hh::Kind;
using hh::Settings;
namespace ledger = hh::ledger;
using ledger::Options;

std::vector<hh::Setting> setting_list() {
  return {{"db", "", Kind::text, "the ledger, an SQLite file"},
          {"commit_ms", "50", Kind::integer, "how long a line may wait for others before it is committed", false, 0, 10'000},
          {"scheme", "prop", Kind::text, "which shares a round pays for: prop or pplns"},
          {"pplns_factor", "2", Kind::integer, "pplns: the window is so many times the work of a block", false, 1, 100},
          {"maturity", "100", Kind::integer, "confirmations that a block needs before its round can be closed", false, 1, 1'000'000},
          {"key", "", Kind::list, "public keys that may sign manifests: base64url or files"},
          {"watch.interval_seconds", "10", Kind::integer, "how often bitcoind is asked", false, 1, 86'400},
          {"rpc.url", "", Kind::text, "bitcoind's RPC server (default: this machine, the chain's port)"},
          {"rpc.datadir", "", Kind::text, "bitcoind's data folder, where its cookie is (default: ~/.bitcoin)"},
          {"rpc.cookie_file", "", Kind::text, "the cookie itself"},
          {"rpc.user", "", Kind::text, "user, instead of a cookie"},
          {"rpc.password", "", Kind::text, "secret: a file, credential:NAME or exec:COMMAND", true}};
}

// Checked as signed numbers: CLI11 would read -1 as a very large unsigned one.
const CLI::Range from_one(int64_t{1}, int64_t{1} << 52);
const CLI::Range cycle_range(int64_t{0}, int64_t{1'000'000});

void round_argument(CLI::App& app, Options& o) { app.add_option("ROUND", o.round, "number of the round")->required()->check(from_one); }
void json_flag(CLI::App& app, Options& o) { app.add_flag("--json", o.json, "records, also on a terminal"); }

void append_options(CLI::App& app, Options& o) {
  app.add_option("--follow", o.follow, "read this spool as it grows, from where the ledger has come to, instead of standard input")->type_name("SPOOL");
  app.add_flag("--once", o.once, "with --follow: stop at the end of the spool");
  app.add_flag("--skip-bad", o.skip_bad, "go on after a bad line");
  app.add_flag("--allow-gaps", o.allow_gaps, "go on where sequence numbers are missing");
  app.add_flag("--progress", o.progress, "print an appended record after every commit");
}
void round_options(CLI::App& app, Options& o) { round_argument(app, o), json_flag(app, o); }
void close_options(CLI::App& app, Options& o) {
  auto* round = app.add_option("ROUND", o.round, "number of the round (default: the next one to close)")->check(from_one);
  app.add_option("--cycle", o.cycle, "close this cycle of the node pool instead")->type_name("N")->check(cycle_range)->excludes(round);
}
void cycle_options(CLI::App& app, Options& o) { app.add_option("CYCLE", o.cycle, "number of the cycle: days since 1970 divided by seven")->required()->check(cycle_range); }
void post_options(CLI::App& app, Options& o) { app.add_option("FILE", o.input, "a signed manifest and settlements (default -: standard input)"); }
void miner_set_options(CLI::App& app, Options& o) {
  app.add_option("MINER", o.miner, "account name: an alias or an address")->required();
  app.add_option("--address", o.address, "on-chain address of an alias; empty to remove it")->type_name("ADDRESS");
  app.add_option("--destination", o.destination, "where it is paid over Lightning; empty to remove it")->type_name("TEXT");
  app.add_option("--kind", o.kind, "of the destination: lnaddress (default), lnurl, node, bolt11, bolt12 or endpoint")->type_name("KIND");
  app.add_option("--chain", o.chain, "chain of the address, while the ledger has no job yet")->type_name("CHAIN");
}
void miner_show_options(CLI::App& app, Options& o) {
  app.add_option("MINER", o.miner, "one miner (default: all)");
  json_flag(app, o);
}
void watch_options(CLI::App& app, Options& o) { app.add_flag("--once", o.once, "look once; exit 65 where the block of a closed round has left the chain"); }
void verify_options(CLI::App& app, Options& o) { app.add_flag("--shares", o.shares, "also compute the hash of every share again"); }
void export_options(CLI::App& app, Options& o) {
  app.add_option("--round", o.round, "only this round")->type_name("ROUND")->check(from_one);
  app.add_flag("--csv", o.csv, "shares as comma separated values");
}
void prove_options(CLI::App& app, Options& o) {
  round_argument(app, o);
  app.add_option("SOURCE", o.source, "of the share")->required();
  app.add_option("SEQ", o.seq, "of the share")->required()->check(from_one);
}
void backup_options(CLI::App& app, Options& o) { app.add_option("FILE", o.path, "where to; must not exist")->required(); }
void migrate_options(CLI::App& app, Options& o) {
  app.add_option("--to", o.to, "version to go to, also backwards, which loses data (default: the newest)")->type_name("N")->check(CLI::Range(0, 1000));
  app.add_flag("--status", o.status, "only say what would be done");
}
void no_options(CLI::App&, Options&) {}

struct Command {
  const char* name;
  const char* parent;  // "miner" for `miner set`, else nullptr
  const char* help;
  void (*add_options)(CLI::App&, Options&);
  int (*run)(const Options&, const Settings&);
};
constexpr std::array<Command, 16> commands{{
    {"append", nullptr, "take in shares, jobs and blocks", append_options, ledger::append_command},
    {"rounds", nullptr, "list the rounds", json_flag, ledger::rounds_command},
    {"round", nullptr, "print one round with its miners", round_options, ledger::round_command},
    {"close", nullptr, "freeze a round, or a cycle, so that it can be paid", close_options, ledger::close_command},
    {"cycle", nullptr, "print a cycle of the node pool", cycle_options, ledger::cycle_command},
    {"post", nullptr, "book manifests and settlements", post_options, ledger::post_command},
    {"balances", nullptr, "print every account's balance", json_flag, ledger::balances_command},
    {"set", "miner", "set an account's address and destination", miner_set_options, ledger::miner_set_command},
    {"show", "miner", "print accounts' addresses and destinations", miner_show_options, ledger::miner_show_command},
    {"watch", nullptr, "ask bitcoind what became of the rounds' blocks", watch_options, ledger::watch_command},
    {"verify", nullptr, "check everything that the ledger holds", verify_options, ledger::verify_command},
    {"export", nullptr, "print shares, jobs and blocks as they came", export_options, ledger::export_command},
    {"prove", nullptr, "prove that a share is in a closed round", prove_options, ledger::prove_command},
    {"backup", nullptr, "copy the ledger while it is in use", backup_options, ledger::backup_command},
    {"migrate", nullptr, "bring the ledger's tables to another version", migrate_options, ledger::migrate_command},
    {"config", nullptr, "print the settings in effect and where each comes from", no_options, ledger::config_command},
}};

int run(int argc, char** argv) {
  Settings settings("hh-ledger", setting_list());
  Options options;
  CLI::App app{"Keeps every share, every round and every satoshi of a Bitcoin mining pool"};
  app.set_version_flag("--version", "hh-ledger " HH_VERSION);
  app.require_subcommand(1);
  const Command* chosen = nullptr;
  CLI::App* miner = nullptr;
  for (const Command& c : commands) {
    if (c.parent != nullptr && miner == nullptr) {
      miner = app.add_subcommand(c.parent, "account names: addresses and destinations");
      miner->require_subcommand(1);
    }
    CLI::App* sub = (c.parent != nullptr ? miner : &app)->add_subcommand(c.name, c.help);
    settings.add_flags(*sub);
    c.add_options(*sub, options);
    sub->callback([&chosen, &c] { chosen = &c; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(hh::Exit::usage);
  }
  settings.load();
  return chosen->run(options, settings);
}

}  // namespace

int main(int argc, char** argv) {
  hh::log::set_tool("hh-ledger");
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // its counters take a lock at every allocation
  return hh::run_main("hh-ledger", [&] { return run(argc, argv); });
}

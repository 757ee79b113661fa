// hh-payout(1): from closed rounds to signed manifests. This file parses the command line; one row of the table below is one subcommand.
#include <CLI/CLI.hpp>
#include <array>

#include "base/error.h"
#include "commands.h"

namespace {

using hh::Kind;
using hh::Settings;
namespace payout = hh::payout;
using payout::Options;

std::vector<hh::Setting> setting_list() {
  return {{"policy", "", Kind::text, "policy file, hh-policy(5); without one the default policy applies"},
          {"chain", "", Kind::text, "refuse input of any other chain: main, testnet4, signet, regtest or dev"},
          {"key", "", Kind::text, "private key that signs: a file, credential:NAME or exec:COMMAND", true}};
}

void add_input(CLI::App& app, Options& o, const char* what) { app.add_option("FILE", o.input, std::string(what) + " (default -: standard input)"); }

void compute_options(CLI::App& app, Options& o) {
  add_input(app, o, "a closed round or cycle record");
  app.add_option("--nodes", o.nodes, "node records, for a cycle")->type_name("FILE");
}
void manifest_options(CLI::App& app, Options& o) { add_input(app, o, "a payout and its lines, or a signed manifest"); }
void sign_options(CLI::App& app, Options& o) {
  add_input(app, o, "a payout and its lines, or a manifest");
  app.add_option("--iat", o.iat, "when it is signed: unix seconds or RFC 3339")->type_name("TIME");
  app.add_option("--exp", o.exp, "when it expires: the same, or +7d after --iat")->type_name("TIME");
  app.add_option("--jti", o.jti, "id of this signature, unique for ever")->type_name("ID");
  app.add_flag("--now", o.now, "take --iat from the clock, and --jti at random where it is not given");
}
void verify_options(CLI::App& app, Options& o) {
  add_input(app, o, "a signed manifest");
  app.add_option("--key", o.public_key, "public keys that are trusted: a file, or one as base64url")->required()->type_name("KEYS");
  app.add_option("--at", o.at, "check the time as of then, not now")->type_name("TIME");
  app.add_flag("--print-manifest", o.print_manifest, "print the verified manifest, not the result");
}
void explain_options(CLI::App& app, Options& o) {
  add_input(app, o, "a payout and its lines, a manifest or a signed manifest");
  app.add_option("--account", o.account, "miner:NAME or node:NAME")->required()->type_name("ACCOUNT");
  app.add_option("--nodes", o.nodes, "node records, to say why a node is not eligible")->type_name("FILE");
  app.add_option("--key", o.public_key, "check the signature first, with these public keys")->type_name("KEYS");
  app.add_option("--at", o.at, "with --key: check the time as of then, not now")->type_name("TIME");
  app.add_flag("--json", o.json, "print an explanation record");
}
void replay_options(CLI::App& app, Options& o) {
  app.add_option("--shares", o.shares, "job, share and block lines, as hh-ledger export prints them (default -: standard input)")->type_name("FILE");
  app.add_option("--round-record", o.round_record, "the closed round")->required()->type_name("FILE");
  app.add_option("--manifest", o.manifest, "a manifest or signed manifest to compare with; without it the manifest is printed")->type_name("FILE");
}
void keygen_options(CLI::App& app, Options& o) { app.add_option("FILE", o.new_key, "where to write the private key; must not exist")->required(); }
void no_options(CLI::App&, Options&) {}

struct Command {
  const char* name;
  const char* help;
  bool settings;  // takes the settings as flags
  void (*add_options)(CLI::App&, Options&);
  int (*run)(const Options&, const Settings&);
};
constexpr std::array<Command, 10> commands{{
    {"compute", "divide a closed round or cycle: prints a payout and its lines", true, compute_options, payout::compute},
    {"manifest", "print a payout as its canonical manifest", false, manifest_options, payout::manifest},
    {"sign", "sign a payout or manifest", true, sign_options, payout::sign},
    {"verify", "check signature, time and every amount of a signed manifest", false, verify_options, payout::verify},
    {"explain", "say why an account gets what it gets", false, explain_options, payout::explain},
    {"replay", "work out a manifest again from the raw shares", true, replay_options, payout::replay},
    {"keygen", "make a signing key", false, keygen_options, payout::keygen},
    {"key", "print the public key of the signing key", true, no_options, payout::key},
    {"policy", "print the policy in effect", true, no_options, payout::policy},
    {"config", "print the settings in effect and where each comes from", true, no_options, payout::config},
}};

int run(int argc, char** argv) {
  Settings settings("hh-payout", setting_list());
  Options options;
  CLI::App app{"Divides what a Bitcoin mining pool earned among its miners and nodes, exactly, and signs the result"};
  app.set_version_flag("--version", "hh-payout " HH_VERSION);
  app.require_subcommand(1);
  for (const Command& c : commands) {
    CLI::App* sub = app.add_subcommand(c.name, c.help);
    if (c.settings) settings.add_flags(*sub);
    c.add_options(*sub, options);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(hh::Exit::usage);
  }
  settings.load();
  for (const Command& c : commands)
    if (app.got_subcommand(c.name)) return c.run(options, settings);
  return static_cast<int>(hh::Exit::usage);
}

}  // namespace

int main(int argc, char** argv) {
  return hh::run_main("hh-payout", [&] { return run(argc, argv); });
}

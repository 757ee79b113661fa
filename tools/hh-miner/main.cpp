// hh-miner(1): a small Stratum V1 CPU miner for demonstrations and tests.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/config.h"
#include "base/daemon.h"
#include "base/error.h"
#include "miner.h"

namespace {

std::vector<hh::Setting> setting_list() {
  using hh::Kind;
  return {
      {"url", "", Kind::text, "the pool: stratum+tcp://HOST:PORT"},
      {"user", "", Kind::text, "ADDRESS, ADDRESS.WORKER or an alias that the pool knows"},
      {"pass", "x", Kind::text, "password; pools seldom look at it"},
      {"threads", "1", Kind::integer, "hashing threads", false, 1, 256},
      {"throttle", "0", Kind::integer, "at most N hashes a second, all threads together; 0: as fast as it goes", false, 0},
      {"max_shares", "0", Kind::integer, "stop after N accepted shares; 0: never", false, 0},
      {"max_blocks", "0", Kind::integer, "stop after N accepted shares that were blocks; 0: never", false, 0},
      {"max_seconds", "0", Kind::integer, "stop after N seconds; 0: never", false, 0},
      {"suggest_difficulty", "", Kind::text, "ask the pool for this difficulty"},
      {"version_rolling", "false", Kind::boolean, "negotiate version rolling (BIP310)"},
  };
}

hh::miner::MinerOptions read_options(const hh::Settings& settings) {
  hh::miner::MinerOptions o;
  o.pool = hh::miner::parse_pool_url(settings.required("url"));
  o.user = settings.required("user");
  o.password = settings.text("pass");
  o.threads = static_cast<size_t>(settings.integer("threads"));
  o.throttle = static_cast<uint64_t>(settings.integer("throttle"));
  o.most_shares = settings.integer("max_shares");
  o.most_blocks = settings.integer("max_blocks");
  o.most_seconds = settings.integer("max_seconds");
  o.version_rolling = settings.boolean("version_rolling");
  if (const std::string& suggest = settings.text("suggest_difficulty"); !suggest.empty()) {
    o.suggest = hh::bitcoin::Difficulty::from_text(suggest);
    const std::string& origin = settings.origin("suggest_difficulty");
    if (!o.suggest) throw hh::Error(origin == "flag" ? hh::Exit::usage : hh::Exit::config, "suggest_difficulty (" + origin + "): \"" + suggest + "\" is not a decimal number such as 0.001");
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  return hh::run_main("hh-miner", [&] {
    hh::Settings settings("hh-miner", setting_list());
    CLI::App app{"A small Stratum V1 CPU miner for demonstrations and tests"};
    app.set_version_flag("--version", "hh-miner " HH_VERSION);
    app.require_subcommand(0, 1);
    CLI::App* mine = app.add_subcommand("mine", "mine until a limit is reached or a signal comes (also without a command)");
    CLI::App* config = app.add_subcommand("config", "print the settings in effect and where each comes from");
    for (CLI::App* command : {&app, mine, config}) settings.add_flags(*command);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      return app.exit(e) == 0 ? 0 : static_cast<int>(hh::Exit::usage);
    }
    settings.load();
    if (config->parsed()) {
      std::cout << settings.to_records() << std::flush;
      return 0;
    }
    hh::miner::MinerOptions options = read_options(settings);
    hh::install_signal_flags();
    hh::miner::Miner(std::move(options)).run();
    return 0;
  });
}

// hh-miner(1): a small Stratum V1 CPU miner for demonstrations and tests.
#include <CLI/CLI.hpp>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "miner.h"

int main(int argc, char** argv) {
  return hh::run_main("hh-miner", [&] {
    hh::miner::MinerOptions o;
    std::string url, suggest, log_format = "auto", log_level = "info";
    CLI::App app{"A small Stratum V1 CPU miner for demonstrations and tests"};
    app.set_version_flag("--version", "hh-miner " HH_VERSION);
    app.add_option("--url", url, "the pool: stratum+tcp://HOST:PORT")->required();
    app.add_option("--user", o.user, "ADDRESS, ADDRESS.WORKER or an alias that the pool knows")->required();
    app.add_option("--pass", o.password, "password; pools seldom look at it (default x)");
    app.add_option("--threads", o.threads, "hashing threads (default 1)")->check(CLI::Range(1, 256));
    app.add_option("--max-shares", o.most_shares, "stop after N accepted shares")->check(CLI::NonNegativeNumber);
    app.add_option("--max-blocks", o.most_blocks, "stop after N accepted blocks")->check(CLI::NonNegativeNumber);
    app.add_option("--max-seconds", o.most_seconds, "stop after N seconds")->check(CLI::NonNegativeNumber);
    app.add_option("--suggest-difficulty", suggest, "ask the pool for this difficulty");
    app.add_flag("--version-rolling", o.version_rolling, "negotiate version rolling (BIP310)");
    app.add_option("--throttle", o.throttle, "at most N hashes a second");
    app.add_option("--log-format", log_format, "messages as auto, json or text");
    app.add_option("--log-level", log_level, "least level: debug, info, warn, error");
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      return app.exit(e) == 0 ? 0 : static_cast<int>(hh::Exit::usage);
    }
    hh::log::set_format(std::string_view(log_format));
    hh::log::set_level(std::string_view(log_level));
    o.pool = hh::miner::parse_pool_url(url);
    if (!suggest.empty()) {
      o.suggest = hh::bitcoin::Difficulty::from_text(suggest);
      if (!o.suggest) throw hh::Error(hh::Exit::usage, "--suggest-difficulty: \"" + suggest + "\" is not a decimal number such as 0.001");
    }
    hh::install_signal_flags();
    hh::miner::Miner(std::move(o)).run();
    return 0;
  });
}

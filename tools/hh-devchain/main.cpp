// hh-devchain(8): a simulated bitcoind in one small program, for demonstrations and for tests of faults.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/error.h"
#include "commands.h"

int main(int argc, char** argv) {
  return hh::run_main("hh-devchain", [&] {
    // BIP173's example key in regtest's form: what is paid to it is nobody's.
    std::string address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
    std::string method;
    std::vector<std::string> arguments;
    int64_t blocks = 1;

    hh::Settings settings("hh-devchain", hh::devchain::setting_list());
    CLI::App app{"A simulated Bitcoin node: bitcoind's calls for mining, on a chain that nobody else has"};
    app.set_version_flag("--version", "hh-devchain " HH_VERSION);
    app.require_subcommand(0, 1);
    CLI::App* serve = app.add_subcommand("serve", "run the node until SIGTERM (also without a command)");
    CLI::App* generate = app.add_subcommand("generate", "mine blocks by CPU and print their hashes");
    generate->add_option("blocks", blocks, "how many (default 1)")->check(CLI::Range(int64_t{0}, int64_t{1'000'000}))->type_name("N");
    generate->add_option("--address", address, "whom they pay")->type_name("ADDRESS");
    CLI::App* call = app.add_subcommand("call", "make one call, as bitcoin-cli does, and print its result");
    call->add_option("method", method, "e.g. getblockchaininfo")->required()->type_name("METHOD");
    call->add_option("arguments", arguments, "its arguments: JSON, or text")->type_name("ARGUMENT");
    CLI::App* config = app.add_subcommand("config", "print the settings in effect and where each comes from");
    for (CLI::App* command : {&app, serve, generate, call, config}) settings.add_flags(*command);
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
    if (generate->parsed()) return hh::devchain::generate(settings, blocks, address);
    if (call->parsed()) return hh::devchain::call(settings, method, arguments);
    return hh::devchain::serve(settings);
  });
}

// hh-pool(8): a Stratum V1 and V2 mining pool that prints what it accepts as records.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/error.h"
#include "client_commands.h"
#include "keys.h"
#include "serve.h"

int main(int argc, char** argv) {
  return hh::run_main("hh-pool", [&] {
    hh::Settings settings("hh-pool", hh::pool::setting_list());
    CLI::App app{"A Bitcoin mining pool: gives miners work over Stratum V1 and V2 and prints accepted shares and blocks as records"};
    app.set_version_flag("--version", "hh-pool " HH_VERSION);
    app.require_subcommand(1);
    CLI::App* serve = app.add_subcommand("serve", "run the pool until SIGTERM");
    CLI::App* config = app.add_subcommand("config", "print the settings in effect and where each comes from");
    CLI::App* check = app.add_subcommand("check", "check settings, node, template and files, then exit");
    bool takeover = false;
    serve->add_flag("--takeover", takeover, "take the miners over from the pool that runs with the same spool");
    CLI::App* notify = app.add_subcommand("notify", "tell the running pool that there may be a new block (for bitcoind's -blocknotify)");
    CLI::App* status = app.add_subcommand("status", "show how the running pool is");
    CLI::App* miners = app.add_subcommand("miners", "list the miners that the running pool knows, with their hashrates");
    CLI::App* miner = app.add_subcommand("miner", "show one miner and its workers");
    CLI::App* bans = app.add_subcommand("bans", "list the addresses that the running pool has banned, why and for how long");
    CLI::App* ban = app.add_subcommand("ban", "ban an address");
    CLI::App* unban = app.add_subcommand("unban", "end the ban of an address");
    CLI::App* message = app.add_subcommand("message", "have miners show a message");
    CLI::App* reconnect = app.add_subcommand("reconnect", "have miners connect again, here or elsewhere");
    CLI::App* keys = app.add_subcommand("keys", "make and show the keys of Stratum V2");
    keys->require_subcommand(1);
    CLI::App* authority = keys->add_subcommand("authority", "make the key that miners know the pool by");
    CLI::App* certify = keys->add_subcommand("certify", "make a key for a pool, with a certificate from the authority");
    CLI::App* shown_keys = keys->add_subcommand("show", "show the pool's key and its certificate");
    std::string key_file, authority_file;
    int64_t days = 365;
    for (CLI::App* command : {authority, certify}) command->add_option("FILE", key_file, "where to write the secret; must not exist")->required();
    certify->add_option("--authority", authority_file, "where the authority's secret is: a file, credential:NAME or exec:COMMAND")->required();
    certify->add_option("--days", days, "how long the certificate is good for")->check(CLI::Range(1, 3650))->capture_default_str();
    std::string address, miner_name, text, destination;
    int64_t wait_seconds = 0;
    bool sure = false;
    int64_t ban_seconds = 86'400;
    bool as_records = false;
    miner->add_option("MINER", miner_name, "the miner's address or alias")->required();
    for (CLI::App* command : {ban, unban}) command->add_option("ADDRESS", address, "an IPv4 address, or an IPv6 address, which stands for its /64")->required();
    message->add_option("TEXT", text, "one line, at most 256 bytes")->required();
    reconnect->add_option("HOST:PORT", destination, "where to; unless given, to where they are connected");
    reconnect->add_option("--in", wait_seconds, "wait so many seconds before")->check(CLI::Range(0, 3'600));
    reconnect->add_flag("--yes", sure, "with HOST:PORT: their hashrate is to go there");
    for (CLI::App* command : {message, reconnect}) command->add_option("--miner", miner_name, "only this one's connections");
    ban->add_option("SECONDS", ban_seconds, "for so long; a day unless given");
    for (CLI::App* command : {status, miners, miner, bans, ban, message, reconnect}) command->add_flag("--json", as_records, "records, also on a terminal");
    for (CLI::App* command : {serve, config, check, notify, status, miners, miner, bans, ban, unban, message, reconnect, shown_keys}) settings.add_flags(*command);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      return app.exit(e) == 0 ? 0 : static_cast<int>(hh::Exit::usage);
    }
    if (authority->parsed()) return hh::pool::make_authority(key_file);
    if (certify->parsed()) return hh::pool::certify(authority_file, days, key_file);
    settings.load();
    if (shown_keys->parsed()) return hh::pool::show_keys(settings.required("sv2.keys"));
    if (config->parsed()) {
      std::cout << settings.to_records() << std::flush;
      return 0;
    }
    if (notify->parsed()) return hh::pool::notify(settings);
    if (status->parsed()) return hh::pool::show_status(settings, as_records);
    if (miners->parsed()) return hh::pool::show_miners(settings, as_records);
    if (miner->parsed()) return hh::pool::show_miner(settings, miner_name, as_records);
    if (bans->parsed()) return hh::pool::show_bans(settings, as_records);
    if (ban->parsed()) return hh::pool::ban(settings, address, ban_seconds, as_records);
    if (message->parsed()) return hh::pool::send_message(settings, text, miner_name, as_records);
    if (reconnect->parsed()) return hh::pool::reconnect(settings, destination, wait_seconds, miner_name, sure, as_records);
    if (unban->parsed()) return hh::pool::unban(settings, address);
    hh::pool::Options options = hh::pool::read_options(settings);
    options.takeover = takeover;
    return check->parsed() ? hh::pool::check(options) : hh::pool::serve(options, settings);
  });
}

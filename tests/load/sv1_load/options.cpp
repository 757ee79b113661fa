#include "options.h"

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <sys/resource.h>

#include <charconv>

#include "base/error.h"

namespace hh::load {
namespace {

constexpr uint64_t most_connections = 100'000, most_seconds = 3'600;

[[noreturn]] void refuse(const std::string& sentence) { throw Error(Exit::usage, sentence); }

// Only loopback is ever spoken to: this program is a flood.
void read_target(const std::string& text, Options& o) {
  const size_t colon = text.rfind(':');
  in_addr address{};
  if (colon == std::string::npos || inet_pton(AF_INET, text.substr(0, colon).c_str(), &address) != 1) refuse("--target: \"" + text + "\" is not 127.x.y.z:PORT");
  o.target_address = ntohl(address.s_addr);
  if (o.target_address >> 24 != 127) refuse("--target: " + text + " is no loopback address; this program loads nothing else");
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, o.target_port);
  if (error != std::errc{} || at != end || o.target_port == 0) refuse("--target: \"" + text + "\" has no port from 1 to 65535");
}

void check_rpc(const Options& o) {
  if (o.block_at_ms.empty()) return;
  if (o.block_command.empty() == o.blocks_file.empty()) refuse("--block-at-ms needs either --block-command or --blocks");
  if (o.blocks_file.empty()) return;
  if (o.rpc_url.empty() || o.rpc_cookie.empty()) refuse("--blocks needs --rpc-url and --rpc-cookie");
  if (!o.rpc_url.starts_with("http://127.0.0.1:") && !o.rpc_url.starts_with("http://localhost:")) refuse("--rpc-url: " + o.rpc_url + " is not on 127.0.0.1");
}

// Descriptors for all connections and a few files. Throws where the hard limit does not allow as many.
void raise_descriptor_limit(uint64_t connections) {
  const rlim_t wanted = connections + 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  if (limit.rlim_max < wanted) refuse("--connections: a process may hold " + std::to_string(limit.rlim_max) + " descriptors here (ulimit -Hn)");
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Options read_options(int argc, char** argv, std::optional<int>& finished) {
  Options o;
  std::string target, chain = "regtest", suggest;
  CLI::App app{"Loads a Stratum V1 pool on loopback as thousands of miners do, with real shares, and prints what it measured as JSON lines"};
  app.set_help_flag("-h,--help", "print this");
  app.add_option("--target", target, "the pool: 127.x.y.z:PORT")->required();
  app.add_option("--connections", o.connections, "how many miners")->check(CLI::Range(uint64_t{1}, most_connections));
  app.add_option("--ramp", o.ramp_per_second, "connects a second; 0: all at once");
  app.add_option("--per-address", o.per_address, "connections from each loopback address")->check(CLI::Range(1, 20'000));
  app.add_option("--login-seconds", o.login_seconds, "a connection without a job after this long has failed")->check(CLI::Range(uint64_t{1}, most_seconds));
  app.add_option("--seed", o.seed, "of everything random");
  app.add_option("--chain", chain, "whose addresses the miners have: main, testnet4, signet, regtest, dev");
  app.add_option("--miners", o.miners, "distinct addresses; 0: one for each connection");
  app.add_option("--user", o.user, "this name, with a worker for each connection, instead of made addresses");
  app.add_option("--password", o.password, "of all");
  app.add_option("--suggest", suggest, "difficulty to ask for by mining.suggest_difficulty");
  app.add_flag("--version-rolling", o.version_rolling, "negotiate version rolling (BIP310)");
  app.add_option("--idle", o.idle_seconds, "seconds without submits before the load, for memory")->check(CLI::Range(uint64_t{0}, most_seconds));
  app.add_option("--seconds", o.seconds, "of load; 0: none")->check(CLI::Range(uint64_t{0}, most_seconds));
  app.add_option("--submits-per-minute", o.submits_per_minute, "of each connection, at random times")->check(CLI::Range(1, 60'000));
  app.add_option("--pipeline", o.pipeline, "instead: keep so many submits outstanding on each connection")->check(CLI::Range(0, 64));
  app.add_option("--submits", o.most_submits, "end the load after so many");
  app.add_option("--late", o.late_percent, "percent of the miners that send a stale share after each new tip's notify, to see what it is answered")->check(CLI::Range(0, 100));
  app.add_option("--drain", o.drain_seconds, "seconds to wait for the last answers")->check(CLI::Range(uint64_t{0}, most_seconds));
  app.add_option("--block-at-ms", o.block_at_ms, "milliseconds after the load's start at which a new block comes")->delimiter(',');
  app.add_option("--block-command", o.block_command, "shell command that makes the block");
  app.add_option("--blocks", o.blocks_file, "file with a block in hex on each line, for submitblock");
  app.add_option("--rpc-url", o.rpc_url, "node for submitblock, on 127.0.0.1");
  app.add_option("--rpc-cookie", o.rpc_cookie, "its cookie file");
  app.add_option("--hostile", o.hostile_percent, "percent of the connections that misbehave")->check(CLI::Range(0, 99));
  app.add_option("--server-pid", o.server_pids, "process whose memory and CPU time count; may be repeated");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    finished = app.exit(e) == 0 ? 0 : static_cast<int>(Exit::usage);
    return o;
  }
  read_target(target, o);
  check_rpc(o);
  const auto network = bitcoin::network_from_name(chain);
  if (!network) refuse("--chain: \"" + chain + "\" is none of main, testnet4, signet, regtest, dev");
  o.chain = *network;
  if (!suggest.empty() && !(o.suggest = bitcoin::Difficulty::from_text(suggest))) refuse("--suggest: \"" + suggest + "\" is not a decimal number such as 0.001");
  raise_descriptor_limit(o.connections);
  return o;
}

}  // namespace hh::load

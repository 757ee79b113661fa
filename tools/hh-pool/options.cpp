#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "records/common.h"

namespace hh::pool {
namespace {

// What a reload takes; a name with a dot at its end is all that begins with it. wait is of the start only.
constexpr std::array<std::string_view, 22> reloaded{"treasury", "pool_tag", "coinbase.solo_fee_ppm", "pay_to", "miners", "nodes", "rpc.", "failover.", "zmq", "wait", "template.",
                                                    "version_mask", "difficulty.", "vardiff.", "stale.", "limits.", "ban.", "allow", "tls.", "sv2.keys", "proxy.trusted", "log."};

[[noreturn]] void refuse(const Settings& s, const std::string& key, const std::string& why) {
  throw Error(Exit::config, fmt::format("{} ({}): \"{}\" {}", key, s.origin(key), s.text(key), why));
}

bitcoin::Difficulty difficulty(const Settings& s, const std::string& key) {
  const auto d = bitcoin::Difficulty::from_text(s.required(key));
  if (!d) refuse(s, key, "is not a difficulty: a decimal number such as 0.001 or 16384");
  if (*d > bitcoin::max_share_difficulty()) refuse(s, key, "is above the largest difficulty of shares, 2147450880");
  return d->for_wire();
}

// http://HOST:PORT, or http://HOST:PORT|COOKIE_FILE for a node with a cookie of its own.
http::BitcoinRpcConfig node_of_list(http::BitcoinRpcConfig node, const std::string& text) {
  const size_t bar = text.find('|');
  node.url = text.substr(0, bar);
  if (bar != std::string::npos) {
    node.cookie_file = text.substr(bar + 1);
    node.user.clear();
    node.password.clear();
  }
  return node;
}

void read_nodes(const Settings& s, Options& o) {
  http::BitcoinRpcConfig rpc;
  rpc.chain = s.text("chain");
  rpc.url = s.text("rpc.url");
  rpc.datadir = s.text("rpc.datadir");
  rpc.cookie_file = s.text("rpc.cookie_file");
  rpc.user = s.text("rpc.user");
  rpc.password = s.text("rpc.password");
  if (o.pool.chain == bitcoin::Network::dev) rpc.chain = "regtest";  // whose ports and folders are not used
  if (s.is_set("nodes") && s.is_set("rpc.url")) refuse(s, "rpc.url", "is set together with nodes: make it the first of nodes");
  for (const std::string& text : s.list("nodes")) o.nodes.push_back(node_of_list(rpc, text));
  if (o.nodes.empty()) o.nodes.push_back(rpc);
  for (const auto& node : o.nodes)
    if (o.pool.chain == bitcoin::Network::dev && (node.url.empty() || (node.cookie_file.empty() && node.user.empty())))
      throw Error(Exit::config, "chain dev needs rpc.url and rpc.cookie_file: hh-devchain prints both");
}

void read_templates(const Settings& s, Options& o) {
  TemplateSource::Config& t = o.templates;
  t.nodes = o.nodes;
  t.chain = o.pool.chain;
  t.refresh_ms = s.integer("template.refresh_seconds") * 1000;
  t.poll_ms = s.integer("template.poll_ms");
  t.propose = s.boolean("template.propose");
  t.empty_after_ms = s.integer("template.empty_after_ms");
  t.timeout_ms = s.integer("failover.timeout_ms");
  t.failover.lag_ms = s.integer("failover.lag_ms");
  t.failover.return_ms = s.integer("failover.return_seconds") * 1000;
  o.max_age_ms = s.integer("template.max_age_seconds") * 1000;
  if (o.max_age_ms <= t.refresh_ms) refuse(s, "template.max_age_seconds", "is not above template.refresh_seconds");
  const auto policy = when_down_from_name(s.text("template.when_down"));
  if (!policy) refuse(s, "template.when_down", "is none of keep, pause, disconnect");
  o.when_down = *policy;
  o.zmq = s.list("zmq");
}

void read_coinbase(const Settings& s, Options& o) {
  const std::string& mode = s.text("coinbase.mode");
  if (mode != "pool" && mode != "solo") refuse(s, "coinbase.mode", "is neither pool nor solo");
  if (mode == "solo") o.solo_fee_ppm = s.integer("coinbase.solo_fee_ppm");
  if (mode == "pool" && s.integer("coinbase.solo_fee_ppm") != 0) refuse(s, "coinbase.solo_fee_ppm", "needs coinbase.mode solo");
  o.pay_to = parse_pay_to(s.list("pay_to"), o.pool.chain);
}

uint32_t version_mask(const Settings& s) {
  const std::string& text = s.required("version_mask");
  if (text == "bip320") return 0x1fffe000;
  if (text == "bip323") return 0x1fffffe0;
  if (text == "none") return 0;
  uint32_t mask = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mask, 16);
  if (text.size() > 8 || error != std::errc{} || end != text.data() + text.size()) refuse(s, "version_mask", "is neither bip320, bip323, none nor up to 8 hex digits");
  if ((mask & 0xe0000000) != 0) refuse(s, "version_mask", "has one of the three highest bits, which say that version bits are used (BIP9)");
  return mask;
}

void read_listeners(const Settings& s, Options& o) {
  s.required("listen");
  o.listeners = parse_listeners(s.list("listen"), {o.pool.vardiff, o.pool.start_difficulty});
  o.trusted = net::AddressRange::parse_list(s.list("proxy.trusted"), "proxy.trusted");
  o.tls_certificate = s.text("tls.certificate");
  o.tls_key = s.text("tls.key");
  o.sv2_keys = s.text("sv2.keys");
  if (uses_sv2(o.listeners)) s.required("sv2.keys");
  if (!uses_tls(o.listeners)) return;
  s.required("tls.certificate");
  s.required("tls.key");
}

void read_pool(const Settings& s, Options& o) {
  PoolConfig& p = o.pool;
  p.source = s.required("source");
  if (!records::is_source_name(p.source)) refuse(s, "source", "is not 1 to 128 printable ASCII characters without space");
  p.version_mask = version_mask(s);
  p.start_difficulty = difficulty(s, "difficulty.start");
  p.vardiff.least = difficulty(s, "difficulty.min");
  p.vardiff.most = difficulty(s, "difficulty.max");
  if (p.vardiff.least > p.vardiff.most) refuse(s, "difficulty.min", "is above difficulty.max");
  p.vardiff.shares_per_minute = s.integer("vardiff.shares_per_minute");
  p.stale_grace_ms = s.integer("stale.grace_ms");
  p.most_workers = static_cast<size_t>(s.integer("limits.workers"));
  p.idle_ms = s.integer("limits.idle_seconds") * 1000;
  p.login_ms = s.integer("limits.login_seconds") * 1000;
  p.guard = read_guard_limits(s);
  read_listeners(s, o);
}

// An honest connection may send 16 times its vardiff's aim (vardiff.h), and its login before.
void check_messages(const Settings& s, const GuardLimits& g) {
  const auto needed = static_cast<uint64_t>(20 * s.integer("vardiff.shares_per_minute"));
  if (g.messages_per_minute != 0 && g.messages_per_minute < needed)
    refuse(s, "limits.messages_per_minute", fmt::format("is below 20 times vardiff.shares_per_minute: honest miners would be cut off; at least {}", needed));
}

}  // namespace

GuardLimits read_guard_limits(const Settings& s) {
  GuardLimits g;
  const auto number = [&](const char* key) { return static_cast<uint64_t>(s.integer(key)); };
  g.per_address = number("limits.per_address");
  g.new_per_minute = number("limits.new_per_minute");
  g.messages_per_minute = number("limits.messages_per_minute");
  g.unfinished_line_ms = s.integer("limits.unfinished_line_seconds") * 1000;
  g.offences = number("ban.offences");
  g.ban_ms = s.integer("ban.seconds") * 1000;
  g.allow = net::AddressRange::parse_list(s.list("allow"), "allow");
  check_messages(s, g);
  return g;
}

std::vector<Setting> setting_list() {
  return {
      {"listen", "0.0.0.0:3333", Kind::list, "ADDRESS:PORT for miners, or several, each with options: ADDRESS:PORT|min=D|max=D|start=D|tls|proxy|sv2|share; port 0 takes any"},
      {"tls.certificate", "", Kind::text, "PEM file with the certificate of listeners with tls, and those that lead to its root"},
      {"tls.key", "", Kind::text, "where its private key is: a file, credential:NAME or exec:COMMAND", true},
      {"sv2.keys", "", Kind::text, "where the keys of listeners with sv2 are (hh-pool keys certify): a file, credential:NAME or exec:COMMAND", true},
      {"proxy.trusted", "127.0.0.1,::1", Kind::list, "addresses and ranges of the proxies that listeners with proxy believe"},
      {"source", "pool", Kind::text, "name of this pool in its records; every pool needs its own"},
      {"chain", "main", Kind::text, "main, testnet4, signet, regtest, or dev (hh-devchain)"},
      {"treasury", "", Kind::text, "address that receives the subsidy"},
      {"pool_tag", "/Hyper Hash/", Kind::text, "text in the coinbase, at most 40 bytes"},
      {"coinbase.mode", "pool", Kind::text, "pool (the treasury gets the subsidy, the finder the fees) or solo (the finder gets both)"},
      {"coinbase.solo_fee_ppm", "0", Kind::integer, "solo: millionths of a block's reward that the treasury keeps", false, 0, 500'000},
      {"pay_to", "", Kind::list, "USER=ADDRESS or USER.WORKER=ADDRESS: which address the coinbase pays for that user or worker"},
      {"miners", "", Kind::text, "file of miner records (hh-ledger miner show) with aliases"},
      {"spool", "", Kind::text, "file or folder for the durable copy of all records"},
      {"sync", "group", Kind::text, "when a share is acknowledged: group (written; fsync within 5 ms) or always (after fsync)"},
      {"spool_limit_kib", "65536", Kind::integer, "most KiB of the spool that are written but not yet durable; beyond it shares are refused", false, 1, 16'777'216},
      {"spool_reserve_mib", "64", Kind::integer, "where less MiB are free on the spool's disk, shares are refused", false, 0, 1'000'000'000},
      {"rpc.url", "", Kind::text, "bitcoind's RPC; empty: the chain's port on 127.0.0.1"},
      {"rpc.datadir", "", Kind::text, "bitcoind's data folder; empty: ~/.bitcoin"},
      {"rpc.cookie_file", "", Kind::text, "bitcoind's cookie; empty: in the data folder"},
      {"rpc.user", "", Kind::text, "RPC user, instead of the cookie"},
      {"rpc.password", "", Kind::text, "where the RPC password is: a file, credential:NAME or exec:COMMAND", true},
      {"nodes", "", Kind::list, "several bitcoinds, the preferred first: URL or URL|COOKIE_FILE; blocks go to all. Instead of rpc.url"},
      {"failover.timeout_ms", "3000", Kind::integer, "a node that does not answer for so long is down", false, 100, 60'000},
      {"failover.lag_ms", "2000", Kind::integer, "a node that knows less work than another for so long lags", false, 0, 600'000},
      {"failover.return_seconds", "30", Kind::integer, "a node that was down or lagged is preferred again after so long without fault", false, 0, 86'400},
      {"zmq", "", Kind::list, "where bitcoinds publish hashblock (-zmqpubhashblock), e.g. tcp://127.0.0.1:28332"},
      {"control", "", Kind::text, "control socket; empty: /run/hyperhash/hh-pool.sock, or SPOOL.sock where that cannot be; off: none"},
      {"http", "", Kind::text, "ADDRESS:PORT for /metrics and /healthz; empty: none"},
      {"ckpool_folder", "", Kind::text, "folder for ckpool's pool/pool.status and users/, written once a minute; empty: none"},
      {"wait", "false", Kind::boolean, "wait for bitcoind at the start"},
      {"template.refresh_seconds", "30", Kind::integer, "new job for new transactions at least this often", false, 1, 600},
      {"template.poll_ms", "1000", Kind::integer, "how often to look for a new tip besides the long poll", false, 50, 60'000},
      {"template.empty_after_ms", "0", Kind::integer, "on a new tip, an empty block's job where the template is not there after so long; -1: never", false, -1, 5'000},
      {"template.max_age_seconds", "300", Kind::integer, "when no node has confirmed the template for so long: alarm, and template.when_down", false, 5, 86'400},
      {"template.when_down", "disconnect", Kind::text, "what then: disconnect miners, pause (refuse shares) or keep the old job"},
      {"template.propose", "false", Kind::boolean, "have bitcoind judge every job before miners get it"},
      {"version_mask", "bip320", Kind::text, "version bits that miners may roll: bip320, bip323, none, or hex digits"},
      {"difficulty.start", "8192", Kind::text, "difficulty of a new connection"},
      {"difficulty.min", "0.0001", Kind::text, "least difficulty"},
      {"difficulty.max", "2147450880", Kind::text, "largest difficulty"},
      {"vardiff.shares_per_minute", "20", Kind::integer, "shares that a connection should send; 0: fixed difficulty", false, 0, 600},
      {"stale.grace_ms", "2000", Kind::integer, "how long after a new tip shares for the one before count", false, 0, 60'000},
      {"limits.workers", "100000", Kind::integer, "most workers in the statistics; those longest away are forgotten first", false, 1, 10'000'000},
      {"limits.connections", "10000", Kind::integer, "most connections", false, 1, 1'000'000},
      {"limits.per_address", "2500", Kind::integer, "most connections of one address; 0: no limit", false, 0, 1'000'000},
      {"limits.new_per_minute", "3000", Kind::integer, "new connections of one address in a minute; 0: no limit", false, 0, 10'000'000},
      {"limits.messages_per_minute", "12000", Kind::integer, "lines of one connection in a minute; 0: no limit", false, 0, 10'000'000},
      {"limits.unfinished_line_seconds", "30", Kind::integer, "a line that was begun must end within this; 0: no limit", false, 0, 3'600},
      {"limits.idle_seconds", "600", Kind::integer, "a silent connection is closed after this long", false, 1, 86'400},
      {"limits.login_seconds", "30", Kind::integer, "a connection that has not authorized is closed after this long", false, 1, 3'600},
      {"ban.offences", "60", Kind::integer, "offences within ten minutes for which an address is banned; 0: never", false, 0, 1'000'000},
      {"ban.seconds", "600", Kind::integer, "how long at first, twice as long each further time; 0: never", false, 0, 31'536'000},
      {"allow", "127.0.0.0/8,::1", Kind::list, "addresses and ranges that are neither limited nor banned"},
  };
}

Options read_options(const Settings& s) {
  Options o;
  const auto network = bitcoin::network_from_name(s.required("chain"));
  if (!network) refuse(s, "chain", "is none of main, testnet4, signet, regtest, dev");
  o.pool.chain = *network;
  o.treasury_address = s.required("treasury");
  const auto treasury = bitcoin::script_from_address(o.treasury_address, *network);
  if (!treasury) refuse(s, "treasury", treasury.reason);
  o.treasury_script = treasury.script;
  o.pool_tag = s.text("pool_tag");
  if (o.pool_tag.size() > 40) refuse(s, "pool_tag", "is longer than 40 bytes");
  if (s.text("sync") != "group" && s.text("sync") != "always") refuse(s, "sync", "is neither group nor always");
  o.sync_always = s.text("sync") == "always";
  o.spool = s.text("spool");
  if (o.sync_always && o.spool.empty()) refuse(s, "sync", "needs a spool");
  o.store_limits = {static_cast<uint64_t>(s.integer("spool_limit_kib")) << 10, static_cast<uint64_t>(s.integer("spool_reserve_mib")) << 20};
  o.control = s.text("control");
  o.http = s.text("http");
  o.ckpool_folder = s.text("ckpool_folder");
  o.miners_file = s.text("miners");
  o.wait = s.boolean("wait");
  o.most_connections = static_cast<size_t>(s.integer("limits.connections"));
  read_coinbase(s, o);
  read_pool(s, o);
  read_nodes(s, o);
  read_templates(s, o);
  return o;
}

bool is_reloaded(std::string_view key) {
  return std::any_of(reloaded.begin(), reloaded.end(), [&](std::string_view name) { return name.ends_with('.') ? key.starts_with(name) : key == name; });
}

}  // namespace hh::pool

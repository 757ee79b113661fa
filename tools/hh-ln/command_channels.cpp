// Looking at channels and changing them. What costs money or opens doors is said first, in a record with "state":"planned"; it is then done only with --yes,
// or where a person at a terminal says so. Each change leaves a row in the journal's audit before it is made. Where `hh-ln serve` has the journal,
// the command line plans and asks, and the service carries out what was agreed to.
#include "command_channels.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "backends/lnd.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/table.h"
#include "base/terminal.h"
#include "channels/cln_channels.h"
#include "channels/lnd_channels.h"
#include "channels/rebalance.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "writing.h"

namespace hh::ln {
namespace {

using json::Json;

// Sizes in vbytes of what lnd makes, with one input and taproot outputs: an opening with change, and a close by both.
constexpr int64_t opening_vbytes = 170, closing_vbytes = 195;
constexpr int64_t fee_days = 30;

struct Options {
  std::string peer, channel, from, to, reason;
  int64_t sat = 0, sat_per_vbyte = 0, fee_ppm = -1, base_fee_msat = -1, cltv_delta = -1, max_fee_ppm = -1;
  bool json = false, dry_run = false, yes = false, force = false, is_private = false, all = false;
  std::function<int(const Options&)> carry_out;  // empty: it is being carried out now

  Json to_json() const {
    return {{"peer", peer}, {"channel", channel}, {"from", from}, {"to", to}, {"reason", reason}, {"sat", sat}, {"sat_per_vbyte", sat_per_vbyte}, {"fee_ppm", fee_ppm}, {"base_fee_msat", base_fee_msat},
            {"cltv_delta", cltv_delta}, {"max_fee_ppm", max_fee_ppm}, {"force", force}, {"private", is_private}, {"all", all}};
  }
  static Options from_json(const Json& value) {
    const json::Fields f(value);
    Options o;
    o.peer = f.text("peer"), o.channel = f.text("channel"), o.from = f.text("from"), o.to = f.text("to"), o.reason = f.text("reason");
    o.sat = f.integer("sat", -1), o.sat_per_vbyte = f.integer("sat_per_vbyte", -1), o.fee_ppm = f.integer("fee_ppm", -1), o.base_fee_msat = f.integer("base_fee_msat", -1);
    o.cltv_delta = f.integer("cltv_delta", -1), o.max_fee_ppm = f.integer("max_fee_ppm", -1);
    o.force = f.boolean("force"), o.is_private = f.boolean("private"), o.all = f.boolean("all");
    return o;
  }
};

Sat cost_of(int64_t vbytes, int64_t sat_per_vbyte) { return Sat(vbytes) * sat_per_vbyte; }

Json action(const char* what, const Identity& identity) {
  Json r = json::make_record("channel_action");
  r["node"] = identity.node;
  r["action"] = what;
  return r;
}

void print_done(Json record) {
  record["state"] = "done";
  json::print(record);
}

void print_plan(const Options& o, Json record) {
  if (!o.carry_out) return;  // said already, when it was agreed to
  record["state"] = "planned";
  json::print(record);
}

// Not after --dry-run, and else only with consent.
bool is_agreed(const Options& o) {
  if (o.dry_run) return false;
  if (o.yes) return true;
  if (!::isatty(STDIN_FILENO) || !stderr_is_terminal()) throw Error(Exit::usage, "this changes channels: look with --dry-run, and give --yes");
  std::cerr << "Do it? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

// nullopt: it is being carried out now; else it was planned, and this is the exit code.
std::optional<int> planned(const Options& o) {
  if (!o.carry_out) return {};
  return is_agreed(o) ? o.carry_out(o) : 0;
}

// Channels come before the first manifest: where there is no journal yet, this makes it.
struct OpenJournal {
  explicit OpenJournal(const Settings& s) : lock(lock_of(s)), journal(s.required("db"), true, journal_key(s)) {}
  static std::optional<store::WriterLock> lock_of(const Settings& s) {
    if (Writing::lock_is_held) return {};
    return std::optional<store::WriterLock>(std::in_place, s.required("db"), s.integer("lock_wait_seconds") * 1000);
  }
  std::optional<store::WriterLock> lock;
  Journal journal;
};

void note(OpenJournal& w, const char* what, const std::string& about, const Options& o) {
  w.journal.decide({.action = what, .manifest_id = {}, .line = {}, .hash = {}, .reason = o.reason.empty() ? about : about + ": " + o.reason}, [] { return true; });
}

Json record_of(const Channel& c, const Identity& identity, Msat earned) {
  Json r = json::make_record("channel");
  r["node"] = identity.node;
  if (!c.id.empty()) r["channel"] = c.id;
  r["channel_point"] = c.point;
  r["peer"] = c.peer;
  r["state"] = c.state;
  if (c.is_private) r["private"] = true;
  r["capacity_sat"] = c.capacity.count();
  r["local_sat"] = c.local.count();
  r["remote_sat"] = c.remote.count();
  r["outbound_percent"] = c.capacity.is_zero() ? 0 : c.local.count() * 100 / c.capacity.count();
  r["inbound_percent"] = c.capacity.is_zero() ? 0 : c.remote.count() * 100 / c.capacity.count();
  r["fees_earned_msat"] = earned.count();
  return r;
}

Json record_of(const Liquidity& l, const Identity& identity, const LiquidityPolicy& policy) {
  Json r = json::make_record("liquidity");
  r["node"] = identity.node;
  r["channels"] = l.channels;
  r["active"] = l.active;
  r["capacity_sat"] = l.capacity.count();
  r["local_sat"] = l.local.count();
  r["remote_sat"] = l.remote.count();
  r["outbound_percent"] = l.outbound_percent();
  r["inbound_percent"] = l.inbound_percent();
  r["onchain_confirmed_sat"] = l.confirmed.count();
  r["reserve_sat"] = policy.reserve.count();
  r["alarms"] = l.alarms;
  r["time_ms"] = system_clock().unix_ms();
  return r;
}

void print_table(const std::vector<Channel>& channels, const std::map<std::string, Msat>& earned, const Liquidity& l) {
  std::string out = fmt::format("{:<20} {:<14} {:<9} {:>13} {:>13} {:>13} {:>4} {:>4} {:>11}\n", "CHANNEL", "PEER", "STATE", "CAPACITY", "LOCAL", "REMOTE", "OUT%", "IN%", "FEES MSAT");
  for (const Channel& c : channels) {
    const auto fee = earned.find(c.id);
    const int64_t capacity = std::max<int64_t>(c.capacity.count(), 1);
    out += fmt::format("{:<20} {:<14} {:<9} {:>13} {:>13} {:>13} {:>4} {:>4} {:>11}\n", c.id.empty() ? "-" : c.id, c.peer.substr(0, 12) + "…", c.state, c.capacity.count(), c.local.count(), c.remote.count(),
                       c.local.count() * 100 / capacity, c.remote.count() * 100 / capacity, fee == earned.end() ? 0 : fee->second.count());
  }
  out += fmt::format("{} of {} channels active; outbound {} %, inbound {} %; {} sat on chain{}{}", l.active, l.channels, l.outbound_percent(), l.inbound_percent(), l.confirmed.count(),
                     l.alarms.empty() ? "" : "; ALARM: ", fmt::join(l.alarms, ", "));
  json::print_line(out);
}

int channels_command(const Settings& s, const Options& o) {
  const auto node = make_channel_node(s);
  const Identity identity = node->payer().identify();
  const auto channels = node->channels();
  const auto fees = node->fees_earned(system_clock().unix_seconds() - fee_days * 86'400);
  const std::map<std::string, Msat> earned(fees.begin(), fees.end());
  const LiquidityPolicy policy = liquidity_policy(s);
  const Liquidity l = liquidity_of(channels, node->confirmed_balance(), policy);
  if (!o.json) return print_table(channels, earned, l), 0;
  for (const Channel& c : channels) json::print(record_of(c, identity, earned.contains(c.id) ? earned.at(c.id) : Msat(0)));
  json::print(record_of(l, identity, policy));
  return 0;
}

PeerAddress peer_of(const std::string& text) {
  const size_t at = text.find('@');
  const PeerAddress peer{text.substr(0, at), at == std::string::npos ? "" : text.substr(at + 1)};
  if (!lightning::parse_node_key(peer.key)) throw Error(Exit::usage, "a peer is written KEY@HOST:PORT, or KEY where the node is connected to it");
  return peer;
}

int64_t fee_rate(ChannelNode& node, const Options& o) { return o.sat_per_vbyte > 0 ? o.sat_per_vbyte : node.chain_fee_sat_per_vbyte(); }

int open_command(const Settings& s, Options o) {
  const PeerAddress peer = peer_of(o.peer);
  const Sat amount(o.sat), reserve = liquidity_policy(s).reserve;
  const auto node = make_channel_node(s);
  const Identity identity = node->payer().identify();
  const int64_t rate = o.sat_per_vbyte = fee_rate(*node, o);
  const Sat cost = cost_of(opening_vbytes, rate), left = node->confirmed_balance() - amount - cost;
  if (left < reserve)
    throw Error(Exit::data, fmt::format("not opened: {} sat would be left on chain, and {} are kept there for emergencies (channels.reserve_sat)", left.count(), reserve.count()));
  Json record = action("open", identity);
  record["peer"] = peer.key;
  record["amount_sat"] = amount.count();
  if (o.is_private) record["private"] = true;
  record["sat_per_vbyte"] = rate;
  record["cost_sat"] = cost.count();
  record["left_sat"] = left.count();
  print_plan(o, record);
  if (const auto code = planned(o)) return *code;
  OpenJournal w(s);
  note(w, "open", fmt::format("a channel of {} sat with {}", amount.count(), peer.key), o);
  if (!peer.host.empty()) node->connect(peer);
  record["channel_point"] = node->open(peer.key, amount, rate, o.is_private);
  print_done(record);
  return 0;
}

int close_command(const Settings& s, Options o) {
  const auto node = make_channel_node(s);
  const Identity identity = node->payer().identify();
  const Channel c = find_open(node->channels(), o.channel);
  const int64_t rate = o.sat_per_vbyte = fee_rate(*node, o);
  Json record = action("close", identity);
  record["peer"] = c.peer;
  record["channel_point"] = c.point;
  record["amount_sat"] = c.local.count();
  if (o.force) record["force"] = true;
  record["sat_per_vbyte"] = rate;
  record["cost_sat"] = cost_of(closing_vbytes, rate).count();
  print_plan(o, record);
  if (!o.force && !c.is_active()) throw Error(Exit::unavailable, "not closed: the peer is offline. A close without it (--force) locks our side for days and costs more");
  if (const auto code = planned(o)) return *code;
  OpenJournal w(s);
  note(w, "close", fmt::format("channel {} with {}{}", c.point, c.peer, o.force ? ", by force" : ""), o);
  node->close(c, o.force, rate);
  print_done(record);
  return 0;
}

int policy_command(const Settings& s, Options o) {
  if (o.channel.empty() == !o.all) throw Error(Exit::usage, "policy needs either a channel or --all");
  if (o.base_fee_msat < 0 && o.fee_ppm < 0 && o.cltv_delta < 0) throw Error(Exit::usage, "policy needs at least one of --base-fee-msat, --fee-ppm and --cltv-delta");
  const auto node = make_channel_node(s);
  const Identity identity = node->payer().identify();
  std::vector<Channel> chosen = node->channels();
  if (!o.all) chosen = {find_open(chosen, o.channel)};
  std::erase_if(chosen, [](const Channel& c) { return !c.is_open(); });
  std::vector<std::pair<Channel, Policy>> changes;
  std::vector<Json> records;
  for (const Channel& c : chosen) {
    const Policy old = node->policy(c);
    const Policy wanted{o.base_fee_msat < 0 ? old.base_fee_msat : o.base_fee_msat, o.fee_ppm < 0 ? old.fee_ppm : o.fee_ppm, o.cltv_delta < 0 ? old.cltv_delta : o.cltv_delta};
    if (wanted == old) continue;
    Json record = action("policy", identity);
    record["peer"] = c.peer;
    record["channel_point"] = c.point;
    record["base_fee_msat"] = wanted.base_fee_msat, record["fee_ppm"] = wanted.fee_ppm, record["cltv_delta"] = wanted.cltv_delta;
    record["old"] = {{"base_fee_msat", old.base_fee_msat}, {"fee_ppm", old.fee_ppm}, {"cltv_delta", old.cltv_delta}};
    print_plan(o, record);
    changes.emplace_back(c, wanted), records.push_back(record);
  }
  if (changes.empty()) return 0;
  if (const auto code = planned(o)) return *code;
  OpenJournal w(s);
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& [c, p] = changes[i];
    note(w, "policy", fmt::format("channel {}: {} msat + {} ppm, CLTV delta {}", c.point, p.base_fee_msat, p.fee_ppm, p.cltv_delta), o);
    node->set_policy(c, p);
    print_done(records[i]);
  }
  return 0;
}

int rebalance_command(const Settings& s, Options o) {
  const auto node = make_channel_node(s);
  const Identity identity = node->payer().identify();
  if (o.from.empty() != o.to.empty() || (!o.from.empty() && o.sat == 0)) throw Error(Exit::usage, "rebalance needs --from, --to and --sat together, or chooses all of it itself");
  const RebalancePlan plan = plan_wanted(node->channels(), o.from, o.to, Sat(o.sat));
  const int64_t ppm = o.max_fee_ppm < 0 ? s.integer("channels.rebalance_fee_ppm") : o.max_fee_ppm;
  o.from = plan.from.id, o.to = plan.to.id, o.sat = plan.amount.count(), o.max_fee_ppm = ppm;
  const Msat limit = millionths_of(plan.amount, ppm);
  if (o.carry_out) json::print(record_of(Rebalance{.hash = {}, .node = identity.node, .out_channel = plan.from.id, .in_channel = plan.to.id, .amount = to_msat(plan.amount), .fee_limit = limit, .state = "PLANNED", .created_ms = system_clock().unix_ms()}, true));
  if (const auto code = planned(o)) return *code;
  OpenJournal w(s);
  note(w, "rebalance", fmt::format("{} sat from channel {} to {} for at most {} msat", plan.amount.count(), plan.from.id, plan.to.id, limit.count()), o);
  const Rebalance done = Rebalancer(w.journal, *node, identity, system_clock()).run(plan, limit);
  json::print(record_of(done, true));
  return done.state == "PAID" ? 0 : done.state == "FAILED" ? 1 : static_cast<int>(Exit::temp_fail);
}

void add_consent(CLI::App* sub, Options& o) {
  sub->add_flag("--dry-run", o.dry_run, "say what would be done and what it costs; change nothing");
  sub->add_flag("--yes", o.yes, "do it without asking");
  sub->add_option("--reason", o.reason, "for the record");
}

}  // namespace

std::function<std::unique_ptr<ChannelNode>()> channel_node_maker(const Settings& s) {
  const std::string& name = s.text("backend");
  if (name == "lnd") {
    const char* macaroon = s.is_set("channels.macaroon") ? "channels.macaroon" : "lnd.macaroon";
    const LndConfig config{.url = s.required("lnd.url"), .macaroon = macaroon_in_hex(load_secret_bytes(s.required(macaroon), macaroon)), .tls_cert = s.text("lnd.tls_cert"),
                           .timeout_seconds = s.integer("timeout_seconds"), .max_parts = s.integer("max_parts")};
    return [config] { return std::make_unique<LndChannels>(config); };
  }
  if (name == "cln") {
    const ClnConfig config{.url = s.required("cln.url"), .rune = rune_of(load_secret(s.required("cln.rune"), "cln.rune")), .tls_ca = s.text("cln.tls_ca"), .timeout_seconds = s.integer("timeout_seconds")};
    return [config] { return std::make_unique<ClnChannels>(config); };
  }
  throw Error(Exit::config, fmt::format("backend: \"{}\" has no channels", name));
}

std::unique_ptr<ChannelNode> make_channel_node(const Settings& s) { return channel_node_maker(s)(); }

LiquidityPolicy liquidity_policy(const Settings& s) {
  return {.outbound_percent = s.integer("channels.outbound_percent"), .inbound_percent = s.integer("channels.inbound_percent"), .reserve = Sat(s.integer("channels.reserve_sat"))};
}

void add_channel_commands(const Settings& s, Writers& writers, const AddCommand& add) {
  static Options o;
  add("channels", "show the node's channels and what they can carry", [&s] { return channels_command(s, o); })->add_flag("--json", o.json, "records instead of a table");
  const auto change = [&](const char* name, const char* help, int (*body)(const Settings&, Options)) {
    writers[name] = [&s, body](const Json& options) { return body(s, Options::from_json(options)); };
    CLI::App* sub = add(name, help, [&s, &writers, name, body] {
      o.carry_out = [&s, &writers, name](const Options& agreed) { return write_command(s, name, agreed.to_json(), writers); };
      return body(s, o);
    });
    add_consent(sub, o);
    return sub;
  };
  CLI::App* open = change("open", "open a channel", open_command);
  open->add_option("PEER", o.peer, "KEY@HOST:PORT, or KEY of a peer that is connected")->required();
  open->add_option("SAT", o.sat, "its capacity, all of it ours at first")->required()->check(CLI::Range(int64_t{20'000}, max_money.count()));
  open->add_flag("--private", o.is_private, "do not announce it");
  CLI::App* close = change("close", "close a channel", close_command);
  close->add_option("CHANNEL", o.channel, "its number, or TXID:INDEX")->required();
  close->add_flag("--force", o.force, "without the peer");
  for (CLI::App* sub : {open, close}) sub->add_option("--sat-per-vbyte", o.sat_per_vbyte, "fee of the transaction (default: what the node estimates for 6 blocks)")->check(CLI::Range(int64_t{1}, int64_t{10'000}));
  CLI::App* rebalance = change("rebalance", "move balance from one channel to another by paying ourselves", rebalance_command);
  rebalance->add_option("--from", o.from, "channel that it leaves by (default: the fullest)");
  rebalance->add_option("--to", o.to, "channel that it comes in by (default: the emptiest)");
  rebalance->add_option("--sat", o.sat, "how much (default: up to the middle of both)")->check(CLI::Range(int64_t{1}, max_money.count()));
  rebalance->add_option("--max-fee-ppm", o.max_fee_ppm, "most that it may cost (default: channels.rebalance_fee_ppm)")->check(CLI::Range(int64_t{0}, int64_t{1'000'000}));
  CLI::App* policy = change("policy", "change what forwarding through a channel costs", policy_command);
  policy->add_option("CHANNEL", o.channel, "its number, or TXID:INDEX");
  policy->add_flag("--all", o.all, "every open channel");
  policy->add_option("--base-fee-msat", o.base_fee_msat, "fee of each forward")->check(CLI::Range(int64_t{0}, int64_t{10'000'000}));
  policy->add_option("--fee-ppm", o.fee_ppm, "and in millionths of its amount")->check(CLI::Range(int64_t{0}, int64_t{1'000'000}));
  policy->add_option("--cltv-delta", o.cltv_delta, "blocks between the two sides of a forward")->check(CLI::Range(int64_t{18}, int64_t{2016}));
}

}  // namespace hh::ln

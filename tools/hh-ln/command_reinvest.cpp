#include "command_reinvest.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/table.h"
#include "command_channels.h"
#include "crypto/random.h"
#include "json/fields.h"
#include "json/lines.h"
#include "payout/manifest.h"
#include "reinvest/withdraw.h"
#include "writing.h"

namespace hh::ln {
namespace {

using json::Json;

constexpr int64_t day_seconds = 86'400, day_ms = day_seconds * 1000;
constexpr size_t max_input = 16u << 20;

struct Options {
  std::string file = "-", with;
  int64_t days = 7;
  std::string made;
  bool json = false, all = false, now = false;
};

// Orders come before the first manifest: where there is no journal yet, this makes it.
struct OpenJournal {
  explicit OpenJournal(const Settings& s) : lock(lock_of(s)), journal(s.required("db"), true, journal_key(s)) {}
  static std::optional<store::WriterLock> lock_of(const Settings& s) {
    if (Writing::lock_is_held) return {};
    return std::optional<store::WriterLock>(std::in_place, s.required("db"), s.integer("lock_wait_seconds") * 1000);
  }
  std::optional<store::WriterLock> lock;
  Journal journal;
};

crypto::KeySet treasurers(const Settings& s) {
  s.required("reinvest.key");
  crypto::KeySet keys;
  for (const std::string& key : s.list("reinvest.key")) keys.add(std::filesystem::exists(key) ? crypto::VerifyKey::load(key) : crypto::VerifyKey::parse(key, "reinvest.key"));
  return keys;
}

int sign_command(const Options& o) {
  if (o.with.empty()) throw Error(Exit::usage, "sign needs --with: the secret with the private key, as `hh-payout keygen` writes it");
  const Order order = order_from_json(json::parse(read_file(o.file, max_order_line)));
  const int64_t now = system_clock().unix_seconds();
  json::print(sign_order(order, crypto::SigningKey::load(o.with, "--with"), now, now + o.days * day_seconds, crypto::ulid(system_clock(), crypto::system_random())));
  return 0;
}

Json record_of(const SignedOrder& s) {
  Json r = json::make_record("reinvest_order");
  r["kind"] = kind_of(s.order);
  if (const std::string node = node_of(s.order); !node.empty()) r["node"] = node;
  r["sequence"] = sequence_of(s.order);
  r["signed_by"] = s.parsed.header.kid;
  r["signed_at"] = s.parsed.header.iat;
  r["order"] = to_json(s.order);
  r["jws"] = s.jws;
  return r;
}

// All lines are read and checked before the first is accepted, and all are accepted or none.
int accept_command(const Settings& s, const std::string& text) {
  std::vector<SignedOrder> orders;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) orders.push_back(read_signed_order(line));
    at = end + 1;
  }
  if (orders.empty()) throw Error(Exit::data, "there is no order to accept: the input is empty");
  const auto keys = treasurers(s);
  OpenJournal w(s);
  ReinvestBook book(w.journal);
  std::vector<Json> records;
  Journal::Work work(w.journal);
  for (const SignedOrder& order : orders) {
    const bool accepted = book.accept(order, keys, s.text("chain"));
    Json r = record_of(order);
    r["result"] = accepted ? "accepted" : "already";
    records.push_back(std::move(r));
  }
  work.commit();
  for (const Json& r : records) json::print(r);
  return 0;
}

int history_command(const Settings& s) {
  std::optional<crypto::KeySet> keys;
  if (s.is_set("reinvest.key")) keys = treasurers(s);
  Journal journal(s.required("db"), false, journal_key(s));
  ReinvestBook(journal).each_order(keys ? &*keys : nullptr, [&](const KeptOrder& kept) {
    Json r = record_of(kept.signed_order);
    r["accepted_ms"] = kept.accepted_ms;
    r["accepted_by"] = kept.accepted_by;
    r["verified"] = keys.has_value();
    json::print(r);
  });
  return 0;
}

Json status_record(ReinvestBook& book, const std::optional<ReinvestPolicy>& policy) {
  const auto t = book.totals();
  Json r = json::make_record("reinvest_status");
  if (policy) r["policy"] = to_json(*policy);
  r["sweeps"] = t.sweeps;
  r["earned_msat"] = t.earned.count(), r["reserve_msat"] = t.reserve.count(), r["unswept_msat"] = t.unswept.count();
  r["missing_forwards"] = t.missing;
  return r;
}

int show_command(const Settings& s, bool as_json) {
  Journal journal(s.required("db"), false, journal_key(s));
  ReinvestBook book(journal);
  const auto policy = book.policy();
  auto yields = book.yields();
  if (policy)
    for (const PolicyNode& n : policy->nodes) yields[n.node];
  if (as_json) json::print(status_record(book, policy));
  Table table({"node", ">weight", ">reinvest ppm", ">withdrawable msat"});
  for (const auto& [name, withdrawable] : yields) {
    const PolicyNode* n = policy ? policy->find(name) : nullptr;
    const auto preferred = book.preference(name);
    Json r = json::make_record("yield");
    r["node"] = name;
    if (n) r["weight"] = n->weight, r["reinvest_ppm"] = policy->applied_ppm(preferred);
    if (preferred) r["preferred_ppm"] = *preferred;
    r["withdrawable_msat"] = withdrawable.count();
    if (as_json) json::print(r);
    table.add({name, n ? std::to_string(n->weight) : "-", n ? std::to_string(policy->applied_ppm(preferred)) : "-", std::to_string(withdrawable.count())});
  }
  if (as_json) return 0;
  const auto t = book.totals();
  write_all(STDOUT_FILENO, fmt::format("policy {}; earned {} msat in {} sweeps, {} reinvested; {} msat not swept yet\n", policy ? std::to_string(policy->sequence) : "none", t.earned.count(), t.sweeps, t.reserve.count(), t.unswept.count()) + table.text(), "standard output");
  return 0;
}

int requests_command(const Settings& s, bool as_json) {
  Journal journal(s.required("db"), false, journal_key(s));
  ReinvestBook book(journal);
  Table table({"node", ">order", "state", ">asked msat", ">ordered msat", ">paid msat"});
  for (const Withdrawal& w : Withdrawals(journal, book).all()) {
    Json r = json::make_record("withdrawal");
    r["node"] = w.node, r["sequence"] = w.sequence, r["state"] = w.state();
    r["amount_msat"] = w.amount.count(), r["ordered_msat"] = w.ordered.count(), r["paid_msat"] = w.paid.count();
    r["manifests"] = w.manifests;
    if (as_json) json::print(r);
    table.add({w.node, std::to_string(w.sequence), w.state(), std::to_string(w.amount.count()), std::to_string(w.ordered.count()), std::to_string(w.paid.count())});
  }
  if (!as_json) write_all(STDOUT_FILENO, table.text(), "standard output");
  return 0;
}

struct Listing {
  Identity identity;
  std::vector<Forward> forwards;
  int64_t since = 0;
};

// The simulated wallet forwards nothing: what it is to have forwarded stands in a file, as `lncli fwdinghistory` prints it.
Listing list_forwards(const Settings& s, ReinvestBook& book) {
  Listing l;
  if (s.text("backend") == "sim") {
    l.identity = make_backend(s)->identify();
    l.since = book.since(l.identity.node);
    l.forwards = read_forwards(read_file(s.required("sim.forwards"), max_input)).forwards;
    return l;
  }
  const auto node = make_channel_node(s);
  l.identity = node->payer().identify();
  l.since = book.since(l.identity.node);
  node->each_forward(l.since, [&](const Forward& f) { l.forwards.push_back(f); });
  return l;
}

// made: fee_sweep records that the journal had before it was restored from an older copy, or "".
int sweep_command(const Settings& s, bool all, bool now, const std::string& made) {
  std::vector<payout::FeeSweep> again;
  for (size_t at = 0; at < made.size();) {
    const size_t end = std::min(made.find('\n', at), made.size());
    if (end > at) again.push_back(payout::sweep_from_record(json::parse(std::string_view(made).substr(at, end - at))));
    at = end + 1;
  }
  OpenJournal w(s);
  ReinvestBook book(w.journal);
  book.require_policy();
  const Listing l = list_forwards(s, book);
  const auto missing = book.take_in(l.identity.node, l.since, l.forwards);
  for (const int64_t timestamp : missing)
    log::error("forward_missing", {{"node", l.identity.node}, {"timestamp_ns", std::to_string(timestamp)},
                                   {"why", "the node listed this forward before and does not any more: its history was erased, or it was restored from a backup. What is missing was counted and is not counted again; "
                                           "what was erased before it was read is not known here"}});
  Journal::Work work(w.journal);
  for (const payout::FeeSweep& sweep : again) book.make_again(l.identity, sweep);
  work.commit();
  const int64_t ms = system_clock().unix_ms();
  const auto swept = book.sweep(l.identity, now ? ms : ms - ms % day_ms);
  if (all)
    book.each_sweep([](const Json& record) { json::print(record); });
  else if (swept)
    json::print(payout::to_record(*swept));
  return missing.empty() ? 0 : 1;
}

int pay_command(const Settings& s) {
  OpenJournal w(s);
  ReinvestBook book(w.journal);
  const auto batch = Withdrawals(w.journal, book).next_batch(*make_backend(s));
  if (!batch) {
    log::info("no_withdrawal", {{"why", "no order can be paid now: nothing is queued, or the policy's caps, what nodes are owed or the reserve leave nothing"}});
    return 0;
  }
  const std::string records = payout::to_records(*batch);
  json::print_line(std::string_view(records).substr(0, records.size() - 1));
  return 0;
}

}  // namespace

std::vector<Setting> reinvest_settings() {
  return {{"reinvest.key", "", Kind::list, "public keys of the treasurer, which may sign orders about what forwarding earns: base64url or files"},
          {"sim.forwards", "", Kind::text, "what the simulated wallet has forwarded: a file as `lncli fwdinghistory` prints it"}};
}

void add_reinvest_commands(CLI::App& app, Settings& settings, Writers& writers, std::function<int()>& chosen) {
  static Options o;
  CLI::App* reinvest = app.add_subcommand("reinvest", "what forwarding earns: policy, sweeps, withdrawals");
  reinvest->require_subcommand(1);
  const auto command = [&](const char* name, const char* help, std::function<int()> body) {
    CLI::App* sub = reinvest->add_subcommand(name, help);
    settings.add_flags(*sub);
    sub->callback([&chosen, body] { chosen = body; });
    return sub;
  };
  // Runs in the service where that has the journal. options: what it needs, made when it runs.
  const auto write = [&](const char* name, const char* help, std::function<Json()> options, std::function<int(const json::Fields&)> body) {
    const std::string key = std::string("reinvest_") + name;
    writers[key] = [body](const Json& given) { return body(json::Fields(given)); };
    return command(name, help, [&settings, &writers, key, options] { return write_command(settings, key, options(), writers); });
  };
  CLI::App* sign = command("sign", "sign an order", [] { return sign_command(o); });
  sign->add_option("FILE", o.file, "with the order; - is standard input")->capture_default_str();
  sign->add_option("--with", o.with, "secret: file, credential:NAME or exec:COMMAND with the private key, PEM");
  sign->add_option("--days", o.days, "until when it can be accepted")->capture_default_str()->check(CLI::Range(1, 366));
  write("accept", "take signed orders", [] { return Json{{"text", read_file(o.file, max_input)}}; }, [&settings](const json::Fields& f) { return accept_command(settings, f.text("text", max_input)); })
      ->add_option("FILE", o.file, "with signed orders, one a line; - is standard input")
      ->capture_default_str();
  command("show", "show the policy in force, and what nodes may withdraw", [&settings] { return show_command(settings, o.json); })->add_flag("--json", o.json, "records instead of a table");
  command("history", "print all orders that were ever accepted, with their signatures", [&settings] { return history_command(settings); });
  CLI::App* sweep = write("sweep", "divide what forwarding has earned up to yesterday", [] { return Json{{"all", o.all}, {"now", o.now}, {"made", o.made.empty() ? "" : read_file(o.made, max_input)}}; },
                          [&settings](const json::Fields& f) { return sweep_command(settings, f.boolean("all"), f.boolean("now"), f.text("made", max_input)); });
  sweep->add_flag("--all", o.all, "print all sweeps there are, not only a new one");
  sweep->add_flag("--now", o.now, "up to now, as before a change of the policy");
  sweep->add_option("--again", o.made, "file with the sweeps that were made since the backup that the journal was restored from");
  command("requests", "show the queue of withdrawals", [&settings] { return requests_command(settings, o.json); })->add_flag("--json", o.json, "records instead of a table");
  write("pay", "print the payout of what can be withdrawn now, to be signed and paid", [] { return Json::object(); }, [&settings](const json::Fields&) { return pay_command(settings); });
}

}  // namespace hh::ln

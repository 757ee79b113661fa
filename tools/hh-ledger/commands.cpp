#include "commands.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "append.h"
#include "audit.h"
#include "base/daemon.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "export.h"
#include "json/fields.h"
#include "json/lines.h"
#include "miners.h"
#include "payout/manifest.h"
#include "post.h"
#include "rounds.h"
#include "schema.h"
#include "verify.h"
#include "watch.h"

namespace hh::ledger {
namespace {

// A file of keys, or keys as base64url text; several are how keys are rotated.
crypto::KeySet trusted_keys(const Settings& s) {
  s.required("key");
  const auto items = s.list("key");
  if (items.size() == 1 && std::filesystem::exists(items[0])) return crypto::KeySet::load(items[0]);
  crypto::KeySet keys;
  for (const std::string& item : items) keys.add(std::filesystem::exists(item) ? crypto::VerifyKey::load(item) : crypto::VerifyKey::parse(item, "--key"));
  return keys;
}

// Collects lines and writes them in large pieces.
class Out {
 public:
  void operator()(std::string_view line) {
    buffer_ += line;
    if (buffer_.size() >= 1u << 18) flush();
  }
  void flush() {
    write_all(STDOUT_FILENO, buffer_, "standard output");
    buffer_.clear();
  }

 private:
  std::string buffer_;
};

http::BitcoinRpc make_rpc(Ledger& ledger, const Settings& s) {
  http::BitcoinRpcConfig c;
  const auto chain = ledger.chain();
  const auto network = chain ? chain->network : bitcoin::Network::main;
  c.chain = network == bitcoin::Network::dev ? "regtest" : bitcoin::network_name(network);
  c.url = s.text("rpc.url"), c.datadir = s.text("rpc.datadir"), c.cookie_file = s.text("rpc.cookie_file");
  c.user = s.text("rpc.user"), c.password = s.text("rpc.password");
  return http::BitcoinRpc(c);
}

// Which bitcoind to ask, by its usual port and cookie, follows from the chain of the first job. False: there is none, and no block to ask for.
bool wait_for_chain(Ledger& ledger, bool once) {
  log::info("no_job_yet", {{"database", ledger.path()}, {"message", once ? "nothing to watch" : "waiting for the first job to know the chain"}});
  if (once) return false;
  notify_service_manager("READY=1");
  while (!ledger.chain() && !stop_requested()) ledger.clock().sleep_ms(200);
  return !stop_requested();
}

}  // namespace

RoundRules rules_of(const Settings& s) {
  const auto scheme = records::scheme_from_name(s.text("scheme"));
  if (!scheme) throw Error(Exit::config, fmt::format("scheme ({}): \"{}\" is neither prop nor pplns", s.origin("scheme"), s.text("scheme")));
  return {*scheme, s.integer("pplns_factor")};
}

int append_command(const Options& o, const Settings& s) {
  install_signal_flags();
  if (o.once && o.follow.empty()) throw Error(Exit::usage, "--once goes with --follow: standard input ends by itself");
  Ledger ledger(s.required("db"), Access::create);
  AppendOptions a;
  a.follow = o.follow.empty() ? "" : std::filesystem::absolute(o.follow).lexically_normal().string();
  a.once = o.once, a.skip_bad = o.skip_bad, a.allow_gaps = o.allow_gaps, a.report_commits = o.progress;
  a.commit_ms = static_cast<int>(s.integer("commit_ms"));
  append(ledger, a);
  return 0;
}

int close_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::write);
  if (o.cycle) {
    json::print_line(records::cycle_line(close_cycle(ledger, *o.cycle)));
    return 0;
  }
  const auto round = o.round ? o.round : next_to_close(ledger);
  if (!round) throw Error(Exit::temp_fail, "no round waits to be closed");
  warn_of_alarm(ledger, *round);
  json::print_line(records::round_line(close_round(ledger, *round, rules_of(s))));
  return 0;
}

int post_command(const Options& o, const Settings& s) {
  const auto keys = trusted_keys(s);
  Ledger ledger(s.required("db"), Access::write);
  const FileHandle file = o.input == "-" ? FileHandle() : open_file(o.input, O_RDONLY);
  json::LineReader reader(file ? file.get() : STDIN_FILENO, o.input == "-" ? "standard input" : o.input, payout::max_manifest_line);
  std::string_view line;
  uint64_t lines = 0;
  for (; reader.next(line); ++lines) {
    try {
      json::print(post_line(ledger, keys, line));
    } catch (const Error& e) {
      throw e.in(reader.where());
    }
  }
  if (lines == 0) throw Error(Exit::data, "nothing to post: the input is empty");
  return 0;
}

int miner_set_command(const Options& o, const Settings& s) {
  if (!o.address && !o.destination) throw Error(Exit::usage, "nothing to set: give --address, --destination or both");
  Ledger ledger(s.required("db"), Access::create);
  MinerChange c{o.miner, o.address, {}, o.destination, o.chain};
  if (!o.kind.empty()) c.kind = o.kind;
  json::print_line(records::miner_line(set_miner(ledger, c)));
  return 0;
}

int watch_command(const Options& o, const Settings& s) {
  install_signal_flags();
  Ledger ledger(s.required("db"), Access::write);
  if (!ledger.chain() && !wait_for_chain(ledger, o.once)) return 0;
  http::BitcoinRpc rpc = make_rpc(ledger, s);
  rpc.stop_when(stop_requested);
  const auto print = [](const json::Json& record) { json::print(record); };
  if (!o.once) {
    watch(ledger, rpc, s.integer("maturity"), s.integer("watch.interval_seconds") * 1000, print);
    return 0;
  }
  return watch_once(ledger, rpc, s.integer("maturity"), print).alarm ? static_cast<int>(Exit::data) : 0;
}

int verify_command(const Options& o, const Settings& s) {
  std::optional<crypto::KeySet> keys;
  if (s.is_set("key")) keys = trusted_keys(s);
  Ledger ledger(s.required("db"), Access::read);
  const bool ok = verify(ledger, {o.shares, keys ? &*keys : nullptr}, [](const json::Json& record) { json::print(record); });
  return ok ? 0 : static_cast<int>(Exit::data);
}

int export_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  Out out;
  const EmitLine emit = [&](std::string_view line) { out(line); };
  if (o.csv)
    export_csv(ledger, o.round, emit);
  else if (o.round)
    export_round(ledger, *o.round, emit);
  else
    export_all(ledger, emit);
  out.flush();
  return 0;
}

int prove_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  json::print(prove(ledger, *o.round, o.source, o.seq));
  return 0;
}

int backup_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  store::backup_to(ledger.db(), o.path);
  json::Json r = json::make_record("backup");
  r["path"] = o.path;
  r["bytes"] = std::filesystem::file_size(o.path);
  r["schema"] = store::Migrator(ledger.db(), migrations()).current();
  json::print(r);
  return 0;
}

int migrate_command(const Options& o, const Settings& s) {
  const std::string& path = s.required("db");
  store::Options options{.mode = o.status ? store::Mode::read_only : store::Mode::read_write, .journal = store::Journal::wal, .synchronous = store::Synchronous::full, .application_id = application_id};
  std::optional<store::WriterLock> lock;
  if (!o.status && std::filesystem::exists(path)) lock.emplace(path, 10'000);
  store::Database db(path, options);
  store::Migrator migrator(db, migrations());
  migrator.check();
  const int from = migrator.current(), to = o.to.value_or(migrator.latest());
  json::Json r = json::make_record("migration");
  r["from"] = from;
  const std::string copy = !o.status && from != to ? migrator.keep_copy() : "";
  if (!o.status && to >= from) migrator.up_to(to);
  if (!o.status && to < from) migrator.down_to(to);
  if (!o.status) note_migration(db, system_clock(), from, to);
  r["to"] = to;
  r["database"] = path;
  if (!copy.empty()) r["copy"] = copy;
  json::print(r);
  return 0;
}

int config_command(const Options&, const Settings& s) {
  write_all(STDOUT_FILENO, s.to_records(), "standard output");
  return 0;
}

}  // namespace hh::ledger

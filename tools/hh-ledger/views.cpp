// The subcommands that show something: records for programs, a table for a person at a terminal.
#include <fmt/format.h>
#include <unistd.h>

#include "base/amount.h"
#include "base/file.h"
#include "base/table.h"
#include "base/terminal.h"
#include "books.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "miners.h"
#include "rounds.h"

namespace hh::ledger {
namespace {

bool wants_table(const Options& o) { return !o.json && stdout_is_terminal(); }
void show(const Table& table) { write_all(STDOUT_FILENO, table.text(), "standard output"); }

std::string height_text(const records::Round& r) { return r.block ? fmt::format("{}", r.block->height) : "-"; }

json::Json balance_record(const std::string& account, Msat amount) {
  json::Json r = json::make_record("balance");
  r["account"] = account;
  r["balance_msat"] = amount.count();
  return r;
}

}  // namespace

int rounds_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  ledger.require_chain();
  Table table({">ROUND", "STATUS", ">HEIGHT", ">CONFIRMATIONS", ">SHARES", ">WORK", "FINDER"});
  for (uint64_t id : round_ids(ledger)) {
    const records::Round r = read_round(ledger, id, rules_of(s), false);
    if (wants_table(o))
      table.add({fmt::format("{}", id), std::string(name(r.status)), height_text(r), r.block ? fmt::format("{}", r.block->confirmations) : "-", fmt::format("{}", r.shares),
                 r.work.to_text(), r.block ? r.block->miner : "-"});
    else
      json::print_line(records::round_line(r, false));
  }
  if (wants_table(o)) show(table);
  return 0;
}

int round_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  const records::Round r = read_round(ledger, *o.round, rules_of(s));
  warn_of_alarm(ledger, *o.round);
  if (!wants_table(o)) {
    json::print_line(records::round_line(r));
    return 0;
  }
  std::string head = fmt::format("round {}: {}, {} shares, work {}\n", r.round, name(r.status), r.shares, r.work.to_text());
  if (r.block) head += fmt::format("block {} at height {}, {} confirmations, {} sat and {} sat of fees, found by {}\n", r.block->hash, r.block->height, r.block->confirmations, r.block->subsidy.count(), r.block->fees.count(), r.block->miner);
  write_all(STDOUT_FILENO, head, "standard output");
  Table table({"MINER", ">SHARES", ">WORK", ">CARRIED", "DESTINATION"});
  for (const auto& m : r.miners) table.add({m.miner, fmt::format("{}", m.shares), m.work.to_text(), to_text_sat(m.carried), m.destination ? m.destination->value : "-"});
  show(table);
  return 0;
}

int cycle_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  json::print_line(records::cycle_line(read_cycle(ledger, *o.cycle)));
  return 0;
}

int balances_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  store::Transaction view(ledger.db(), store::Transaction::Kind::read);
  Table table({"ACCOUNT", ">BALANCE"});
  for (const auto& [account, amount] : balances(ledger)) {
    if (wants_table(o))
      table.add({account, (amount.is_negative() ? "-" : "") + to_text_sat(amount.is_negative() ? -amount : amount)});
    else
      json::print(balance_record(account, amount));
  }
  if (wants_table(o)) {
    show(table);
    return 0;
  }
  const BooksTotal t = books_total(ledger);
  json::Json r = json::make_record("books");
  if (const auto chain = ledger.chain(); chain && chain->simulated) r["simulated"] = true;
  r["sum_msat"] = t.sum.count();
  r["accounts"] = t.accounts;
  r["postings"] = t.postings;
  r["entries"] = t.entries;
  json::print(r);
  return 0;
}

int miner_show_command(const Options& o, const Settings& s) {
  Ledger ledger(s.required("db"), Access::read);
  const auto miners = o.miner.empty() ? list_miners(ledger) : std::vector{show_miner(ledger, o.miner)};
  Table table({"MINER", "ADDRESS", "DESTINATION"});
  for (const auto& m : miners) {
    if (wants_table(o))
      table.add({m.miner, m.address.value_or("-"), m.destination ? fmt::format("{} {}", records::kind_name(m.destination->kind), m.destination->value) : "-"});
    else
      json::print_line(records::miner_line(m));
  }
  if (wants_table(o)) show(table);
  return 0;
}

}  // namespace hh::ledger

#include "books.h"

#include <fmt/format.h>

#include "base/error.h"
#include "ledger.h"

namespace hh::ledger {

int64_t account_id(Ledger& ledger, const std::string& name) {
  auto s = ledger.db().statement("SELECT id FROM accounts WHERE name = ?1");
  if (s.first(name)) return s.int64(0);
  ledger.db().statement("INSERT INTO accounts(name) VALUES (?1)").run(name);
  return ledger.db().last_insert_rowid();
}

std::map<std::string, Msat> summed(const Entries& entries) {
  std::map<std::string, Msat> sums;
  for (const auto& [account, amount] : entries) sums[account] += amount;
  std::erase_if(sums, [](const auto& entry) { return entry.second.is_zero(); });
  return sums;
}

std::map<std::string, Msat> posted_entries(Ledger& ledger, int64_t posting) {
  std::map<std::string, Msat> all;
  auto s = ledger.db().statement("SELECT name, amount_msat FROM entries e JOIN accounts a ON a.id = account_id WHERE posting_id = ?1");
  s.bind_all(posting);
  while (s.step()) all.emplace(s.text(0), s.msat(1));
  return all;
}

int64_t add_posting(Ledger& ledger, const std::string& kind, const Entries& entries) {
  const auto sums = summed(entries);
  Msat total;
  for (const auto& [account, amount] : sums) total += amount;
  if (!total.is_zero()) throw Error(Exit::software, fmt::format("a posting that adds up to {} msat instead of zero", total.count()));
  if (sums.empty()) return 0;
  auto& db = ledger.db();
  db.statement("INSERT INTO postings(kind, time_ms) VALUES (?1, ?2)").run(kind, ledger.clock().unix_ms());
  const int64_t posting = db.last_insert_rowid();
  for (const auto& [account, amount] : sums)
    db.statement("INSERT INTO entries(posting_id, account_id, amount_msat) VALUES (?1, ?2, ?3)").run(posting, account_id(ledger, account), amount);
  db.statement("INSERT INTO posting_seals(posting_id) VALUES (?1)").run(posting);
  return posting;
}

std::map<std::string, Msat> balances(Ledger& ledger) {
  std::map<std::string, Msat> all;
  auto s = ledger.db().statement("SELECT account, balance_msat FROM balances");
  while (s.step()) all.emplace(s.text(0), s.msat(1));
  return all;
}

Msat balance(Ledger& ledger, const std::string& account) {
  auto s = ledger.db().statement("SELECT balance_msat FROM balances WHERE account = ?1");
  return s.first(account) ? s.msat(0) : Msat();
}

std::map<std::string, Msat> carried(Ledger& ledger, const std::string& prefix) {
  std::map<std::string, Msat> owed;
  for (const auto& [account, amount] : balances(ledger))
    if (account.starts_with(prefix)) owed.emplace(account, -amount);
  auto s = ledger.db().statement("SELECT name, msat FROM outstanding JOIN accounts ON id = account_id");
  while (s.step())
    if (const std::string account = s.text(0); account.starts_with(prefix)) owed[account] -= s.msat(1);
  std::map<std::string, Msat> out;
  for (const auto& [account, amount] : owed) {
    if (amount.is_negative()) throw Error(Exit::data, fmt::format("account {} was paid {} msat more than it was owed: run hh-ledger verify", account, -amount.count()));
    if (!amount.is_zero()) out.emplace(account.substr(prefix.size()), amount);
  }
  return out;
}

BooksTotal books_total(Ledger& ledger) {
  BooksTotal t;
  for (const auto& [account, amount] : balances(ledger)) t.sum += amount;
  auto& db = ledger.db();
  t.accounts = db.query_int64("SELECT count(*) FROM accounts");
  t.postings = db.query_int64("SELECT count(*) FROM posting_seals");
  t.entries = db.query_int64("SELECT count(*) FROM entries");
  return t;
}

}  // namespace hh::ledger

// The books: double entry in signed msat. Positive is held or spent, negative is owed or earned; each posting sums to zero. [C070]
//
// Accounts: treasury, operator, node_pool, network_fees, reserve, miner:M, node:N, yield:N (M and N as in rounds and manifests).
//   round manifest   treasury +(subsidy, and fees where the coinbase paid them to the treasury); operator −; node_pool −; miner:M −(earned + fees)
//   cycle manifest   node_pool +Σ earned; node:N −earned
//   fee sweep        treasury +earned; reserve −what is reinvested; yield:N −what node N may withdraw
//   withdrawals      nothing: what such a manifest pays is owed already, by sweeps
//   payment          account +amount; network_fees +routing fee; treasury −(amount + routing fee): the operator bears routing fees
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/amount.h"

namespace hh::ledger {

class Ledger;

using Entries = std::vector<std::pair<std::string, Msat>>;  // account, amount; an account may come twice, zero amounts are left out

// Within the caller's Change. Returns the posting's id, or 0 where every amount is zero. Throws Error(software) where the sum is not zero; the
// database would refuse it too.
int64_t add_posting(Ledger& ledger, const std::string& kind, const Entries& entries);
int64_t account_id(Ledger& ledger, const std::string& name);  // makes the account where there is none; within a Change

std::map<std::string, Msat> summed(const Entries& entries);                         // one amount for each account, without zeros: what is written
std::map<std::string, Msat> posted_entries(Ledger& ledger, int64_t posting);  // the same of a posting that is in the books

std::map<std::string, Msat> balances(Ledger& ledger);  // of every account that was ever posted to
Msat balance(Ledger& ledger, const std::string& account);

// What accounts of a kind ("miner:", "node:") are owed and no posted manifest has ordered to pay yet, by name without the prefix; only those
// above zero. This is what the next manifest may carry in: were amounts that are ordered but not yet paid in it, they would be paid twice.
std::map<std::string, Msat> carried(Ledger& ledger, const std::string& prefix);

struct BooksTotal {
  Msat sum;
  int64_t accounts = 0, postings = 0, entries = 0;
};
BooksTotal books_total(Ledger& ledger);

}  // namespace hh::ledger

// The journal's part about what forwarding earns (journal/schema_reinvest.cpp): the orders that are in force, and sweeps. Withdrawals are in withdraw.h.
//
// One thread's, as is its Journal.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "channels/forwards.h"
#include "journal/journal.h"
#include "payout/fee_sweep.h"
#include "reinvest/order.h"

namespace hh::ln {

struct KeptOrder {
  SignedOrder signed_order;
  int64_t accepted_ms = 0;
  std::string accepted_by;  // name of the user who ran the command
};

class ReinvestBook {
 public:
  explicit ReinvestBook(Journal& journal, const Clock& clock = system_clock());

  // Checks signature, time, chain ("": any) and sequence, and keeps the order with a row in the audit. False: it has been accepted before. Throws Error(data,
  // no_permission), and then nothing has changed.
  bool accept(const SignedOrder& order, const crypto::KeySet& treasurers, const std::string& chain);
  // Everything that was ever accepted, oldest first. treasurers: checks each signature again, by these keys and by the nodes' of the policy of that time;
  // Error(no_permission) where one does not hold. nullptr: does not.
  void each_order(const crypto::KeySet* treasurers, const std::function<void(const KeptOrder&)>& each);

  std::optional<ReinvestPolicy> policy();  // in force
  ReinvestPolicy require_policy();         // throws Error(config) where there is none
  std::optional<int64_t> preference(const std::string& node);  // in millionths, as the node wants it

  // Takes in what the node lists since `since()`, all of it. Returns the forwards that the journal knows from there on and the node does not list any more,
  // each once. Throws Error(data) where a forward is listed with other amounts than before. Nothing is taken in where it throws.
  int64_t since(const std::string& node);  // unix seconds: from where on to ask the node
  std::vector<int64_t> take_in(const std::string& node, int64_t since, const std::vector<Forward>& listed);  // timestamps in nanoseconds

  // Divides what forwards that ended before have earned and no sweep has yet. nullopt: nothing. Throws Error(config) without a policy.
  std::optional<payout::FeeSweep> sweep(const Identity& identity, int64_t until_ms);
  // After a restore from a backup: makes a sweep once more that had been made since, the very same. False: the journal has it. Throws Error(data) where it would not
  // be the same: the node lists other forwards, or an order is missing.
  bool make_again(const Identity& identity, const payout::FeeSweep& made);
  void each_sweep(const std::function<void(const json::Json&)>& each);  // fee_sweep records, oldest first

  struct Totals {
    Msat earned, reserve, unswept;
    int64_t sweeps = 0, missing = 0;
  };
  Totals totals();
  std::map<std::string, Msat> yields();  // what each node may withdraw and has not ordered yet

 private:
  void insert(const SignedOrder& order, int64_t id);
  std::optional<payout::FeeSweep> sweep_at(const Identity& identity, int64_t until_ms, int64_t time_ms);
  Journal& journal_;
  store::Database& db_;
  const Clock& clock_;
};

}  // namespace hh::ln

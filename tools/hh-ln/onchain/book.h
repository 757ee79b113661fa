// The journal's part about payments on chain (journal/schema_onchain.cpp). One thread's, as is its Journal; the
// service may be at work in another thread with a Journal of its own.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "journal/pause.h"
#include "onchain/check.h"
#include "onchain/wallet.h"

namespace hh::ln {

enum class BatchState { recorded, broadcast, confirmed, conflicted };
std::string_view state_text(BatchState s);  // "RECORDED", …

// A line that a transaction is to pay.
struct Target {
  Line line;
  std::string address;
  bitcoin::TxOutput output;
};

struct OnchainLine {
  std::string manifest_id;
  int64_t line = 0;
  uint32_t vout = 0;
  std::string address;
  Sat amount;
  Msat fee;  // its part of the transaction's
};

struct OnchainBatch {
  int64_t id = 0;
  std::string txid;
  Bytes raw;
  std::string backend, node, chain;
  Sat amount, fee;
  int64_t vsize = 0;
  std::optional<uint32_t> change_vout;
  Sat change;
  int64_t height = 0;  // of the chain when it was built
  BatchState state = BatchState::recorded;
  int64_t broadcasts = 0, confirmations = 0;
  std::string reason;
  int64_t created_ms = 0, changed_ms = 0;
  std::vector<bitcoin::OutPoint> inputs;
  std::vector<OnchainLine> lines;  // by vout
};

// An operator's word that a line is to be paid on chain.
struct Order {
  std::optional<std::string> address;  // none: the line's own
  int64_t time_ms = 0;
};

// The fee of a transaction divided among its lines: evenly, the millisatoshis that are left one each to the first outputs.
std::vector<Msat> divide_fee(Sat fee, size_t lines);

class OnchainBook {
 public:
  explicit OnchainBook(Journal& journal, const Clock& clock = system_clock());
  // Holds the line for it. Throws Error(data) where the line is paid, or a payment of it is under way.
  void order(const std::string& manifest_id, int64_t line, const std::optional<std::string>& address, const std::string& reason);
  std::optional<Order> order_of(const Line& line);  // the one in force

  // All of it in one database transaction: the transaction, its inputs, its lines, which are held from now on. Throws Error(temp_fail) where one of the
  // lines has moved since it was judged; then nothing is recorded.
  OnchainBatch record(const Checked& checked, const std::vector<Target>& targets, const std::vector<Coin>& coins, const std::string& backend, const std::string& node,
                      const std::string& chain, int64_t height);
  std::vector<OnchainBatch> batches();              // oldest first
  std::vector<OnchainBatch> unsettled();            // RECORDED, BROADCAST
  std::optional<OnchainBatch> batch(const std::string& txid);
  // Those whose state somebody has still to be told: unsettled ones, and those that have come to their end since the last told(), which is durable.
  std::vector<OnchainBatch> untold();
  void told();
  // The transaction goes out (again).
  void note_sending(OnchainBatch& batch);
  void move(OnchainBatch& batch, BatchState to, int64_t confirmations, const std::string& reason);
  // The transaction can never be confirmed: its lines are held for the operator, who may release them.
  // … except for those that the transaction which has spent its coins pays as well (somebody has replaced it by fee): they are paid.
  void give_up(OnchainBatch& batch, const WalletTransaction& rival);
  void note_bump(const OnchainBatch& batch, int64_t sat_per_vbyte, Sat budget);
  void require_not_paused() { ln::require_not_paused(db_); }
  bool is_paid_over_lightning(const OnchainLine& line);
  std::set<std::string> txids();

 private:
  std::vector<OnchainBatch> read(const char* condition);
  void read_parts(OnchainBatch& batch);
  Journal& journal_;
  store::Database& db_;
  const Clock& clock_;
};

}  // namespace hh::ln

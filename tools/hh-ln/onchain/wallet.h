// The narrow interface to the wallet that pays on chain: lnd's. It builds and signs, it says what is in the chain; it decides nothing.
//
// Building is in two steps, because only the second gives the transaction its name: fund() chooses coins and locks them, finalize() signs. Until
// publish() nothing has left, and a lock ends by itself after ten minutes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/amount.h"
#include "bitcoin/transaction.h"

namespace hh::ln {

// What the wallet keeps with the transactions that pay lines: by it they are known where the journal does not have them any more.
inline constexpr const char* wallet_label = "hh-ln: lines paid on chain";

// A coin that the wallet has locked for a transaction.
struct Coin {
  bitcoin::OutPoint outpoint;
  Sat value;
  std::string lock;  // what releases it, as the wallet says it
};

struct Funded {
  Bytes psbt;
  std::vector<Coin> coins;
};

enum class Published {
  accepted,  // the node has it in its mempool, or in the chain
  refused,   // the node says why it does not take it
  unknown,   // no answer that proves anything
};
struct PublishAnswer {
  Published published = Published::unknown;
  std::string reason;
};

// A transaction of the wallet's own list.
struct WalletTransaction {
  std::string txid;  // as people write it
  int64_t confirmations = 0;
  int64_t time_ms = 0;
  std::vector<bitcoin::OutPoint> inputs;
  std::vector<bitcoin::TxOutput> outputs;
  std::string label = {};
};

class Wallet {
 public:
  virtual ~Wallet() = default;
  // All throw Error(unavailable) where the wallet does not answer as it should, Error(config) where it refuses us.
  virtual int64_t height() = 0;          // of the newest block that it has seen
  virtual Sat confirmed() = 0;           // confirmed and not locked
  virtual int64_t fee_rate(int64_t blocks) = 0;  // satoshis per virtual byte to be confirmed within so many blocks, rounded up
  // Chooses and locks confirmed coins for these outputs and adds change; the outputs may come back in another order.
  virtual Funded fund(const std::vector<bitcoin::TxOutput>& outputs, int64_t sat_per_vbyte) = 0;
  virtual Bytes finalize(const Bytes& psbt) = 0;  // the signed transaction
  virtual bool owns(const std::string& address) = 0;
  virtual void release(const std::vector<Coin>& coins) = 0;  // of a transaction that will not be; never throws
  virtual PublishAnswer publish(const Bytes& transaction, const std::string& label) = 0;
  // Of blocks from this height on, and those without a block.
  virtual std::vector<WalletTransaction> transactions(int64_t from_height) = 0;
  // Spends this output of an unconfirmed transaction at such a rate, for at most `budget` in fees (child pays for parent). Returns what the wallet says.
  virtual std::string bump(const bitcoin::OutPoint& output, int64_t sat_per_vbyte, Sat budget) = 0;
};

}  // namespace hh::ln

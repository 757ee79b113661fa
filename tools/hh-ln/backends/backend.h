// The narrow interface to whatever pays: lnd, Core Lightning, and a simulated wallet. Nothing above this line knows which one it is.
//
// A backend never decides what a payment's state is; it reports evidence, and says "unknown" where it has none. It never retries by itself and never
// sends a request twice.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/amount.h"
#include "base/error.h"
#include "lightning/bolt11.h"
#include "lightning/bolt12.h"
#include "payout/payout.h"

namespace hh::ln {

using lightning::NodeKey;
using lightning::PaymentHash;
using lightning::Preimage;

struct Identity {
  std::string chain;     // main, testnet4, signet, regtest; what the wallet pays on
  std::string node;      // public key in hex, or the simulated wallet's id: a hash means something only to the node it was sent to
  std::string version;
  bool simulated = false;
};

// A payment to oneself, out of one channel and in through another.
struct Circle {
  std::string out_channel;  // the node's number of it, in decimal digits
  NodeKey last_hop{};       // the peer at the other end of the channel that it comes in by
};

// What is sent: either an invoice or, for keysend, a node and a preimage.
struct Outgoing {
  std::string manifest_id;  // for the simulated wallet's books only
  int64_t line = 0;
  PaymentHash hash{};
  Msat amount, fee_limit;
  std::string invoice;      // BOLT 11 or BOLT 12; empty: keysend
  NodeKey node{};
  Preimage preimage{};      // keysend only
  std::optional<Circle> circle = {};
};

enum class Evidence {
  not_sent,   // the request never left: no connection
  unknown,    // nothing is known: time-out, 5xx, broken answer, an error that is not one of those below
  not_found,  // the node does not know the hash
  in_flight,  // under way, or "already exists"
  settled,    // the node says so; `preimage` is yet to be checked
  failed,     // final: a reason is given and no HTLC is in flight
};

struct Report {
  Evidence evidence = Evidence::unknown;
  std::string reason;          // for people
  std::string preimage;        // hex; settled only
  std::optional<Msat> amount;  // as the node says; settled only
  Msat fee;                    // settled only
  bool try_again = true;       // failed: whether trying again soon can help
};

// One outgoing payment in the node's own list.
struct Listed {
  std::string hash;  // hex
  Msat amount, fee;
  std::string status;  // SUCCEEDED, IN_FLIGHT, FAILED, INITIATED
  std::string preimage;
  int64_t created_ms = 0;
  uint64_t index = 0;  // increasing; where to go on
};

// What the wallet has. remote: what others have in our channels, that is, what could be received.
struct Balances {
  Sat confirmed, unconfirmed;  // on chain
  Msat local, remote;          // in channels
};

// A transaction of the node's own wallet that pays lines, as its label says.
struct PaidOnChain {
  std::string txid;
  std::vector<Sat> amounts;  // of its outputs, change included
  int64_t time_ms = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;  // "lnd", "cln", "sim"
  // Asks the node who it is. Throws Error(unavailable) where it cannot be reached, Error(config) where it refuses us or is too old.
  virtual Identity identify() = 0;
  virtual Report send(const Outgoing& payment) = 0;
  virtual Report track(const PaymentHash& hash) = 0;
  // Whether a channel holds an outgoing HTLC with this hash. Throws Error(unavailable).
  virtual bool has_htlc(const PaymentHash& hash) = 0;
  // Outgoing payments with index > after, oldest first. Throws Error(unavailable).
  virtual void list(uint64_t after, const std::function<void(const Listed&)>& each) = 0;
  // Why this backend cannot pay a node without an invoice (keysend); "" where it can.
  virtual std::string refuse_keysend() const { return {}; }
  // Why this backend cannot pay offers (BOLT 12); "" where it can.
  virtual std::string refuse_offers() const { return "this wallet cannot pay offers (BOLT 12): pay this line through Core Lightning, or ask for an invoice"; }
  // Asks the payee of an offer for an invoice over this amount, of one item where it is about items; the text is unchecked. Sends no money. Throws
  // Error(unavailable), also where the payee refuses.
  virtual std::string invoice_of_offer(const lightning::Offer& offer, Msat amount, const std::string& note);
  // nullopt: this backend cannot tell. Throws Error(unavailable), or Error(config) where the node refuses to tell us.
  virtual std::optional<Balances> balances() { return {}; }
  // Of about the last 30 days. None where the backend does not pay on chain, or may not see its wallet. Throws Error(unavailable).
  virtual std::vector<PaidOnChain> paid_on_chain() { return {}; }
  // Simulated wallets make their own invoice for any destination; others return nothing and it is resolved for real.
  virtual std::optional<std::string> invoice_for(const payout::Destination&, Msat) { return {}; }
};

inline std::string Backend::invoice_of_offer(const lightning::Offer&, Msat, const std::string&) { throw Error(Exit::unavailable, refuse_offers()); }

}  // namespace hh::ln

// What the channel manager asks of a node, beside paying. A node that cannot do one of these says so in a sentence. All throw Error(unavailable) where the
// node cannot be reached, Error(config) where it refuses us, and what changes something throws Error(temp_fail) where it may have been done or not.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "base/error.h"
#include "channels/forwards.h"

namespace hh::ln {

struct Channel {
  std::string id;     // the node's number of it; "" while it is opening
  std::string point;  // TXID:INDEX of its funding
  std::string peer;   // public key in hex
  Sat capacity, local, remote;  // what is ours and theirs; the rest of the capacity is reserved for fees of its transactions
  std::string state;  // active, inactive (peer offline), opening, closing
  bool is_private = false;
  bool is_active() const { return state == "active"; }
  bool is_open() const { return state == "active" || state == "inactive"; }
};

struct Policy {
  int64_t base_fee_msat = 0, fee_ppm = 0, cltv_delta = 0;
  bool operator==(const Policy&) const = default;
};

struct PeerAddress {
  std::string key, host;  // host: NAME:PORT
};

class ChannelNode {
 public:
  virtual ~ChannelNode() = default;
  virtual Backend& payer() = 0;
  virtual std::vector<Channel> channels() = 0;  // those that are opening and closing too
  virtual Sat confirmed_balance() = 0;          // on chain, and not promised to anything
  // Fees that forwards out of each channel earned since then, by its id.
  virtual std::vector<std::pair<std::string, Msat>> fees_earned(int64_t since_unix_seconds) = 0;
  // Forwards that ended at this second or later, oldest first, so many after the first of them; an empty page: there are no more. Those of the last quarter
  // of a minute may be missing.
  virtual bool lists_forwards() const { return false; }
  virtual ForwardPage forwards(int64_t /*since_unix_seconds*/, int64_t /*after*/) { cannot("list what was forwarded"); }
  void each_forward(int64_t since_unix_seconds, const std::function<void(const Forward&)>& each);
  virtual std::vector<std::string> connected_peers() = 0;
  virtual std::optional<std::string> address_of(const std::string& peer) = 0;  // HOST:PORT from the graph

  virtual void connect(const PeerAddress&) { cannot("connect to peers"); }
  virtual int64_t chain_fee_sat_per_vbyte() { cannot("estimate fees"); }
  virtual std::string open(const std::string& /*peer*/, Sat, int64_t /*sat_per_vbyte*/, bool /*is_private*/) { cannot("open channels"); }  // the channel's point
  virtual void close(const Channel&, bool /*force*/, int64_t /*sat_per_vbyte*/) { cannot("close channels"); }
  virtual Policy policy(const Channel&) { cannot("show policies"); }
  virtual void set_policy(const Channel&, const Policy&) { cannot("change policies"); }
  virtual std::string own_invoice(Msat, int64_t /*seconds*/) { cannot("pay itself"); }

 protected:
  [[noreturn]] static void cannot(const char* what) {
    throw Error(Exit::config, std::string("hh-ln cannot ") + what + " through this backend: it does so through lnd");
  }
};

}  // namespace hh::ln

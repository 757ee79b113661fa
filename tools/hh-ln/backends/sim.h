// A simulated wallet: pays its own invoices, remembers everything in an SQLite file of its own, and can be told to misbehave as real nodes do.
//
// It takes part in a settlement exactly as lnd does (a hash is paid at most once, duplicates are refused, payments hang, answers get lost), so the
// whole program can be tried and killed at any moment without a node; the file then tells what was really paid. Everything that comes from it is
// marked "simulated". It knows no network: for every destination it makes an invoice itself, also in place of a given BOLT11 invoice, whose
// preimage it cannot know.
#pragma once
#include <map>
#include <mutex>

#include "backends/backend.h"
#include "base/clock.h"
#include "store/sqlite.h"

namespace hh::ln {

// How many of each fault are left. Several wallets of one process may share it.
class SimFaults {
 public:
  explicit SimFaults(const std::string& text);  // throws Error(config) for faults that it does not know
  bool take(const char* name);                  // whether one was left
  int64_t left(const char* name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int64_t, std::less<>> left_;
};

struct SimConfig {
  std::string wallet;              // path of its file
  std::string chain = "dev";       // what it claims to pay on; never main
  int64_t balance_msat = 0;        // of a new wallet
  int64_t fee_ppm = 1000;          // what routes cost
  int64_t invoice_seconds = 3600;  // life of the invoices it makes
  // Faults, counted from the start of this process: "fail=2,reply_lost=1". The first N sends that reach the wallet get the fault, in this order:
  //   not_connected=N  the request never leaves          request_lost=N   it leaves and never arrives; the answer is missing
  //   reply_lost=N     it is paid; the answer is missing fail=N           it fails for good
  //   in_flight=N      every payment hangs for N tracks and then settles  slow_ms=N  every send takes so long
  //   wrong_preimage=N it is paid, and the preimage that is shown is not the right one
  //   down=1           nothing answers at all
  std::string faults;
  std::shared_ptr<SimFaults> shared_faults = {};  // instead of faults of its own
};

class SimBackend : public Backend {
 public:
  explicit SimBackend(SimConfig config, Clock& clock = system_clock());  // throws Error(config) for faults that it does not know
  const char* name() const override { return "sim"; }
  Identity identify() override;
  Report send(const Outgoing& payment) override;
  Report track(const PaymentHash& hash) override;
  bool has_htlc(const PaymentHash& hash) override;
  void list(uint64_t after, const std::function<void(const Listed&)>& each) override;
  std::optional<Balances> balances() override;
  std::optional<std::string> invoice_for(const payout::Destination& destination, Msat amount) override;
  store::Database& database() { return db_; }

 private:
  bool take(const char* fault) { return faults_->take(fault); }
  int64_t fault(const char* name) const { return faults_->left(name); }
  std::string value(const char* key);
  Report pay(const Outgoing& payment);
  Report refuse(const std::string& hash, const std::string& reason, bool try_again);
  void settle(const std::string& hash);
  SimConfig config_;
  Clock& clock_;
  store::Database db_;
  std::shared_ptr<SimFaults> faults_;
};

}  // namespace hh::ln

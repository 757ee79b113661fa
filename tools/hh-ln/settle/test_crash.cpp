// Dying at every point: each line is paid exactly once, whatever is cut off. [S: exactly once]
#include <catch2/catch.hpp>

#include "store/faulty_disk.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;

namespace {

constexpr size_t lines = 3;
const std::vector<int64_t> once(lines, 1);
const SettlePolicy policy{.attempts = 3, .backoff_ms = 1, .wait_ms = 50};

struct Killed {};

// Passes everything on and "kills" the process at the n-th point: before or after each call.
class Killer : public Backend {
 public:
  Killer(Backend& real, int64_t points_left) : real_(real), left_(points_left) {}
  const char* name() const override { return real_.name(); }
  Identity identify() override { return real_.identify(); }
  Report send(const Outgoing& p) override {
    return around([&] { return real_.send(p); });
  }
  Report track(const PaymentHash& h) override {
    return around([&] { return real_.track(h); });
  }
  bool has_htlc(const PaymentHash& h) override {
    return around([&] { return real_.has_htlc(h); });
  }
  void list(uint64_t after, const std::function<void(const Listed&)>& each) override {
    around([&] { return real_.list(after, each), 0; });
  }
  std::optional<std::string> invoice_for(const payout::Destination& d, Msat a) override {
    return around([&] { return real_.invoice_for(d, a); });
  }

 private:
  template <class F>
  std::invoke_result_t<F> around(F&& call) {
    point();
    auto result = call();
    point();
    return result;
  }
  void point() {
    if (left_-- == 0) throw Killed{};
  }
  Backend& real_;
  int64_t left_;
};

const char* const fault_sets[] = {"", "reply_lost=2", "request_lost=2", "fail=2", "in_flight=2", "not_connected=1", "request_lost=1,reply_lost=2,fail=1"};

// Runs until everything is PAID, as cron would.
void finish(const Folder& folder, FakeClock& clock, const std::string& faults) {
  SimBackend wallet(sim_config(folder, faults), clock);
  for (int run = 0; run < 20; ++run) {
    Journal journal(folder.file("db"), true, clock);
    if (settle(journal, wallet, clock, manifest(lines), policy).code == 0) break;
  }
  Journal journal(folder.file("db"), true, clock);
  for (const Line& line : journal.lines(manifest_id)) REQUIRE(line_state(line) == payout::SettlementState::paid);
  REQUIRE(times_spent(wallet.database(), lines) == once);
  CHECK(journal.summary().alarms == 0);
}

}  // namespace

TEST_CASE("killed before or after any call to the node, with any fault: each line is paid exactly once (L027, L086)", "[crash]") {
  for (const std::string faults : fault_sets) {
    for (int64_t point = 0;; ++point) {
      INFO("faults " << faults << ", killed at point " << point);
      REQUIRE(point < 500);
      const Folder folder;
      FakeClock clock;
      bool killed = false;
      {
        SimBackend wallet(sim_config(folder, faults), clock);
        Killer killer(wallet, point);
        try {
          Journal journal(folder.file("db"), true, clock);
          settle(journal, killer, clock, manifest(lines), policy);
        } catch (const Killed&) {
          killed = true;
        }
      }
      finish(folder, clock, faults);
      if (!killed) break;
    }
  }
}

TEST_CASE("the disk fails at any write, for good: each line is paid exactly once when it works again", "[crash]") {
  for (const store::DiskFault fault : {store::DiskFault::full, store::DiskFault::sync_only}) {
    for (int64_t point = 0;; point += 3) {
      INFO("disk fails at write " << point);
      REQUIRE(point < 2000);
      const Folder folder;
      FakeClock clock;
      bool failed = false;
      {
        store::FaultyDisk disk;
        SimBackend wallet(sim_config(folder, "reply_lost=1"), clock);
        try {
          Journal journal(folder.file("db"), true, clock, disk.vfs());
          disk.fail_after(point, fault);
          settle(journal, wallet, clock, manifest(lines), policy);
        } catch (const Error& e) {
          CHECK(e.code() == Exit::io);
          failed = true;
        }
      }
      finish(folder, clock, "");
      if (!failed) break;
    }
  }
}

TEST_CASE("nothing is sent that the journal could not write down first", "[crash]") {
  const Folder folder;
  FakeClock clock;
  store::FaultyDisk disk;
  SimBackend wallet(sim_config(folder), clock);
  Journal journal(folder.file("db"), true, clock, disk.vfs());
  journal.add(manifest(lines));
  disk.fail_after(0, store::DiskFault::full);
  CHECK_THROWS(settle(journal, wallet, clock, manifest(lines), policy));
  CHECK(times_spent(wallet.database(), lines) == std::vector<int64_t>(lines, 0));
}

TEST_CASE("keysends and given invoices survive being killed as well", "[crash]") {
  for (int64_t point = 0;; ++point) {
    const Folder folder;
    FakeClock clock;
    SimBackend wallet(sim_config(folder, "reply_lost=1"), clock);
    auto m = manifest(2, {{payout::DestinationKind::node, node_key}, {payout::DestinationKind::bolt11, invoice_number(1, Msat(2'000'000), clock.unix_seconds())}});
    bool killed = false;
    try {
      Killer killer(wallet, point);
      Journal journal(folder.file("db"), true, clock);
      settle(journal, killer, clock, m, policy);
    } catch (const Killed&) {
      killed = true;
    }
    Journal journal(folder.file("db"), true, clock);
    int code = 75;
    for (int run = 0; run < 10 && code != 0; ++run) code = settle(journal, wallet, clock, m, policy).code;
    INFO("killed at point " << point);
    REQUIRE(code == 0);
    REQUIRE(times_spent(wallet.database(), 2) == std::vector<int64_t>{1, 1});
    if (!killed) break;
  }
}

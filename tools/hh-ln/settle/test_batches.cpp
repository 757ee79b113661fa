// Several lines at once, in batches that are written down first; how fast, and at what cost.
#include <catch2/catch.hpp>

#include <condition_variable>

#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using namespace hh::ln::test;
using payout::SettlementState;
using Catch::Matchers::Contains;

namespace {

// Workers over one simulated wallet, each with its own connection, as hh-ln has them.
struct Workers {
  std::list<SimBackend> backends;
  std::list<Resolver> resolvers;
  std::vector<Hand> hands;
  Workers(Journal& journal, const SimConfig& config, size_t count, Clock& clock) {
    for (size_t i = 0; i < count; ++i) {
      SimBackend& b = backends.emplace_back(config, clock);
      hands.push_back({b, resolvers.emplace_back(b, journal, b.identify(), ResolvePolicy{}, no_network, clock)});
    }
  }
};

struct SharedSim {
  Folder folder;
  Journal journal{folder.file("db"), true};
  SimConfig config = sim_config(folder);
  explicit SharedSim(const std::string& faults = "") { config.shared_faults = std::make_shared<SimFaults>(faults); }
  Run run(const payout::VerifiedManifest& m, size_t count, SettlePolicy policy = {.attempts = 5, .backoff_ms = 1, .wait_ms = 100}) {
    Workers workers(journal, config, count, system_clock());
    journal.add(m);
    Reconciler(journal, workers.backends.front(), workers.backends.front().identify()).track_open();
    Settler settler(journal, workers.backends.front().identify(), workers.hands, policy, system_clock());
    Run out;
    out.code = settler.settle(m.manifest.id, [&](const payout::Settlement& s) { out.printed.push_back(s); });
    return out;
  }
  std::vector<int64_t> spent(size_t lines) {
    SimBackend wallet(config);
    return times_spent(wallet.database(), lines);
  }
};

// Lets a send go on only when `together` of them are under way at once, or after some seconds.
struct Gate {
  std::mutex mutex;
  std::condition_variable change;
  size_t inside = 0, most = 0, together;
  explicit Gate(size_t n) : together(n) {}
  void pass() {
    std::unique_lock lock(mutex);
    most = std::max(most, ++inside);
    change.notify_all();
    change.wait_for(lock, std::chrono::seconds(20), [&] { return most >= together; });
    --inside;
  }
};

class Gated : public Backend {
 public:
  Gated(Backend& real, Gate& gate) : real_(real), gate_(gate) {}
  const char* name() const override { return real_.name(); }
  Identity identify() override { return real_.identify(); }
  Report send(const Outgoing& p) override {
    gate_.pass();
    return real_.send(p);
  }
  Report track(const PaymentHash& h) override { return real_.track(h); }
  bool has_htlc(const PaymentHash& h) override { return real_.has_htlc(h); }
  void list(uint64_t after, const std::function<void(const Listed&)>& each) override { real_.list(after, each); }
  std::optional<std::string> invoice_for(const payout::Destination& d, Msat a) override { return real_.invoice_for(d, a); }

 private:
  Backend& real_;
  Gate& gate_;
};

}  // namespace

TEST_CASE("lines are paid several at once, as many as there are workers, each once (L022)", "[batches]") {
  SharedSim s;
  const auto m = manifest(12);
  Workers workers(s.journal, s.config, 4, system_clock());
  s.journal.add(m);
  Gate gate(4);
  std::list<Gated> gated;
  std::vector<Hand> hands;
  for (const Hand& h : workers.hands) hands.push_back({gated.emplace_back(h.backend, gate), h.resolver});
  Settler settler(s.journal, workers.backends.front().identify(), hands, {}, system_clock());
  std::vector<payout::Settlement> printed;
  CHECK(settler.settle(manifest_id, [&](const payout::Settlement& p) { printed.push_back(p); }) == 0);
  CHECK(gate.most == 4);
  CHECK(printed.size() == 12);
  CHECK(s.spent(12) == std::vector<int64_t>(12, 1));
}

TEST_CASE("with every fault at once ten workers pay each of 130 lines once, in batches of at most 50 (L022 L023)", "[batches]") {
  SharedSim s("request_lost=7,reply_lost=9,fail=11,in_flight=1");
  const auto m = manifest(130);
  for (int i = 0; i < 20; ++i)
    if (s.run(m, 10).code == 0) break;
  CHECK(s.spent(130) == std::vector<int64_t>(130, 1));
  std::set<int64_t> in_batches;
  for (const Batch& b : s.journal.batches(manifest_id)) {
    CHECK(b.lines.size() <= 50);
    CHECK(b.closed_ms);
    for (const BatchLine& l : b.lines) in_batches.insert(l.line);
  }
  CHECK(in_batches.size() == 130);
  CHECK(s.journal.batches(manifest_id).size() >= 3);
  CHECK(s.journal.summary().alarms == 0);
}

TEST_CASE("a failing disk in one worker ends all of them, and is told (L022)", "[batches]") {
  SharedSim s;
  const auto m = manifest(40);
  Workers workers(s.journal, s.config, 4, system_clock());
  s.journal.add(m);
  Settler settler(s.journal, workers.backends.front().identify(), workers.hands, {}, system_clock());
  std::atomic<int> printed = 0;
  const auto full = [&](const payout::Settlement&) {
    if (++printed == 3) throw Error(Exit::io, "no space left on device");
  };
  CHECK_THROWS_WITH(settler.settle(manifest_id, full), Contains("no space left"));
  CHECK(printed < 40);
  for (int i = 0; i < 5; ++i)
    if (s.run(m, 4).code == 0) break;
  CHECK(s.spent(40) == std::vector<int64_t>(40, 1));
}

TEST_CASE("a batch is written down with its lines and fees before anything of it is sent, and closed with counts (L023)", "[batches]") {
  Scene s;
  s.m = manifest(3);
  s.policy.batch_lines = 2;
  std::vector<size_t> open_when_asked;
  s.node.make_invoice = [&](const payout::Destination&, Msat a) {
    open_when_asked.push_back(s.journal.batches(manifest_id, true).size());
    return invoice_number(++s.invoices, a, s.clock.unix_seconds());
  };
  s.node.sends = {settled_with(preimage_hex(1), amount), evidence(Evidence::failed), evidence(Evidence::failed), evidence(Evidence::failed), settled_with(preimage_hex(3), Msat(3'000'000))};
  CHECK(s.run().code == 1);
  CHECK(open_when_asked == std::vector<size_t>{1, 1, 1});
  const auto batches = s.journal.batches(manifest_id);
  REQUIRE(batches.size() == 2);
  CHECK((batches[0].closed_ms && batches[1].closed_ms));
  CHECK(batches[0].lines.size() == 2);
  CHECK(std::tuple(batches[0].paid, batches[0].failed, batches[0].held) == std::tuple(1, 1, 0));
  CHECK(std::tuple(batches[1].paid, batches[1].failed, batches[1].held) == std::tuple(1, 0, 0));
  CHECK(batches[0].amount == Msat(3'000'000));
  CHECK(batches[0].fee_reserved == fee_limit(s.policy, Msat(1'000'000)) + fee_limit(s.policy, Msat(2'000'000)));
  CHECK_FALSE(batches[0].fee_ceiling);
}

TEST_CASE("a payment that hangs keeps its batch open and nobody else waiting; the same batch goes on in the next run (L023)", "[batches]") {
  Scene s;
  s.m = manifest(3);
  s.policy.batch_lines = 1;
  s.node.sends = {evidence(Evidence::in_flight), settled_with(preimage_hex(2), Msat(2'000'000)), settled_with(preimage_hex(3), Msat(3'000'000))};
  s.node.tracks = {evidence(Evidence::in_flight)};
  for (int i = 0; i < 3; ++i) CHECK(s.run().code == 75);
  CHECK(s.journal.batches(manifest_id).size() == 3);
  CHECK(s.journal.batches(manifest_id, true).size() == 1);
  s.node.tracks = {settled_with(preimage_hex(1), amount)};
  CHECK(s.run().code == 0);
  CHECK(s.journal.batches(manifest_id, true).empty());
  CHECK(s.journal.batches(manifest_id).size() == 3);
}

TEST_CASE("the routes of a batch cost at most its ceiling: what does not fit waits for the next batch, or says that it fits into none (L023 L074)", "[batches]") {
  Scene s;
  s.m = manifest(4);
  s.m.manifest.payout.lines[0].pay = Msat(1'000'000);  // 10,000 and 5000 msat of fees: more than 10,000 ppm
  s.m.manifest.payout.lines[1].pay = Msat(9'000'000);  // makes room for it
  s.m.manifest.payout.lines[2].pay = Msat(1'000'000);
  s.m.manifest.payout.lines[3].pay = Msat(1'000'000);
  s.policy.batch_fee_limit_ppm = 8000;
  s.node.sends = {settled_with(preimage_hex(1), Msat(9'000'000)), settled_with(preimage_hex(2), amount), settled_with(preimage_hex(3), amount)};
  const Run run = s.run();
  CHECK(run.code == 75);
  const auto batches = s.journal.batches(manifest_id);
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].lines.size() == 3);
  CHECK(batches[0].fee_reserved == Msat(55'000 + 15'000 + 15'000));
  CHECK(batches[0].fee_ceiling == millionths(batches[0].amount, 8000));
  CHECK(s.node.sent.size() == 3);
  CHECK_THAT(s.journal.line(manifest_id, 0).note, Contains("batch_fee_limit_ppm"));
  CHECK_FALSE(s.journal.line(manifest_id, 0).held_reason);
  s.policy.batch_fee_limit_ppm = 0;
  s.node.sends = {settled_with(preimage_hex(4), amount)};
  CHECK(s.run().code == 0);
}

TEST_CASE("what a batch has reserved never grows, and lower settings count at once", "[batches]") {
  for (const int64_t later : {int64_t{1000}, int64_t{9000}}) {
    Scene s;
    s.node.make_invoice = [&](const payout::Destination&, Msat) -> std::optional<std::string> { throw Error(Exit::unavailable, "not now"); };
    CHECK(s.run().code == 75);  // planned, in a batch
    s.policy.fee_limit_ppm = later;
    s.node.make_invoice = [&](const payout::Destination&, Msat a) { return invoice_number(1, a, s.clock.unix_seconds()); };
    s.node.sends = {settled_with(preimage_hex(1), amount)};
    CHECK(s.run().code == 0);
    CHECK(s.node.sent[0].fee_limit == Msat(10'000 + (later == 1000 ? 1000 : 5000)));
  }
}

TEST_CASE("the tables keep a batch to its rules, whoever writes (L023 L074)", "[batches]") {
  Scene s;
  s.journal.add(manifest(60));
  const auto raw = [&](const std::string& sql) {
    try {
      s.journal.database().execute(sql);
      return true;
    } catch (const store::ConstraintError&) {
      return false;
    }
  };
  std::vector<BatchLine> lines;
  for (int64_t i = 0; i < 51; ++i) lines.push_back({i, Msat(1), Msat(1)});
  CHECK_THROWS(s.journal.open_batch(manifest_id, lines, {}));
  CHECK_THROWS(s.journal.open_batch(manifest_id, {}, {}));
  CHECK_FALSE(raw("INSERT INTO batches (manifest_id, number, opened_ms, lines, amount_msat, fee_reserved_msat) VALUES ('" + manifest_id + "', 9, 1, 51, 1, 1)"));
  const Batch b = s.journal.open_batch(manifest_id, {{0, Msat(1'000'000), Msat(5)}, {1, Msat(2'000'000), Msat(6)}}, Msat(11));
  CHECK_THROWS_AS(s.journal.open_batch(manifest_id, {{1, Msat(2'000'000), Msat(6)}}, {}), store::ConstraintError);  // in two open ones
  CHECK(s.journal.batches(manifest_id).size() == 1);
  CHECK_THROWS_AS(s.journal.open_batch(manifest_id, {{2, Msat(2'000'000), Msat(6)}}, Msat(5)), store::ConstraintError);  // above its ceiling
  CHECK_FALSE(raw("INSERT INTO batch_lines (batch, manifest_id, line, fee_limit_msat) VALUES (" + std::to_string(b.id) + ", '" + manifest_id + "', 2, 1)"));  // full
  CHECK_FALSE(raw("UPDATE batches SET fee_reserved_msat = 0"));
  CHECK_FALSE(raw("UPDATE batches SET closed_ms = 1, paid = 0, failed = 0, held = 0"));  // two lines
  CHECK_FALSE(raw("DELETE FROM batches"));
  CHECK_FALSE(raw("DELETE FROM batch_lines"));
  CHECK_FALSE(raw("UPDATE batch_lines SET fee_limit_msat = 0"));
  CHECK_FALSE(s.journal.close_batch(b));  // its lines are PLANNED
  REQUIRE(s.journal.hold(manifest_id, 0, "x"));
  REQUIRE(s.journal.hold(manifest_id, 1, "x"));
  CHECK(s.journal.close_batch(b));
  CHECK_FALSE(raw("UPDATE batches SET paid = 2, held = 0"));
  CHECK_FALSE(s.journal.close_batch(b));
}

TEST_CASE("at most so many payments in any 60 seconds, whoever sends them, also across runs (L074)", "[batches]") {
  Scene s;
  s.m = manifest(25);
  s.policy = {.attempts = 1, .backoff_ms = 1, .wait_ms = 0};
  s.policy.payments_per_minute = 10;
  std::vector<int64_t> times;
  class Timed : public ScriptedBackend {
   public:
    std::function<void()> on_send;
    Report send(const Outgoing& p) override {
      on_send();
      return ScriptedBackend::send(p);
    }
  } node;
  node.make_invoice = [&](const payout::Destination&, Msat a) { return invoice_number(++s.invoices, a, s.clock.unix_seconds()); };
  node.sends = {evidence(Evidence::failed)};
  node.on_send = [&] { times.push_back(s.clock.unix_ms()); };
  settle(s.journal, node, s.clock, s.m, s.policy);
  CHECK(times.size() == 25);
  node.tracks = {evidence(Evidence::failed)};
  settle(s.journal, node, s.clock, s.m, s.policy);  // at once: it knows what the last minute has sent
  REQUIRE(times.size() == 50);
  for (size_t i = 10; i < times.size(); ++i) CHECK(times[i] - times[i - 10] >= 60'000);
  CHECK(times[9] == times[0]);  // but no slower than it must be
  CHECK(times.back() - times.front() == 4 * 60'000);
}

TEST_CASE("pauses double up to five minutes, are shortened by up to a half, and repeat for the same seed (L023)", "[batches]") {
  Backoff one(1000, 7), same(1000, 7), other(1000, 8);
  bool differs = false;
  for (int64_t n = 1; n <= 30; ++n) {
    const int64_t whole = n > 9 ? 300'000 : std::min<int64_t>(300'000, 1000 << (n - 1)), pause_ms = one.pause_ms(n);
    CHECK(pause_ms <= whole);
    CHECK(pause_ms >= whole / 2);
    CHECK(pause_ms == same.pause_ms(n));
    differs |= pause_ms != other.pause_ms(n);
  }
  CHECK(differs);
  CHECK(Backoff(0, 1).pause_ms(5) == 0);
}

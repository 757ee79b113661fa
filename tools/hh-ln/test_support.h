// What the tests of the payment machine share: a folder, a manifest of given lines, and a backend that says what it is told to say.
#pragma once
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <map>

#include "backends/sim.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "journal/journal.h"
#include "lightning/test_payee.h"
#include "settle/resolve.h"
#include "settle/settle.h"

namespace hh::ln::test {

// In memory where the system has such a place: these tests make some 100,000 fsyncs, and none of them cuts the power.
struct Folder {
  Folder() {
    const std::filesystem::path place = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (place / ("hh-ln-" + std::string(6, 'X'))).string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

inline const std::string manifest_id(64, 'a');
inline constexpr const char* node_key = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad";

// Lines over 1000, 2000, … sat to lightning addresses, or to the destinations given. Not a manifest that adds up: the payout library checks that.
inline payout::VerifiedManifest manifest(size_t lines, std::vector<payout::Destination> destinations = {}, const std::string& id = manifest_id) {
  payout::VerifiedManifest m;
  m.manifest.id = id;
  m.manifest.payout.chain = bitcoin::Network::regtest;
  m.manifest.payout.block_hash = id;
  m.signed_form.jws = "e30.e30.AA";
  for (size_t i = 0; i < lines; ++i) {
    payout::Line l;
    l.account = "miner:" + std::to_string(i);
    l.pay = Msat(1'000'000) * static_cast<int64_t>(i + 1);
    l.destination = i < destinations.size() ? destinations[i] : payout::Destination{payout::DestinationKind::lnaddress, "rig" + std::to_string(i) + "@example.com"};
    m.manifest.payout.lines.push_back(l);
  }
  return m;
}

inline SimConfig sim_config(const Folder& folder, const std::string& faults = "") {
  return {.wallet = folder.file("wallet"), .chain = "regtest", .balance_msat = 1'000'000'000'000, .fee_ppm = 1000, .invoice_seconds = 3600, .faults = faults, .shared_faults = {}};
}

inline std::string no_network(const std::string&) { throw Error(Exit::unavailable, "no network in this test"); }

// One run of the program, as command_settle.cpp does it.
struct Run {
  int code = 0;
  std::vector<payout::Settlement> printed;
};
inline Run settle(Journal& journal, Backend& backend, Clock& clock, const payout::VerifiedManifest& m, SettlePolicy policy = {}, Fetch fetch = no_network, Ask ask = {}) {
  Run run;
  const Identity identity = backend.identify();
  journal.add(m);
  Reconciler reconciler(journal, backend, identity);
  reconciler.require_same_node();
  reconciler.track_open();
  reconciler.compare_list(false);
  reconciler.require_no_foreign();
  Resolver resolver(backend, journal, identity, {}, fetch, clock, ask);
  Settler settler(journal, identity, {{backend, resolver}}, policy, clock);
  run.code = settler.settle(m.manifest.id, [&](const payout::Settlement& s) { run.printed.push_back(s); });
  return run;
}

// How often money left the simulated wallet for each line: 1 for each is what everything here is about.
inline std::vector<int64_t> times_spent(store::Database& wallet, size_t lines) {
  std::vector<int64_t> out(lines);
  auto row = wallet.statement("SELECT count(*) FROM spent WHERE line = ?1");
  for (size_t i = 0; i < lines; ++i) {
    row.first(i);
    out[i] = row.int64(0);
    row.reset();
  }
  return out;
}

// Answers send and track from two lists; the last entry of each repeats. Counts what was sent.
class ScriptedBackend : public Backend {
 public:
  std::deque<Report> sends, tracks;
  std::map<std::string, Report> about;  // what it says when it is asked about these hashes (hex), instead of from the list
  std::vector<Listed> listed;
  std::vector<Outgoing> sent;
  std::vector<PaidOnChain> on_chain;
  bool htlc = false, channels_unknown = false;
  std::string id = node_key, chain = "regtest";
  std::function<std::optional<std::string>(const payout::Destination&, Msat)> make_invoice;
  std::function<std::string(const lightning::Offer&, Msat, const std::string& note)> offer_payee;  // none: it cannot pay offers

  const char* name() const override { return "lnd"; }
  Identity identify() override { return {chain, id, "0.21", false}; }
  Report send(const Outgoing& p) override {
    sent.push_back(p);
    return take(sends);
  }
  Report track(const PaymentHash& hash) override {
    const auto known = about.find(to_hex(hash));
    return known != about.end() ? known->second : take(tracks);
  }
  bool has_htlc(const PaymentHash&) override {
    if (channels_unknown) throw Error(Exit::unavailable, "no answer about channels");
    return htlc;
  }
  void list(uint64_t after, const std::function<void(const Listed&)>& each) override {
    for (const Listed& p : listed)
      if (p.index > after) each(p);
  }
  std::vector<PaidOnChain> paid_on_chain() override { return on_chain; }
  std::optional<std::string> invoice_for(const payout::Destination& d, Msat amount) override { return make_invoice ? make_invoice(d, amount) : std::nullopt; }
  std::string refuse_offers() const override { return offer_payee ? "" : "no offers here"; }
  std::string invoice_of_offer(const lightning::Offer& offer, Msat amount, const std::string& note) override { return offer_payee(offer, amount, note); }

 private:
  static Report take(std::deque<Report>& from) {
    if (from.empty()) throw Error(Exit::software, "the script of the test has ended");
    const Report r = from.front();
    if (from.size() > 1) from.pop_front();
    return r;
  }
};

inline Report evidence(Evidence e, const std::string& reason = "scripted") { return {.evidence = e, .reason = reason, .preimage = {}, .amount = {}, .fee = {}}; }
inline Report settled_with(const std::string& preimage, Msat amount, Msat fee = Msat(7)) {
  return {.evidence = Evidence::settled, .reason = {}, .preimage = preimage, .amount = amount, .fee = fee};
}

// Preimages 01 01 …, 02 02 …, and invoices for them signed by a test key.
inline Preimage preimage_number(uint8_t n) {
  Preimage p;
  p.fill(n);
  return p;
}
inline std::string invoice_number(uint8_t n, Msat amount, int64_t timestamp, int64_t expiry = 3600, const std::string& currency = "bcrt") {
  lightning::NewInvoice i;
  i.currency = currency;
  i.amount = amount;
  i.payment_hash = crypto::sha256(BytesView(preimage_number(n)));
  i.timestamp = timestamp;
  i.expiry_seconds = expiry;
  std::array<uint8_t, 32> key;
  key.fill(5);
  return lightning::encode_bolt11(i, key);
}

// An offer for any amount on regtest, and the invoices that its payee gives for these preimages.
inline std::string test_offer() { return lightning::encode_bolt12("lno", lightning::test::offer_fields(lightning::test::secret(5))); }
inline std::string offer_invoice(uint8_t n, Msat amount, const std::string& note, int64_t timestamp, const std::string& offer = test_offer()) {
  const auto key = lightning::test::secret(5);
  return lightning::test::signed_text(lightning::test::invoice_fields(lightning::decode_offer(offer), {amount, note, crypto::sha256(BytesView(preimage_number(n))), timestamp}, key), key);
}

inline std::string preimage_hex(uint8_t n) { return to_hex(preimage_number(n)); }

inline constexpr Msat amount{1'000'000};  // of the first line of manifest()

// One manifest of one line, a journal, and a node that says what it is told to; invoices are numbered from 1.
struct Scene {
  Folder folder;
  FakeClock clock;
  Journal journal{folder.file("db"), true, clock};
  ScriptedBackend node;
  uint8_t invoices = 0;
  payout::VerifiedManifest m = manifest(1);
  SettlePolicy policy{.attempts = 3, .backoff_ms = 1, .wait_ms = 100};
  Scene() {
    node.make_invoice = [this](const payout::Destination&, Msat a) { return invoice_number(++invoices, a, clock.unix_seconds()); };
    node.tracks = {evidence(Evidence::unknown)};
  }
  Run run() { return settle(journal, node, clock, m, policy); }
  State state(int64_t line = 0) { return journal.line(m.manifest.id, line).attempt->state; }
};

}  // namespace hh::ln::test

// What the tests of payments on chain share: a wallet with a chain of its own that can lie and die, and a line that Lightning cannot pay.
#pragma once
#include <algorithm>
#include <map>

#include "base/error.h"
#include "bitcoin/script.h"
#include "onchain/payer.h"
#include "test_support.h"

namespace hh::ln::test {

struct Died {};  // the process is killed

inline bitcoin::Hash256 numbered(uint8_t n) {
  bitcoin::Hash256 h;
  h.bytes.fill(n);
  return h;
}
inline Bytes script_number(uint8_t n) { return bitcoin::witness_script(0, Bytes(20, n)); }
inline std::string address_number(uint8_t n) { return *bitcoin::address_from_script(script_number(n), bitcoin::Network::regtest); }

// Coins of 10,000,000 sat each. A transaction enters the mempool when it is published and the chain with mine(); which of two that share a coin is
// confirmed is the test's choice.
class FakeWallet : public Wallet {
 public:
  std::map<bitcoin::OutPoint, Sat> coins, locked;
  std::map<std::string, bitcoin::Transaction> sent;  // by txid: whatever was published, once each
  std::map<std::string, int64_t> mined;              // txid: at which height
  std::vector<WalletTransaction> strangers;          // transactions of the wallet that this program has not made
  int64_t tip = 1000, publishes = 0, releases = 0, funds = 0, rate = 2;
  Sat fee{300};
  bool owns_change = true, with_change = true;
  std::function<void(bitcoin::Transaction&)> change_final;  // a lie in what is signed
  PublishAnswer answer{Published::accepted, ""};
  bool takes = true;          // what is published enters the mempool, whatever the answer says
  std::string last_bump;
  int64_t dies_at = -1;       // before and after each call that changes something: 0 is the first of these points

  FakeWallet() {
    for (uint8_t n = 1; n <= 9; ++n) coins[{numbered(n), n}] = Sat(10'000'000);
  }
  int64_t height() override { return tip; }
  Sat confirmed() override {
    Sat sum;
    for (const auto& [at, value] : coins)
      if (!locked.contains(at)) sum += value;
    return sum;
  }
  int64_t fee_rate(int64_t) override { return rate; }
  Funded fund(const std::vector<bitcoin::TxOutput>& outputs, int64_t) override {
    point();
    ++funds;
    bitcoin::Transaction tx;
    Funded out;
    Sat need = fee, have;
    for (const auto& o : outputs) need += o.value;
    for (const auto& [at, value] : coins) {
      if (have >= need) break;
      if (locked.contains(at)) continue;
      tx.inputs.push_back({.previous = at, .script = {}, .sequence = 0xffffffff, .witness = {}});
      out.coins.push_back({at, value, "lock"});
      have += value;
    }
    if (have < need) throw Error(Exit::unavailable, "insufficient funds");
    for (const Coin& c : out.coins) locked[c.outpoint] = c.value;
    tx.outputs = outputs;
    std::reverse(tx.outputs.begin(), tx.outputs.end());  // a wallet sorts outputs as it likes
    if (with_change) tx.outputs.insert(tx.outputs.begin(), {have - need, script_number(200)});
    const Bytes name{static_cast<uint8_t>(funds)};
    psbts_[name] = tx;
    out.psbt = name;
    point();
    return out;
  }
  Bytes finalize(const Bytes& psbt) override {
    point();
    bitcoin::Transaction tx = psbts_.at(psbt);
    for (auto& input : tx.inputs) input.witness = {Bytes(71, 1), Bytes(33, 2)};
    if (change_final) change_final(tx);
    point();
    return bitcoin::serialize(tx);
  }
  bool owns(const std::string& address) override { return owns_change && address == address_number(200); }
  void release(const std::vector<Coin>& released) override {
    ++releases;
    for (const Coin& c : released) locked.erase(c.outpoint);
  }
  PublishAnswer publish(const Bytes& raw, const std::string&) override {
    point();
    ++publishes;
    const auto tx = bitcoin::parse_transaction(raw);
    if (takes) sent[tx.txid().to_display_hex()] = tx;
    point();
    return answer;
  }
  std::vector<WalletTransaction> transactions(int64_t) override {
    std::vector<WalletTransaction> out = strangers;
    for (const auto& [txid, tx] : sent) {
      WalletTransaction t;
      t.txid = txid, t.outputs = tx.outputs;
      t.confirmations = mined.contains(txid) ? tip - mined[txid] + 1 : 0;
      for (const auto& input : tx.inputs) t.inputs.push_back(input.previous);
      out.push_back(t);
    }
    return out;
  }
  std::string bump(const bitcoin::OutPoint& output, int64_t sat_per_vbyte, Sat budget) override {
    last_bump = fmt_bump(output, sat_per_vbyte, budget);
    return "registered";
  }
  void mine(int64_t blocks) {
    for (const auto& [txid, tx] : sent)
      if (!mined.contains(txid)) mined[txid] = tip + 1;
    tip += blocks;
  }
  // How often money went to this script.
  size_t paid(const Bytes& script) const {
    size_t n = 0;
    for (const auto& [txid, tx] : sent)
      for (const auto& o : tx.outputs) n += o.script == script;
    return n;
  }
  static std::string fmt_bump(const bitcoin::OutPoint& o, int64_t rate, Sat budget) {
    return o.txid.to_display_hex() + ":" + std::to_string(o.index) + " " + std::to_string(rate) + " " + std::to_string(budget.count());
  }

 private:
  void point() {
    if (dies_at >= 0 && dies_at-- == 0) throw Died{};
  }
  std::map<Bytes, bitcoin::Transaction> psbts_;
};

// Lines of miners whose names are addresses, over 100,000 sat, 200,000 sat … that no service gives an invoice for.
inline payout::VerifiedManifest address_manifest(size_t lines, const std::string& id = manifest_id) {
  auto m = manifest(lines, {}, id);
  for (size_t i = 0; i < lines; ++i) {
    m.manifest.payout.lines[i].account = "miner:" + address_number(static_cast<uint8_t>(i + 1)) + ".rig";
    m.manifest.payout.lines[i].pay = m.manifest.payout.lines[i].pay * 100;
  }
  return m;
}

struct OnchainScene {
  Folder folder;
  FakeClock clock;
  std::unique_ptr<Journal> journal = open();
  ScriptedBackend node;
  FakeWallet wallet;
  OnchainPolicy policy;
  explicit OnchainScene(size_t lines = 3) {
    node.tracks = {evidence(Evidence::failed)};
    journal->add(address_manifest(lines));
    for (const Line& l : journal->lines(manifest_id)) journal->set_note(l, "no service answers");
  }
  std::unique_ptr<Journal> open() { return std::make_unique<Journal>(folder.file("db"), true, clock); }
  OnchainBook book() { return OnchainBook(*journal, clock); }
  OnchainPayer payer() { return OnchainPayer(*journal, node, node.identify(), wallet, policy, clock); }
  // One run of `hh-ln onchain pay`.
  std::optional<OnchainBatch> pay() {
    OnchainPayer p = payer();
    p.follow();
    return p.pay("");
  }
  // The process dies and starts again: what is not in the journal is forgotten.
  void restart() { journal.reset(), journal = open(); }
  payout::SettlementState state(int64_t line) { return line_state(journal->line(manifest_id, line)); }
  payout::Settlement settlement(int64_t line) { return settlement_of(journal->line(manifest_id, line), "lnd"); }
  size_t paid(int64_t line) const { return wallet.paid(script_number(static_cast<uint8_t>(line + 1))); }
  std::string why_not(int64_t line) {
    const auto plan = payer().plan("");
    for (const Candidate& c : plan.candidates)
      if (c.line.line == line) return c.reason;
    return "settled";
  }
};

}  // namespace hh::ln::test

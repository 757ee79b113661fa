// A Lightning node behind a bad line, in memory: it pays each hash at most once and never lies, but requests and answers get lost, come late or not at all,
// payments hang for up to a day, and it is sometimes away. What it does follows from a seed.
#pragma once
#include <map>

#include "settle/one_at_a_time.h"
#include "test_support.h"

namespace hh::ln::test {

// What goes on at the node, also while no program is running.
class SimNode {
 public:
  explicit SimNode(OneAtATime& world) : world_(world) {}

  struct Payment {
    Outgoing what;
    std::string hash, preimage, status = "IN_FLIGHT";
    uint64_t index = 0;
    int64_t created_ms = 0, ends_at = 0;
    bool will_settle = true;
  };

  bool calm = false;  // no fault any more
  std::map<int64_t, int64_t> spent;  // line: how often money has left for it
  Msat paid, fees;

  std::string new_invoice(Msat pay) {
    Preimage preimage{};
    for (uint8_t& byte : preimage) byte = static_cast<uint8_t>(world_.random(256));
    lightning::NewInvoice n;
    n.currency = "bcrt";
    n.amount = pay;
    n.payment_hash = crypto::sha256(BytesView(preimage));
    n.timestamp = world_.unix_seconds();
    n.expiry_seconds = calm || world_.chance(90) ? 3600 : 40;
    std::array<uint8_t, 32> key;
    key.fill(7);
    preimages_[to_hex(n.payment_hash)] = to_hex(preimage);
    return lightning::encode_bolt11(n, key);
  }

  Report send(const Outgoing& p) {
    go_on();
    if (fault(3)) return {.evidence = Evidence::not_sent, .reason = "no connection", .preimage = {}, .amount = {}, .fee = {}};
    if (fault(6)) return unknown("lost on its way");
    if (fault(4)) {
      late_.push_back({world_.unix_ms() + static_cast<int64_t>(world_.random(7'200'000)), p});
      return unknown("time-out");
    }
    const Report r = deliver(p);
    return fault(8) ? unknown("the answer is lost") : r;
  }

  Report track(const std::string& hash) {
    go_on();
    if (fault(3)) return {.evidence = Evidence::not_sent, .reason = "no connection", .preimage = {}, .amount = {}, .fee = {}};
    if (fault(5)) return unknown("time-out");
    return about(hash);
  }

  bool has_htlc(const std::string& hash) {
    go_on();
    if (fault(5)) throw Error(Exit::unavailable, "no answer about channels");
    const auto found = payments_.find(hash);
    return found != payments_.end() && found->second.status == "IN_FLIGHT";
  }

  void list(uint64_t after, const std::function<void(const Listed&)>& each) {
    go_on();
    if (fault(2)) throw Error(Exit::unavailable, "the list ends in the middle");
    std::map<uint64_t, const Payment*> ordered;
    for (const auto& [hash, p] : payments_) ordered[p.index] = &p;
    for (const auto& [index, p] : ordered)
      if (index > after) each({p->hash, p->what.amount, fee_of(p->what.amount), p->status, p->status == "SUCCEEDED" ? p->preimage : "", p->created_ms, index});
  }

  bool fault(uint64_t percent) { return !calm && world_.chance(percent); }
  static Msat fee_of(Msat pay) { return Msat(1 + pay.count() / 1000); }

 private:
  static Report unknown(const std::string& why) { return {.evidence = Evidence::unknown, .reason = why, .preimage = {}, .amount = {}, .fee = {}}; }

  // What has come to its end by now, and requests that arrive late.
  void go_on() {
    const int64_t now = world_.unix_ms();
    auto late = std::move(late_);
    late_.clear();
    for (auto& [at, what] : late)
      if (at <= now)
        deliver(what);
      else
        late_.push_back({at, what});
    for (auto& [hash, p] : payments_)
      if (p.status == "IN_FLIGHT" && p.ends_at <= now) end(p);
  }

  void end(Payment& p) {
    p.status = p.will_settle ? "SUCCEEDED" : "FAILED";
    if (p.will_settle) ++spent[p.what.line], paid += p.what.amount, fees += fee_of(p.what.amount);
  }

  Report deliver(const Outgoing& p) {
    const std::string hash = to_hex(p.hash);
    const auto known = payments_.find(hash);
    if (known != payments_.end() && known->second.status != "FAILED") return {.evidence = Evidence::in_flight, .reason = "already exists", .preimage = {}, .amount = {}, .fee = {}};
    if (!p.invoice.empty() && lightning::decode_bolt11(p.invoice).expires_at() <= world_.unix_seconds())
      return {.evidence = Evidence::failed, .reason = "invoice expired", .preimage = {}, .amount = {}, .fee = {}, .try_again = false};
    Payment& at = payments_[hash];
    if (at.index == 0) at.index = ++last_index_;
    at.what = p, at.hash = hash, at.status = "IN_FLIGHT", at.created_ms = world_.unix_ms();
    at.preimage = p.invoice.empty() ? to_hex(p.preimage) : preimages_.at(hash);
    at.will_settle = fee_of(p.amount) <= p.fee_limit && !fault(10);
    at.ends_at = world_.unix_ms() + (fault(15) ? static_cast<int64_t>(world_.random(86'400'000)) : 0);
    if (at.ends_at <= world_.unix_ms()) end(at);
    return about(hash);
  }

  Report about(const std::string& hash) {
    const auto found = payments_.find(hash);
    if (found == payments_.end()) return {.evidence = Evidence::not_found, .reason = "not found", .preimage = {}, .amount = {}, .fee = {}};
    const Payment& p = found->second;
    if (p.status == "SUCCEEDED") return {.evidence = Evidence::settled, .reason = {}, .preimage = p.preimage, .amount = p.what.amount, .fee = fee_of(p.what.amount)};
    return {.evidence = p.status == "FAILED" ? Evidence::failed : Evidence::in_flight, .reason = p.status == "FAILED" ? "no route" : "", .preimage = {}, .amount = {}, .fee = {}};
  }

  struct Late {
    int64_t at;
    Outgoing what;
  };
  OneAtATime& world_;
  std::map<std::string, Payment> payments_;
  std::map<std::string, std::string> preimages_;
  std::vector<Late> late_;
  uint64_t last_index_ = 0;
};

// The way to it: each call gives way before and after.
class SimLine : public Backend {
 public:
  SimLine(SimNode& node, OneAtATime& world) : node_(node), world_(world) {}
  const char* name() const override { return "lnd"; }
  Identity identify() override { return {"regtest", node_key, "0.21", false}; }
  Report send(const Outgoing& p) override {
    return around([&] { return node_.send(p); });
  }
  Report track(const PaymentHash& h) override {
    return around([&] { return node_.track(to_hex(h)); });
  }
  bool has_htlc(const PaymentHash& h) override {
    return around([&] { return node_.has_htlc(to_hex(h)); });
  }
  void list(uint64_t after, const std::function<void(const Listed&)>& each) override {
    around([&] { return node_.list(after, each), 0; });
  }
  std::optional<std::string> invoice_for(const payout::Destination& d, Msat pay) override {
    if (d.kind == payout::DestinationKind::node) return {};
    return around([&]() -> std::optional<std::string> {
      if (node_.fault(5)) throw Error(Exit::unavailable, "the service is down");
      return node_.new_invoice(pay);
    });
  }

 private:
  template <class F>
  std::invoke_result_t<F> around(F&& call) {
    world_.give_way();
    auto result = call();
    world_.give_way();
    return result;
  }
  SimNode& node_;
  OneAtATime& world_;
};

}  // namespace hh::ln::test

#include "faults/matrix.h"

#include <catch2/catch.hpp>

#include <iterator>
#include <sstream>

namespace hh::ln::test {
namespace {

constexpr const char* names[columns] = {"RESOLVED", "SENDING (lost)", "SENDING (paid)", "INFLIGHT", "UNKNOWN (lost)", "UNKNOWN (under way)", "UNKNOWN (paid)", "FAILED_SAFE", "PAID", "HELD (lost)",
                                        "HELD (under way)"};
constexpr int64_t day_ms = 86'400'000;
constexpr uint8_t witness = 200;  // number of the invoice that was paid before

std::vector<std::string> words(const char* text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

// One cell: two lines, of which the first was paid before, so that a node without its history can be told from one that never knew the second.
class Cell {
 public:
  Cell(const Row& row, Column column, std::unique_ptr<FakeNode> (*make)(Clock&), Payee payee)
      : row_(row), column_(column), node_(make(clock_)), backend_(node_->backend()),
        manifest_(payee == Payee::lnurl ? manifest(2) : manifest(2, std::vector(2, payout::Destination{payout::DestinationKind::bolt12, test_offer()}))) {
    journal_.add(manifest_);
    pay_witness();
    prepare();
  }
  ~Cell() { node_->go_down(); }

  void run_and_check() {
    row_.strike(*node_);
    backend_ = node_->backend();
    run();
    CHECK_THAT(words(row_.after).at(index()), Catch::Matchers::Contains(state()));
    clock_.advance_ms(day_ms);
    if (row_.a_day_later) row_.a_day_later(*node_);
    run();
    heal();
    for (const int64_t later : {int64_t{0}, day_ms / 24, day_ms, day_ms}) {
      clock_.advance_ms(later);
      run();
      if (later == 0 && is_held()) journal_.release(manifest_id, 1);
    }
    CHECK_THAT(words(row_.at_the_end).at(index()), Catch::Matchers::Contains(state()));
  }

 private:
  size_t index() const { return static_cast<size_t>(column_); }
  bool is_held() const { return column_ == Column::held_unknown || column_ == Column::held_flight; }
  Line line(int64_t number = 1) { return journal_.line(manifest_id, number); }
  std::string state() { return std::string(state_text(line().attempt->state)).substr(0, 1); }

  Attempt start(int64_t number, uint8_t invoice) {
    const Line l = line(number);
    const auto start_with = [&](const auto& decoded) {
      return journal_.start(l, {decoded.text, decoded.payment_hash, decoded.payee, decoded.expires_at()}, backend_->name(), node_key, Msat(100'000));
    };
    if (l.destination.kind == payout::DestinationKind::bolt12) return start_with(lightning::decode_bolt12_invoice(offer_invoice(invoice, l.pay, "", clock_.unix_seconds())));
    return start_with(lightning::decode_bolt11(invoice_number(invoice, l.pay, clock_.unix_seconds())));
  }

  void pay_witness() {
    Attempt a = start(0, witness);
    node_->put(a.hash, a.amount, Truth::paid);
    REQUIRE(journal_.apply(a, Event::send));
    REQUIRE(journal_.apply(a, Event::settled, {.reason = {}, .preimage = preimage_hex(witness), .fee = Msat(1000), .fee_limit = {}}));
  }

  void prepare() {
    Attempt a = start(1, ++invoices_);
    const auto now = [&](Event e) { REQUIRE(journal_.apply(a, e, {.reason = "prepared", .preimage = e == Event::settled ? preimage_hex(1) : "", .fee = {}, .fee_limit = {}})); };
    if (column_ != Column::resolved) now(Event::send);
    switch (column_) {
      case Column::resolved:
      case Column::sending: return;
      case Column::sending_paid: return node_->put(a.hash, a.amount, Truth::paid);
      case Column::inflight: return node_->put(a.hash, a.amount, Truth::under_way), now(Event::in_flight);
      case Column::held_unknown:
      case Column::unknown: now(Event::no_answer); break;
      case Column::held_flight:
      case Column::unknown_flight: node_->put(a.hash, a.amount, Truth::under_way), now(Event::no_answer); break;
      case Column::unknown_paid: return node_->put(a.hash, a.amount, Truth::paid), now(Event::no_answer);
      case Column::failed: return node_->put(a.hash, a.amount, Truth::failed), now(Event::failed);
      case Column::paid: return node_->put(a.hash, a.amount, Truth::paid), now(Event::settled);
    }
    if (is_held()) REQUIRE(journal_.hold(manifest_id, 1, "the operator looks into it"));
  }

  // LNURL: parameters first, then a new invoice for each call.
  std::string service(const std::string& url) {
    if (url.find("/.well-known/") != std::string::npos)
      return R"({"tag":"payRequest","callback":"https://example.com/pay","minSendable":1000,"maxSendable":100000000000,"metadata":"[[\"text/plain\",\"mining\"]]"})";
    return R"({"pr":")" + invoice_number(++invoices_, line().pay, clock_.unix_seconds()) + "\"}";
  }

  void run() {
    try {
      settle(journal_, *backend_, clock_, manifest_, {.attempts = 2, .backoff_ms = 1, .wait_ms = 0}, [this](const std::string& url) { return service(url); });
    } catch (const Error& e) {
      INFO(e.what());
      CHECK((e.code() == Exit::unavailable || e.code() == Exit::temp_fail));
    }
    check_invariants();
  }

  void check_invariants() {
    int64_t spent = 0;
    for (const auto& [hash, truth] : node_->truth()) {
      const auto attempt = journal_.attempt_of(hash);
      REQUIRE(attempt);
      if (attempt->line != 1) continue;
      spent += node_->spent(hash);
      if (attempt->state == State::paid) CHECK(node_->spent(hash) == 1);
      if (attempt->state == State::failed_safe && !row_.node_lies) CHECK(truth.state == Truth::failed);
      if (attempt->number < line().attempt->number) CHECK(truth.state == Truth::failed);
    }
    CHECK(spent <= 1);
    CHECK((state() == "P") <= (spent == 1));
  }

  void heal() {
    node_->come_up();
    node_->send = node_->track = {};
    node_->fate = Fate::paid;
    node_->settle_all();
    backend_ = node_->backend();
  }

  const Row& row_;
  Column column_;
  Folder folder_;
  FakeClock clock_;
  Journal journal_{folder_.file("db"), true, clock_};
  std::unique_ptr<FakeNode> node_;
  std::unique_ptr<Backend> backend_;
  payout::VerifiedManifest manifest_;
  uint8_t invoices_ = 0;
};

}  // namespace

std::function<void(FakeNode&)> on(Fault send, bool lost, Fault track, Fate fate) {
  return [=](FakeNode& n) { n.send = {send, lost}, n.track = {track}, n.fate = fate; };
}

void check_row(const Row& row, std::unique_ptr<FakeNode> (*make)(Clock&), Payee payee) {
  REQUIRE(words(row.after).size() == columns);
  REQUIRE(words(row.at_the_end).size() == columns);
  for (size_t i = 0; i < columns; ++i) {
    INFO(row.fault << " × " << names[i]);
    Cell(row, static_cast<Column>(i), make, payee).run_and_check();
  }
}

}  // namespace hh::ln::test

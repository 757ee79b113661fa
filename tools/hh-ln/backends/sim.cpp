#include "backends/sim.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "base/error.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace hh::ln {
namespace {

constexpr const char* tables = R"sql(
CREATE TABLE IF NOT EXISTS wallet (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS invoices (payment_hash TEXT PRIMARY KEY, preimage TEXT NOT NULL, amount_msat INTEGER NOT NULL, destination TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS payments (seq INTEGER PRIMARY KEY AUTOINCREMENT, payment_hash TEXT NOT NULL UNIQUE, manifest_id TEXT NOT NULL, line INTEGER NOT NULL,
  amount_msat INTEGER NOT NULL, fee_msat INTEGER NOT NULL, status TEXT NOT NULL, preimage TEXT NOT NULL, tracks_left INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;
-- One row each time that money really left: what tests count.
CREATE TABLE IF NOT EXISTS spent (seq INTEGER PRIMARY KEY AUTOINCREMENT, payment_hash TEXT NOT NULL, manifest_id TEXT NOT NULL, line INTEGER NOT NULL,
  amount_msat INTEGER NOT NULL, fee_msat INTEGER NOT NULL) STRICT;
)sql";

constexpr const char* fault_names[] = {"not_connected", "request_lost", "reply_lost", "fail", "in_flight", "slow_ms", "wrong_preimage", "down"};
constexpr int32_t wallet_application_id = 0x48485357;  // "HHSW"

std::map<std::string, int64_t, std::less<>> parse_faults(const std::string& text) {
  std::map<std::string, int64_t, std::less<>> out;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t equals = part.find('=');
    const std::string name = part.substr(0, equals), number = equals == std::string::npos ? "1" : part.substr(equals + 1);
    int64_t n = 0;
    const auto [at, error] = std::from_chars(number.data(), number.data() + number.size(), n);
    if (std::find(std::begin(fault_names), std::end(fault_names), name) == std::end(fault_names) || error != std::errc{} || at != number.data() + number.size() || n < 0)
      throw Error(Exit::config, fmt::format("sim.faults: \"{}\" is not a fault of the simulated wallet with a number: see hh-ln(1)", part));
    out[name] = n;
  }
  return out;
}

bitcoin::Network network_of(const std::string& chain) {
  const auto network = bitcoin::network_from_name(chain);
  if (!network || *network == bitcoin::Network::main) throw Error(Exit::config, fmt::format("the simulated wallet cannot pay on chain {}", chain));
  return *network;
}

Report down() { return {.evidence = Evidence::not_sent, .reason = "the simulated wallet is down", .preimage = {}, .amount = {}, .fee = {}}; }

}  // namespace

SimFaults::SimFaults(const std::string& text) : left_(parse_faults(text)) {}

bool SimFaults::take(const char* name) {
  const std::lock_guard lock(mutex_);
  const auto found = left_.find(name);
  if (found == left_.end() || found->second == 0) return false;
  --found->second;
  return true;
}

int64_t SimFaults::left(const char* name) const {
  const std::lock_guard lock(mutex_);
  const auto found = left_.find(name);
  return found == left_.end() ? 0 : found->second;
}

SimBackend::SimBackend(SimConfig config, Clock& clock)
    : config_(std::move(config)), clock_(clock),
      db_(config_.wallet, {.mode = store::Mode::create, .busy_timeout_ms = 60'000, .application_id = wallet_application_id, .on_fatal = {}, .vfs = {}}),
      faults_(config_.shared_faults ? config_.shared_faults : std::make_shared<SimFaults>(config_.faults)) {
  network_of(config_.chain);
  store::Transaction tx(db_);
  db_.execute(tables);
  auto put = db_.statement("INSERT OR IGNORE INTO wallet (key, value) VALUES (?1, ?2)");
  put.run("id", "sim-" + to_hex(crypto::system_random().bytes(16)));
  put.run("key", to_hex(crypto::system_random().bytes(32)));
  put.run("balance_msat", std::to_string(config_.balance_msat));
  tx.commit();
}

std::string SimBackend::value(const char* key) {
  auto row = db_.statement("SELECT value FROM wallet WHERE key = ?1");
  return row.first(key) ? row.text(0) : "";
}

Identity SimBackend::identify() {
  if (fault("down") > 0) throw Error(Exit::unavailable, "the simulated wallet is down");
  return {config_.chain, value("id"), "sim", true};
}

Report SimBackend::send(const Outgoing& payment) {
  if (fault("down") > 0 || take("not_connected")) return down();
  if (fault("slow_ms") > 0) clock_.sleep_ms(fault("slow_ms"));
  if (take("request_lost")) return {.evidence = Evidence::unknown, .reason = "no answer", .preimage = {}, .amount = {}, .fee = {}};
  const Report report = pay(payment);
  if (take("reply_lost")) return {.evidence = Evidence::unknown, .reason = "the answer got lost", .preimage = {}, .amount = {}, .fee = {}};
  return report;
}

Report SimBackend::pay(const Outgoing& p) {
  const std::string hash = to_hex(p.hash);
  store::Transaction tx(db_);
  auto known = db_.statement("SELECT status FROM payments WHERE payment_hash = ?1");
  if (known.first(hash) && known.text(0) != "FAILED") return {.evidence = Evidence::in_flight, .reason = "the payment already exists", .preimage = {}, .amount = {}, .fee = {}};
  known.reset();
  auto invoice = db_.statement("SELECT preimage, amount_msat FROM invoices WHERE payment_hash = ?1");
  const bool keysend = p.invoice.empty(), has_invoice = !keysend && invoice.first(hash);
  const std::string preimage = keysend ? to_hex(p.preimage) : has_invoice ? invoice.text(0) : "";
  invoice.reset();
  const Msat fee(p.amount.count() / 1'000'000 * config_.fee_ppm + p.amount.count() % 1'000'000 * config_.fee_ppm / 1'000'000);
  db_.statement("INSERT INTO payments (payment_hash, manifest_id, line, amount_msat, fee_msat, status, preimage, tracks_left, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, 'IN_FLIGHT', ?6, ?7, ?8) "
                "ON CONFLICT (payment_hash) DO UPDATE SET status = 'IN_FLIGHT', tracks_left = excluded.tracks_left")
      .run(hash, p.manifest_id, p.line, p.amount, fee, preimage, fault("in_flight"), clock_.unix_ms());
  Report report{.evidence = Evidence::in_flight, .reason = "", .preimage = {}, .amount = {}, .fee = {}};
  if (preimage.empty()) report = refuse(hash, "no route: the simulated wallet pays only invoices that it made", false);
  else if (take("fail")) report = refuse(hash, "no route", true);
  else if (fee > p.fee_limit) report = refuse(hash, fmt::format("no route within the fee limit of {} msat", p.fee_limit.count()), true);
  else if (p.amount.count() + fee.count() > std::stoll(value("balance_msat"))) report = refuse(hash, "insufficient balance", false);
  else if (fault("in_flight") == 0) settle(hash);
  tx.commit();
  return report.evidence == Evidence::failed || fault("in_flight") > 0 ? report : track(p.hash);
}

Report SimBackend::refuse(const std::string& hash, const std::string& reason, bool try_again) {
  db_.statement("UPDATE payments SET status = 'FAILED' WHERE payment_hash = ?1").run(hash);
  return {.evidence = Evidence::failed, .reason = reason, .preimage = {}, .amount = {}, .fee = {}, .try_again = try_again};
}

// REQUIRES an open transaction.
void SimBackend::settle(const std::string& hash) {
  if (db_.statement("UPDATE payments SET status = 'SUCCEEDED' WHERE payment_hash = ?1 AND status = 'IN_FLIGHT'").run(hash) == 0) return;
  db_.statement("INSERT INTO spent (payment_hash, manifest_id, line, amount_msat, fee_msat) SELECT payment_hash, manifest_id, line, amount_msat, fee_msat FROM payments WHERE payment_hash = ?1").run(hash);
  db_.statement("UPDATE wallet SET value = CAST(CAST(value AS INTEGER) - (SELECT amount_msat + fee_msat FROM payments WHERE payment_hash = ?1) AS TEXT) WHERE key = 'balance_msat'").run(hash);
}

Report SimBackend::track(const PaymentHash& hash) {
  if (fault("down") > 0) return down();
  const std::string hex = to_hex(hash);
  store::Transaction tx(db_);
  if (db_.statement("UPDATE payments SET tracks_left = tracks_left - 1 WHERE payment_hash = ?1 AND status = 'IN_FLIGHT' AND tracks_left > 0").run(hex) == 0) settle(hex);
  auto row = db_.statement("SELECT status, preimage, amount_msat, fee_msat FROM payments WHERE payment_hash = ?1");
  Report report{.evidence = Evidence::not_found, .reason = "the wallet does not know the payment", .preimage = {}, .amount = {}, .fee = {}};
  if (row.first(hex)) {
    const std::string status = row.text(0);
    if (status == "SUCCEEDED") report = {.evidence = Evidence::settled, .reason = "", .preimage = row.text(1), .amount = row.msat(2), .fee = row.msat(3)};
    else if (status == "FAILED") report = {.evidence = Evidence::failed, .reason = "no route", .preimage = {}, .amount = {}, .fee = {}};
    else report = {.evidence = Evidence::in_flight, .reason = "", .preimage = {}, .amount = {}, .fee = {}};
  }
  row.reset();
  tx.commit();
  if (report.evidence == Evidence::settled && take("wrong_preimage")) report.preimage = std::string(64, '0');
  return report;
}

bool SimBackend::has_htlc(const PaymentHash& hash) {
  return db_.statement("SELECT 1 FROM payments WHERE payment_hash = ?1 AND status = 'IN_FLIGHT'").first(to_hex(hash));
}

void SimBackend::list(uint64_t after, const std::function<void(const Listed&)>& each) {
  std::vector<Listed> all;
  {
    auto rows = db_.statement("SELECT payment_hash, amount_msat, fee_msat, status, preimage, created_ms, seq FROM payments WHERE seq > ?1 ORDER BY seq");
    for (bool more = rows.first(after); more; more = rows.step())
      all.push_back({rows.text(0), rows.msat(1), rows.msat(2), rows.text(3), rows.text(3) == "SUCCEEDED" ? rows.text(4) : "", rows.int64(5), static_cast<uint64_t>(rows.int64(6))});
  }
  for (const Listed& p : all) each(p);
}

// One channel of the size of what it began with.
std::optional<Balances> SimBackend::balances() {
  if (fault("down") > 0) throw Error(Exit::unavailable, "the simulated wallet is down");
  const int64_t balance = std::stoll(value("balance_msat")), spent = db_.query_int64("SELECT coalesce(sum(amount_msat + fee_msat), 0) FROM spent");
  return Balances{.confirmed = Sat(0), .unconfirmed = Sat(0), .local = Msat(balance), .remote = Msat(spent)};
}

std::optional<std::string> SimBackend::invoice_for(const payout::Destination& destination, Msat amount) {
  const Bytes preimage = crypto::system_random().bytes(32), secret = crypto::system_random().bytes(32);
  lightning::NewInvoice n;
  n.currency = lightning::invoice_currency(network_of(config_.chain));
  n.amount = amount;
  n.payment_hash = crypto::sha256(BytesView(preimage));
  std::copy(secret.begin(), secret.end(), n.payment_secret.begin());
  n.timestamp = clock_.unix_seconds();
  n.expiry_seconds = config_.invoice_seconds;
  n.description = "simulated";
  std::array<uint8_t, 32> key{};
  from_hex(value("key"), key);
  db_.statement("INSERT INTO invoices (payment_hash, preimage, amount_msat, destination) VALUES (?1, ?2, ?3, ?4)").run(to_hex(n.payment_hash), to_hex(preimage), amount, destination.value);
  return lightning::encode_bolt11(n, key);
}

}  // namespace hh::ln

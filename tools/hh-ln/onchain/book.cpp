#include "onchain/book.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "json/strict.h"

namespace hh::ln {
namespace {

constexpr std::array<std::string_view, 4> names{"RECORDED", "BROADCAST", "CONFIRMED", "CONFLICTED"};

BatchState state_of(std::string_view text) {
  const auto at = std::find(names.begin(), names.end(), text);
  if (at == names.end()) throw Error(Exit::data, fmt::format("the journal has a transaction in the unknown state {}", text));
  return static_cast<BatchState>(at - names.begin());
}

std::string order_text(int64_t id) { return fmt::format("to be paid on chain (order {})", id); }

// A line that has moved since it was judged has to be judged again: the service may be working it in another thread.
void require_unchanged(Journal& journal, const Line& judged) {
  const Line now = journal.line(judged.manifest_id, judged.line);
  const auto sends = [](const Line& l) { return l.attempt ? std::pair(l.attempt->number, l.attempt->sends) : std::pair<int64_t, int64_t>(); };
  if (now.held_reason != judged.held_reason || sends(now) != sends(judged) || now.onchain)
    throw Error(Exit::temp_fail, fmt::format("line {} of manifest {} has changed meanwhile, and nothing was sent: run again", judged.line, judged.manifest_id));
}

bitcoin::OutPoint outpoint(const std::string& txid, int64_t vout) {
  const auto hash = bitcoin::Hash256::from_display_hex(txid);
  if (!hash) throw Error(Exit::data, "the journal has a transaction id that is not 64 hex digits");
  return {*hash, static_cast<uint32_t>(vout)};
}

}  // namespace

std::string_view state_text(BatchState s) { return names.at(static_cast<size_t>(s)); }

std::vector<Msat> divide_fee(Sat fee, size_t lines) {
  const auto n = static_cast<int64_t>(lines);
  const int64_t total = to_msat(fee).count();
  std::vector<Msat> out;
  for (int64_t i = 0; i < n; ++i) out.emplace_back(total / n + (i < total % n ? 1 : 0));
  return out;
}

OnchainBook::OnchainBook(Journal& journal, const Clock& clock) : journal_(journal), db_(journal.database()), clock_(clock) {}

void OnchainBook::order(const std::string& manifest_id, int64_t number, const std::optional<std::string>& address, const std::string& reason) {
  Line line = journal_.line(manifest_id, number);
  if (line.onchain || is_paid_by_rival(line) || (line.attempt && line.attempt->state != State::failed_safe && line.attempt->state != State::resolved))
    throw Error(Exit::data, fmt::format("line {} of manifest {} is paid, or its payment is under way", number, manifest_id));
  Journal::Work tx(journal_);
  if (line.attempt) journal_.apply(*line.attempt, Event::expired, {.reason = "to be paid on chain instead: it is not sent", .preimage = {}, .fee = {}, .fee_limit = {}});
  db_.statement("INSERT INTO onchain_orders (manifest_id, line, address, reason, time_ms) VALUES (?1, ?2, ?3, ?4, ?5)")
      .run(manifest_id, number, address, json::clean_text(reason, max_reason), clock_.unix_ms());
  journal_.hold_anew(manifest_id, number, order_text(db_.last_insert_rowid()));
  tx.commit();
}

std::optional<Order> OnchainBook::order_of(const Line& line) {
  auto row = db_.statement("SELECT id, address, time_ms FROM onchain_orders WHERE manifest_id = ?1 AND line = ?2 ORDER BY id DESC LIMIT 1");
  if (!row.first(line.manifest_id, line.line) || line.held_reason != order_text(row.int64(0))) return {};
  return Order{row.optional_text(1), row.int64(2)};
}

OnchainBatch OnchainBook::record(const Checked& c, const std::vector<Target>& targets, const std::vector<Coin>& coins, const std::string& backend, const std::string& node,
                                 const std::string& chain, int64_t height) {
  Sat amount;
  for (const Target& t : targets) amount += t.output.value;
  std::vector<size_t> by_vout(targets.size());
  for (size_t i = 0; i < by_vout.size(); ++i) by_vout[i] = i;
  std::sort(by_vout.begin(), by_vout.end(), [&](size_t a, size_t b) { return c.vouts[a] < c.vouts[b]; });
  const std::vector<Msat> fees = divide_fee(c.fee, targets.size());

  Journal::Work tx(journal_);
  for (const Target& t : targets) require_unchanged(journal_, t.line);
  const int64_t now = clock_.unix_ms();
  db_.statement("INSERT INTO onchain_batches (txid, raw_tx, backend, node, chain, lines, amount_sat, fee_sat, vsize, change_vout, change_sat, height, state, created_ms, changed_ms) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'RECORDED', ?13, ?13)")
      .run(c.txid, to_hex(bitcoin::serialize(c.transaction)), backend, node, chain, targets.size(), amount, c.fee, c.vsize, c.change ? std::optional(int64_t{c.change->vout}) : std::nullopt,
           c.change ? std::optional(c.change->value) : std::nullopt, height, now);
  const int64_t id = db_.last_insert_rowid();
  for (const Coin& coin : coins)
    db_.statement("INSERT INTO onchain_inputs (batch, txid, vout, value_sat) VALUES (?1, ?2, ?3, ?4)").run(id, coin.outpoint.txid.to_display_hex(), coin.outpoint.index, coin.value);
  for (size_t n = 0; n < by_vout.size(); ++n) {
    const Target& t = targets[by_vout[n]];
    const Line& l = t.line;
    journal_.hold_anew(l.manifest_id, l.line, "paid on chain by transaction " + c.txid);
    db_.statement("INSERT INTO onchain_lines (batch, vout, manifest_id, line, address, amount_sat, fee_msat) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .run(id, c.vouts[by_vout[n]], l.manifest_id, l.line, t.address, t.output.value, fees[n]);
  }
  // What the table says about whole batches is checked by an update.
  db_.statement("UPDATE onchain_batches SET changed_ms = changed_ms WHERE id = ?1").run(id);
  tx.commit();
  return *batch(c.txid);
}

std::vector<OnchainBatch> OnchainBook::read(const char* condition) {
  std::vector<OnchainBatch> out;
  {
    auto rows = db_.statement(std::string("SELECT id, txid, raw_tx, backend, node, chain, amount_sat, fee_sat, vsize, change_vout, change_sat, height, state, broadcasts, confirmations, reason, "
                                          "created_ms, changed_ms FROM onchain_batches WHERE ") +
                              condition + " ORDER BY id");
    while (rows.step()) {
      OnchainBatch b;
      b.id = rows.int64(0), b.txid = rows.text(1), b.raw = from_hex(rows.text_view(2)).value_or(Bytes()), b.backend = rows.text(3), b.node = rows.text(4), b.chain = rows.text(5);
      b.amount = rows.sat(6), b.fee = rows.sat(7), b.vsize = rows.int64(8);
      if (!rows.is_null(9)) b.change_vout = static_cast<uint32_t>(rows.int64(9)), b.change = rows.sat(10);
      b.height = rows.int64(11), b.state = state_of(rows.text_view(12)), b.broadcasts = rows.int64(13), b.confirmations = rows.int64(14), b.reason = rows.text(15);
      b.created_ms = rows.int64(16), b.changed_ms = rows.int64(17);
      out.push_back(std::move(b));
    }
  }
  for (OnchainBatch& b : out) read_parts(b);
  return out;
}

void OnchainBook::read_parts(OnchainBatch& b) {
  auto inputs = db_.statement("SELECT txid, vout FROM onchain_inputs WHERE batch = ?1 ORDER BY txid, vout");
  for (bool more = inputs.first(b.id); more; more = inputs.step()) b.inputs.push_back(outpoint(inputs.text(0), inputs.int64(1)));
  auto lines = db_.statement("SELECT manifest_id, line, vout, address, amount_sat, fee_msat FROM onchain_lines WHERE batch = ?1 ORDER BY vout");
  for (bool more = lines.first(b.id); more; more = lines.step())
    b.lines.push_back({lines.text(0), lines.int64(1), static_cast<uint32_t>(lines.int64(2)), lines.text(3), lines.sat(4), lines.msat(5)});
}

std::vector<OnchainBatch> OnchainBook::batches() { return read("true"); }
std::vector<OnchainBatch> OnchainBook::unsettled() { return read("state IN ('RECORDED', 'BROADCAST')"); }

std::vector<OnchainBatch> OnchainBook::untold() {
  return read("state IN ('RECORDED', 'BROADCAST') OR id IN (SELECT batch FROM onchain_events WHERE to_state IN ('CONFIRMED', 'CONFLICTED') "
              "AND id > coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'told_onchain_event'), 0))");
}

void OnchainBook::told() {
  db_.execute("INSERT INTO meta (key, value) SELECT 'told_onchain_event', CAST(coalesce(max(id), 0) AS TEXT) FROM onchain_events WHERE true ON CONFLICT (key) DO UPDATE SET value = excluded.value "
              "WHERE excluded.value <> value");
}

std::optional<OnchainBatch> OnchainBook::batch(const std::string& txid) {
  for (OnchainBatch& b : batches())
    if (b.txid == txid) return std::move(b);
  return {};
}

void OnchainBook::note_sending(OnchainBatch& b) {
  db_.statement("UPDATE onchain_batches SET broadcasts = broadcasts + 1, changed_ms = ?2 WHERE id = ?1").run(b.id, clock_.unix_ms());
  ++b.broadcasts;
}

void OnchainBook::move(OnchainBatch& b, BatchState to, int64_t confirmations, const std::string& reason) {
  const std::string said = json::clean_text(reason, max_reason);
  if (to == b.state && confirmations == b.confirmations && said == b.reason) return;
  const int64_t now = clock_.unix_ms();
  db_.statement("UPDATE onchain_batches SET state = ?2, confirmations = ?3, reason = ?4, changed_ms = ?5 WHERE id = ?1").run(b.id, state_text(to), confirmations, said, now);
  b.state = to, b.confirmations = confirmations, b.reason = said, b.changed_ms = now;
}

void OnchainBook::give_up(OnchainBatch& b, const WalletTransaction& rival) {
  const auto own = bitcoin::parse_transaction(b.raw).outputs;
  auto paid = rival.outputs;
  const std::string reason = fmt::format("transaction {} has spent its coins", rival.txid);
  Journal::Work tx(journal_);
  move(b, BatchState::conflicted, 0, reason);
  for (const OnchainLine& l : b.lines) {
    const auto output = std::find(paid.begin(), paid.end(), own.at(l.vout));
    journal_.hold_anew(l.manifest_id, l.line,
                       output != paid.end() ? paid_by_rival(rival.txid, b.txid)
                                            : fmt::format("transaction {} that was to pay this line is void ({}): release it to have it paid otherwise", b.txid, reason));
    if (output != paid.end()) paid.erase(output);  // each output pays one line
  }
  tx.commit();
}

void OnchainBook::note_bump(const OnchainBatch& b, int64_t sat_per_vbyte, Sat budget) {
  db_.statement("INSERT INTO onchain_bumps (batch, vout, sat_per_vbyte, budget_sat, time_ms) VALUES (?1, ?2, ?3, ?4, ?5)").run(b.id, b.change_vout.value(), sat_per_vbyte, budget, clock_.unix_ms());
}

bool OnchainBook::is_paid_over_lightning(const OnchainLine& l) {
  return db_.statement("SELECT 1 FROM attempts WHERE manifest_id = ?1 AND line = ?2 AND state = 'PAID'").first(l.manifest_id, l.line);
}

std::set<std::string> OnchainBook::txids() {
  std::set<std::string> out;
  auto rows = db_.statement("SELECT txid FROM onchain_batches");
  while (rows.step()) out.insert(rows.text(0));
  return out;
}

}  // namespace hh::ln

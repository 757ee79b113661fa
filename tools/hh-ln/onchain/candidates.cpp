#include "onchain/candidates.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "bitcoin/script.h"

namespace hh::ln {
namespace {

// Past its expiry by so much, no clock of a payee or node is slow enough to still accept an invoice.
constexpr int64_t surely_expired_seconds = 120;
constexpr std::string_view miner_account = "miner:";

PaymentHash hash_bytes(const std::string& hex) {
  PaymentHash out{};
  if (!from_hex(hex, out)) throw Error(Exit::data, "the journal has a payment hash that is not 64 hex digits");
  return out;
}

bitcoin::Network network_of(const Line& line) {
  const auto network = bitcoin::network_from_name(line.chain);
  if (!network) throw Error(Exit::data, fmt::format("the journal has a manifest of the unknown chain {}", line.chain));
  return *network;
}

// "" where there is none. The invoice's signature is checked by the decoder: the address is the payee's word.
std::string fallback_of(const Line& line, bitcoin::Network network) {
  if (line.destination.kind != payout::DestinationKind::bolt11) return "";
  try {
    const auto invoice = lightning::decode_bolt11(line.replacement.empty() ? line.destination.value : line.replacement);
    if (invoice.currency != lightning::invoice_currency(network)) return "";
    for (const Bytes& script : invoice.fallbacks)
      if (const auto address = bitcoin::address_from_script(script, network)) return *address;
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
  }
  return "";
}

}  // namespace

Place place_of(const Line& line, bitcoin::Network network) {
  if (std::string_view(line.account).starts_with(miner_account)) {
    const std::string name = line.account.substr(miner_account.size());
    const std::string user = name.substr(0, name.find('.'));
    if (bitcoin::script_from_address(user, network)) return {user, "account"};
  }
  const std::string fallback = fallback_of(line, network);
  return fallback.empty() ? Place{} : Place{fallback, "invoice"};
}

Candidates::Candidates(Journal& journal, Backend& backend, Identity identity, const OnchainPolicy& policy, Clock& clock)
    : journal_(journal), backend_(backend), identity_(identity), policy_(policy), clock_(clock), book_(journal, clock), reconciler_(journal, backend, std::move(identity)) {}

// Past the term of its manifest a line waits for the operator, as over Lightning. One who has released or ordered it since then has decided.
bool Candidates::is_too_late(const Line& line, const std::optional<Order>& order) {
  const Term term = journal_.term(line.manifest_id);
  std::optional<int64_t> due;
  if (term.expires_at) due = *term.expires_at * 1000;
  if (policy_.deadline_ms > 0) due = std::min(due.value_or(INT64_MAX), term.first_seen_ms + policy_.deadline_ms);
  return due && clock_.unix_ms() >= *due && line.released_ms < *due && (!order || order->time_ms < *due);
}

std::string Candidates::why_not_now(const Line& line, const std::optional<Order>& order) {
  const bool is_ordered = order.has_value();
  if (line.simulated || line.chain != identity_.chain) return fmt::format("it is of chain {}, and the wallet is on {}", line.simulated ? "dev" : line.chain, identity_.chain);
  if (line.attempt && line.attempt->state == State::resolved) return "an invoice waits to be paid over Lightning";
  if (line.attempt && line.attempt->state != State::failed_safe) return "a payment over Lightning is under way";
  if (line.held_reason && !is_ordered) return fmt::format("it is held ({}): order it with `hh-ln onchain address`, if it is to be paid on chain", *line.held_reason);
  if (const std::string why = journal_.term(line.manifest_id).revoked; !why.empty()) return fmt::format("its manifest is revoked: {}", why);
  if (is_too_late(line, order)) return "its manifest has expired, or is past its deadline";
  if (!line.attempt && line.note.empty() && !is_ordered) return "Lightning has not been tried";
  if (!sub_sat_remainder(line.pay).is_zero()) return "it is not of whole satoshis";
  if (round_down_to_sat(line.pay) < policy_.min) return fmt::format("it is below {} sat (onchain.min_sat)", policy_.min.count());
  return "";
}

Candidate Candidates::judge(const Line& line) {
  Candidate c;
  c.line = line;
  if (line_state(line) == payout::SettlementState::paid || line.onchain) {
    c.is_settled = true;
    return c;
  }
  const bitcoin::Network network = network_of(line);
  c.order = book_.order_of(line);
  const Place place = c.order && c.order->address ? Place{*c.order->address, "operator"} : place_of(line, network);
  c.address = place.address, c.source = place.source;
  c.reason = why_not_now(line, c.order);
  if (!c.reason.empty()) return c;
  if (c.address.empty()) {
    c.reason = "it has no address: `hh-ln onchain address` gives it one";
    return c;
  }
  const auto script = bitcoin::script_from_address(c.address, network);
  if (!script) {
    c.reason = "the address " + script.reason;
    return c;
  }
  c.output = {round_down_to_sat(line.pay), script.script};
  if (c.output.value < bitcoin::dust_threshold(c.output.script)) c.reason = "it is too small for the network";
  return c;
}

std::vector<Candidate> Candidates::of(const std::string& manifest_id) {
  std::vector<Candidate> out;
  for (const Line& line : manifest_id.empty() ? journal_.all_lines() : journal_.lines(manifest_id)) {
    Candidate c = judge(line);
    if (!c.is_settled) out.push_back(std::move(c));
  }
  return out;
}

// "" where this attempt can no longer move money.
std::string Candidates::why_not_dead(Attempt& a) {
  if (a.node != identity_.node) return "";  // it was settled with that node, or never sent
  const Evidence evidence = reconciler_.track(a);
  if (a.state == State::paid) return "it has been paid over Lightning after all";
  if (evidence != Evidence::failed && evidence != Evidence::not_found) return fmt::format("the node does not say that payment {} failed", a.hash);
  try {
    if (backend_.has_htlc(hash_bytes(a.hash))) return fmt::format("a channel carries payment {}", a.hash);
  } catch (const Error& e) {
    if (e.code() != Exit::unavailable) throw;
    return fmt::format("the node does not say what its channels carry: {}", e.what());
  }
  if (a.sends == 0) return "";
  if (clock_.unix_ms() < a.changed_ms + policy_.quiet_ms) return fmt::format("it was sent over Lightning too short a time ago (onchain.quiet_seconds)");
  if (evidence == Evidence::failed) return "";
  if (!a.expires_at || clock_.unix_seconds() < *a.expires_at + surely_expired_seconds) return fmt::format("the node does not know payment {}, and its invoice can still be paid", a.hash);
  if (!reconciler_.node_remembers(a)) return fmt::format("the node does not know payment {}, and may have deleted its history", a.hash);
  return "";
}

void Candidates::require_dead(Candidate& c) {
  for (Attempt& a : journal_.failed_attempts(c.line)) {
    if (!c.reason.empty()) return;
    c.reason = why_not_dead(a);
  }
}

void Candidates::require_unpaid(Candidate& c, const std::vector<WalletTransaction>& made) {
  const std::set<std::string> ours = book_.txids();
  for (const WalletTransaction& t : made) {
    if (!c.reason.empty()) return;
    const bool pays = std::find(t.outputs.begin(), t.outputs.end(), c.output) != t.outputs.end();
    if (!pays || ours.contains(t.txid) || (c.order && c.order->time_ms >= t.time_ms)) continue;
    c.reason = fmt::format("the wallet made transaction {} over exactly this amount to this address, which the journal does not know: order it with `hh-ln onchain address`, if that was for something else",
                           t.txid);
  }
}

}  // namespace hh::ln

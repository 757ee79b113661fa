#include "service/metrics.h"

#include <algorithm>

#include "metrics/exposition.h"

namespace hh::ln {
namespace {

using metrics::Exposition;
using metrics::Kind;

// What the journal says: it goes on where the last run of the service ended.
void put_journal(Exposition& page, Desk& desk) {
  desk.with_journal([&](Journal& journal) {
    store::Database& db = journal.database();
    const QueueFigures q = queue_figures(db);
    const SumFigures s = sum_figures(db);
    const auto count = [&](const char* name) { return s.counters.at(name); };
    const int64_t now = desk.clock().unix_ms();
    page.family("hh_ln_payouts_total", Kind::counter, "Payments over Lightning that ended, by how: PAID, or FAILED_SAFE (the line may be tried again).");
    page.sample({{"state", "PAID"}}, count("paid")), page.sample({{"state", "FAILED_SAFE"}}, count("failed_safe"));
    page.family("hh_ln_onchain_payouts_total", Kind::counter, "Lines whose transaction on chain came to its end: CONFIRMED, or CONFLICTED (it can never be confirmed).");
    page.sample({{"state", "CONFIRMED"}}, count("onchain_paid")), page.sample({{"state", "CONFLICTED"}}, count("onchain_void"));
    page.family("hh_ln_onchain_transactions", Kind::gauge, "Transactions on chain that are not confirmed as deeply as it takes.");
    page.sample(s.transactions);
    page.family("hh_ln_onchain_oldest_transaction_seconds", Kind::gauge, "How long the oldest of these has waited.");
    page.sample({}, metrics::seconds_of_ms(s.oldest_transaction_ms ? now - *s.oldest_transaction_ms : 0));
    page.family("hh_ln_invoices_failed_total", Kind::counter, "Times that asking for an invoice gave none that may be paid.");
    page.sample(count("refusals"));
    page.family("hh_ln_paid_msat_total", Kind::counter, "Paid to payees over Lightning and on chain, without fees.");
    page.sample(count("paid_msat"));
    page.family("hh_ln_fees_paid_msat_total", Kind::counter, "Paid to routing nodes and miners for these payments.");
    page.sample(count("fees_msat"));
    page.family("hh_ln_rebalance_events_total", Kind::counter, "Rebalances of channels, by what happened: SENT, and then PAID or FAILED.");
    page.sample({{"state", "SENT"}}, count("rebalances_sent")), page.sample({{"state", "PAID"}}, count("rebalances_paid")), page.sample({{"state", "FAILED"}}, count("rebalances_failed"));
    page.family("hh_ln_rebalance_fees_msat_total", Kind::counter, "What rebalances cost.");
    page.sample(count("rebalance_fees_msat"));
    page.family("hh_ln_forwards_total", Kind::counter, "Payments of others that the node has forwarded, as far as its history goes back.");
    page.sample(count("forwards"));
    page.family("hh_ln_fees_earned_msat_total", Kind::counter, "What it earned with these.");
    page.sample(count("fees_earned_msat"));
    page.family("hh_ln_reserved_msat", Kind::gauge, "Amounts and fee limits of payments whose outcome is open.");
    page.sample(s.reserved.count());
    page.family("hh_ln_lines", Kind::gauge, "Lines of manifests, by state.");
    for (const char* state : {"PLANNED", "RESOLVED", "SENDING", "INFLIGHT", "UNKNOWN", "PAID", "FAILED_SAFE", "HELD"}) page.sample({{"state", state}}, q.lines.contains(state) ? q.lines.at(state) : 0);
    page.family("hh_ln_queue_lines", Kind::gauge, "Lines that are neither PAID nor HELD.");
    page.sample(q.waiting);
    page.family("hh_ln_queue_msat", Kind::gauge, "What these lines pay.");
    page.sample(q.waiting_amount.count());
    page.family("hh_ln_oldest_waiting_seconds", Kind::gauge, "How long the oldest of these has waited.");
    page.sample({}, metrics::seconds_of_ms(q.oldest_waiting_ms ? now - *q.oldest_waiting_ms : 0));
    page.family("hh_ln_oldest_open_payment_seconds", Kind::gauge, "Age of the oldest payment whose outcome is open.");
    page.sample({}, metrics::seconds_of_ms(q.oldest_open_ms ? now - *q.oldest_open_ms : 0));
    page.family("hh_ln_held_lines", Kind::gauge, "Lines that wait for the operator.");
    page.sample(q.lines.contains("HELD") ? q.lines.at("HELD") : 0);
    page.family("hh_ln_foreign_payments", Kind::gauge, "Outgoing payments of the wallet that the journal does not know and nobody has acknowledged.");
    page.sample(s.unacknowledged);
    page.family("hh_ln_payment_alarms_total", Kind::counter, "Late successes and lines that were paid twice.");
    page.sample(count("alarms"));
    return 0;
  });
}

void put_node(Exposition& page, Desk& desk) {
  const NodeView node = desk.node();
  page.family("hh_ln_node_up", Kind::gauge, "Whether the wallet answers.");
  page.sample(node.is_up ? 1 : 0);
  page.family("hh_ln_sending_blocked", Kind::gauge, "1 where nothing new is sent though nobody has paused it: the wallet is away, or its payments want an explanation.");
  page.sample(node.problem.empty() ? 0 : 1);
  page.family("hh_ln_paused", Kind::gauge, "Whether somebody has paused payments.");
  page.sample(desk.paused() ? 1 : 0);
  page.family("hh_ln_balance_sat", Kind::gauge, "What the wallet has on chain.");
  if (node.balances) page.sample({{"kind", "confirmed"}}, node.balances->confirmed.count()), page.sample({{"kind", "unconfirmed"}}, node.balances->unconfirmed.count());
  page.family("hh_ln_channel_balance_msat", Kind::gauge, "What can be sent (outbound) and received (inbound) over channels.");
  if (node.balances) page.sample({{"direction", "outbound"}}, node.balances->local.count()), page.sample({{"direction", "inbound"}}, node.balances->remote.count());
}

void put_channels(Exposition& page, Desk& desk) {
  const ChannelsView view = desk.channels();
  page.family("hh_ln_channels_up", Kind::gauge, "Whether the node tells of its channels.");
  if (view.is_kept) page.sample(view.seen && view.problem.empty() ? 1 : 0);
  page.family("hh_ln_channels", Kind::gauge, "Channels, by state.");
  for (const char* state : {"active", "inactive", "opening", "closing"})
    if (view.seen) page.sample({{"state", state}}, std::count_if(view.seen->channels.begin(), view.seen->channels.end(), [&](const Channel& c) { return c.state == state; }));
  page.family("hh_ln_channels_capacity_sat", Kind::gauge, "What active channels hold.");
  if (view.seen) page.sample(view.seen->liquidity.capacity.count());
  page.family("hh_ln_channels_local_sat", Kind::gauge, "What of it is ours.");
  if (view.seen) page.sample(view.seen->liquidity.local.count());
  page.family("hh_ln_onchain_reserve_sat", Kind::gauge, "What is confirmed on chain and free (have), and what is to be kept there (want).");
  if (view.seen) page.sample({{"kind", "have"}}, view.seen->liquidity.confirmed.count()), page.sample({{"kind", "want"}}, view.policy.reserve.count());
  page.family("hh_ln_liquidity_alarm", Kind::gauge, "1 while channels raise this alarm: hh-channels(7).");
  for (const char* alarm : {"outbound_low", "inbound_low", "reserve_low", "peer_offline"})
    if (view.seen) page.sample({{"alarm", alarm}}, std::count(view.seen->liquidity.alarms.begin(), view.seen->liquidity.alarms.end(), alarm));
}

void put_counters(Exposition& page, Desk& desk) {
  const Counters& c = desk.counters;
  page.family("hh_ln_journal_write_seconds", Kind::gauge, "How long the last probe of the journal waited until it was durable.");
  page.sample({}, metrics::seconds_of_ms(c.journal_write_ms.load()));
  page.family("hh_ln_manifests_taken_total", Kind::counter, "New manifests since the start.");
  page.sample(c.manifests_taken.load());
  page.family("hh_ln_manifests_refused_total", Kind::counter, "Manifests refused since the start.");
  page.sample(c.manifests_refused.load());
  page.family("hh_ln_source_failures_total", Kind::counter, "Times that the source of manifests did not answer, since the start.");
  page.sample(c.source_failures.load());
  page.family("hh_ln_payment_seconds", Kind::histogram, "From invoice to proof of payments that became PAID.");
  c.payment_seconds.put(page);
}

}  // namespace

std::string metrics_page(Desk& desk, const http::ApiServer* api) {
  Exposition page;
  put_journal(page, desk);
  put_node(page, desk);
  put_channels(page, desk);
  put_counters(page, desk);
  if (api != nullptr) {
    page.family("hh_ln_api_requests_total", Kind::counter, "Answers of the HTTPS interface since the start, by status.");
    for (const auto& [status, count] : api->answers()) page.sample({{"status", std::to_string(status)}}, count);
    page.family("hh_ln_certificate_days_left", Kind::gauge, "Days until the HTTPS interface's certificate expires.");
    page.sample(api->days_left());
  }
  metrics::put_process(page, "hh-ln");
  return page.text();
}

}  // namespace hh::ln

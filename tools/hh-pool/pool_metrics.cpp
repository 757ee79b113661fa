#include "pool_metrics.h"

#include <fmt/format.h>

namespace hh::pool {
namespace {

using metrics::Exposition;
using metrics::Kind;
using metrics::seconds_of_ms;

std::string decimal(Uint128 n) { return metrics::fixed(n, 0); }

void put_shares(Exposition& page, const PoolFigures& p) {
  page.family("hh_pool_shares_accepted_total", Kind::counter, "Shares accepted.");
  page.sample(p.total.accepted.shares);
  page.family("hh_pool_work_accepted_hashes_total", Kind::counter, "Work of the accepted shares: hashes that they take on average.");
  page.sample({}, decimal(p.total.accepted.work));
  page.family("hh_pool_shares_late_total", Kind::counter, "Of the accepted shares since the start: for a tip that had been left a moment before.");
  page.sample(p.late);
  page.family("hh_pool_shares_rejected_total", Kind::counter, "Shares refused, by reason.");
  for (size_t i = 0; i < refused_reasons; ++i) page.sample({{"reason", name(static_cast<Refused>(i))}}, p.total.refused[i].shares);
  page.family("hh_pool_work_rejected_hashes_total", Kind::counter, "Work of the refused shares, by reason.");
  for (size_t i = 0; i < refused_reasons; ++i) page.sample({{"reason", name(static_cast<Refused>(i))}}, decimal(p.total.refused[i].work));
  page.family("hh_pool_hashes_per_second", Kind::gauge, "Hashrate by accepted work, fading with this time constant.");
  for (size_t i = 0; i < rate_names.size(); ++i) page.sample({{"window", rate_names[i]}}, decimal(p.total.hashrate[i]));
  page.family("hh_pool_best_share_difficulty", Kind::gauge, "Difficulty that the best share reached.");
  page.sample({}, difficulty_text(p.total.best));
  page.family("hh_pool_last_share_timestamp_seconds", Kind::gauge, "When the last share was accepted, in seconds since 1970; 0 for never.");
  page.sample({}, seconds_of_ms(p.total.last_share_ms));
}

void put_miners(Exposition& page, const PoolFigures& p) {
  page.family("hh_pool_sessions", Kind::gauge, "Connections of miners.");
  page.sample(p.sessions);
  page.family("hh_pool_connections_total", Kind::counter, "Connections of miners since the start.");
  page.sample(p.connections);
  page.family("hh_pool_miners", Kind::gauge, "Miners (accounts) in the statistics.");
  page.sample(p.miners);
  page.family("hh_pool_workers", Kind::gauge, "Workers in the statistics.");
  page.sample(p.workers);
  page.family("hh_pool_workers_forgotten_total", Kind::counter, "Workers dropped from the statistics, for want of room or after a week.");
  page.sample(p.evicted);
  page.family("hh_pool_workers_not_counted_total", Kind::counter, "Workers that came while the statistics were full of connected ones.");
  page.sample(p.turned_away);
}

void put_guard(Exposition& page, const GuardFigures& g) {
  page.family("hh_pool_turned_away_total", Kind::counter, "Connections closed when they were accepted, by reason: a ban, or which limit.");
  for (size_t i = 0; i < turned_away_kinds; ++i) page.sample({{"reason", name(static_cast<TurnedAway>(i))}}, g.turned_away[i]);
  page.family("hh_pool_offences_total", Kind::counter, "Connections closed for what no miner does, by kind.");
  for (size_t i = 0; i < offence_kinds; ++i) page.sample({{"offence", name(static_cast<Offence>(i))}}, g.offences[i]);
  page.family("hh_pool_bans_total", Kind::counter, "Bans of addresses begun.");
  page.sample(g.bans_begun);
  page.family("hh_pool_banned_addresses", Kind::gauge, "Addresses that are banned now.");
  page.sample(g.banned);
  page.family("hh_pool_guarded_addresses", Kind::gauge, "Addresses that the limits remember.");
  page.sample(g.addresses);
}

void put_work(Exposition& page, const PoolFigures& p) {
  page.family("hh_pool_jobs_total", Kind::counter, "Jobs given to miners.");
  page.sample(p.jobs);
  page.family("hh_pool_blocks_found_total", Kind::counter, "Blocks found.");
  page.sample(p.blocks);
  page.family("hh_pool_block_submissions_total", Kind::counter, "Answers of nodes to submitted blocks.");
  for (size_t i = 0; i < 3; ++i) page.sample({{"result", std::array<const char*, 3>{"accepted", "rejected", "unknown"}[i]}}, p.submissions[i]);
  page.family("hh_pool_nodes", Kind::gauge, "Nodes that the pool is set to use.");
  page.sample(p.nodes);
  page.family("hh_pool_nodes_up", Kind::gauge, "Nodes that answered last time.");
  page.sample(p.nodes_up);
  page.family("hh_pool_jobs_empty_total", Kind::counter, "Jobs without transactions that bridged the time to a new tip's template.");
  page.sample(p.empty_jobs);
  if (p.sv2_certificate_s) {
    page.family("hh_pool_sv2_certificate_seconds_left", Kind::gauge, "Until the certificate of Stratum V2 ends; negative: it has.");
    page.sample({}, std::to_string(*p.sv2_certificate_s));
  }
  if (p.template_age_ms >= 0) {
    page.family("hh_pool_template_age_seconds", Kind::gauge, "Time since a node last confirmed or renewed the template in use.");
    page.sample({}, seconds_of_ms(p.template_age_ms));
  }
  if (p.job.empty()) return;
  page.family("hh_pool_job_age_seconds", Kind::gauge, "Age of the newest job.");
  page.sample({}, seconds_of_ms(p.job_age_ms));
  page.family("hh_pool_template_height", Kind::gauge, "Height of the block that is worked on.");
  page.sample(p.height);
  page.family("hh_pool_template_transactions", Kind::gauge, "Transactions in the newest job, the coinbase included.");
  page.sample(p.transactions);
  page.family("hh_pool_template_fees_bitcoin", Kind::gauge, "Transaction fees in the newest job.");
  page.sample({}, metrics::fixed(static_cast<Uint128>(p.fees_sat), 8));
  page.family("hh_pool_network_difficulty", Kind::gauge, "Difficulty of the block that is worked on.");
  page.sample({}, p.network_difficulty);
}

void put_store(Exposition& page, const PoolFigures& p) {
  page.family("hh_pool_store_up", Kind::gauge, "Whether accepted shares can be stored; 0 is final, the pool ends.");
  page.sample(p.store_failed.empty() ? 1 : 0);
  page.family("hh_pool_last_seq", Kind::gauge, "Number of the last share or block of this source.");
  page.sample(p.last_seq);
  page.family("hh_pool_store_refusing", Kind::gauge, "Whether shares are refused because they cannot be stored now, by reason; it ends by itself, except for failed.");
  for (const Strain s : {Strain::slow_sync, Strain::little_space, Strain::slow_reader, Strain::failed}) page.sample({{"reason", name(s)}}, p.store.strain == s ? 1 : 0);
  page.family("hh_pool_store_waiting_bytes", Kind::gauge, "Bytes of records that are not yet durable in the spool, or without a spool not yet written to the reader.");
  page.sample(p.store.waiting_bytes);
  page.family("hh_pool_store_sync_seconds", Kind::gauge, "How long the sync of the spool that is under way has taken so far.");
  page.sample({}, seconds_of_ms(p.store.sync_ms));
  if (p.store.free_bytes >= 0) {
    page.family("hh_pool_spool_free_bytes", Kind::gauge, "Free space on the spool's disk.");
    page.sample(static_cast<uint64_t>(p.store.free_bytes));
  }
  if (p.spool.empty()) return;
  page.family("hh_pool_spool_bytes", Kind::gauge, "Size of the spool.");
  page.sample(p.spool_bytes);
}

}  // namespace

std::vector<std::string> what_ails(const std::optional<PoolFigures>& p, int64_t most_template_age_ms) {
  if (!p) return {"the event loop does not answer"};
  std::vector<std::string> ills;
  if (!p->store_failed.empty()) ills.push_back("shares cannot be stored: " + p->store_failed);
  else if (p->store.strain != Strain::none) ills.push_back(fmt::format("shares are refused: {}", refusal(p->store.strain)));
  if (p->template_age_ms < 0) ills.push_back("there is no job yet");
  else if (p->template_age_ms > most_template_age_ms)
    ills.push_back(fmt::format("no node has confirmed the template for {} s ({} of {} nodes answer)", p->template_age_ms / 1000, p->nodes_up, p->nodes));
  return ills;
}

std::string metrics_page(const std::optional<PoolFigures>& p, const metrics::DurationHistogram& loop_latency, bool healthy) {
  Exposition page;
  metrics::put_process(page, "hh-pool");
  page.family("hh_pool_healthy", Kind::gauge, "What /healthz says.");
  page.sample(healthy ? 1 : 0);
  page.family("hh_pool_event_loop_up", Kind::gauge, "Whether the event loop answered when this page was made.");
  page.sample(p ? 1 : 0);
  page.family("hh_pool_event_loop_latency_seconds", Kind::histogram, "How long the event loop takes to get to something new, looked at five times a second.");
  loop_latency.put(page);
  if (!p) return page.text();
  put_shares(page, *p);
  put_miners(page, *p);
  put_guard(page, p->guard);
  put_work(page, *p);
  put_store(page, *p);
  return page.text();
}

}  // namespace hh::pool

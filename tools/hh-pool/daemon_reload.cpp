// Reloads: other settings for a pool at work.
//
// All or nothing. What can fail is done first (prepare): read and check the settings, the miners file and the certificate, and make what has
// threads or connections of its own. If anything of it throws, all of it is thrown away and the pool goes on as it was.
//
// What changes while it works is changed in place (Pool::reload, Server::change). Other nodes, another treasury or pool tag make another template
// source, with a run of its own, so that names and coinbases of its jobs are its own too (job.h). It begins beside the one in charge, which goes on
// until the successor has a job on a tip that is not behind: miners get that job without having been idle, of the same tip as one that
// voids nothing. Nodes that do not answer thus change nothing, except that the log says so. A block that is on its way to the nodes of
// before stays on its way; kept ones go to the new nodes, too.
//
// What is bound to an address, a file or an identity stays until a restart or a takeover.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon.h"
#include "descriptors.h"

namespace hh::pool {
namespace {

constexpr int64_t submit_patience_ms = 10'000;  // at the end, for blocks on their way
constexpr int64_t successor_reminder_ms = 10'000;

bool is_one_of(const std::vector<std::string>& changed, std::initializer_list<std::string_view> names) {
  return std::any_of(changed.begin(), changed.end(), [&](const std::string& key) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return name.ends_with('.') ? key.starts_with(name) : key == name; });
  });
}

bool changes_nodes(const std::vector<std::string>& changed) { return is_one_of(changed, {"nodes", "rpc."}); }

bool changes_templates(const std::vector<std::string>& changed) {
  return changes_nodes(changed) || is_one_of(changed, {"treasury", "pool_tag", "coinbase.solo_fee_ppm", "failover.", "template.refresh_seconds", "template.poll_ms", "template.propose", "template.empty_after_ms"});
}

// For the end of what has threads that may wait for a node.
template <class T>
std::future<void> end_aside(std::unique_ptr<T> what) {
  return std::async(std::launch::async, [last = std::move(what)]() mutable { last.reset(); });
}

}  // namespace

struct Daemon::Reload {
  Options now;
  std::vector<std::string> changed;
  Miners miners;
  std::shared_ptr<const net::TlsContext> tls;
  std::shared_ptr<const stratum::ServerKeys> sv2;
  uint64_t run = 0;
  std::unique_ptr<TemplateSource> templates;  // null: as before
  std::unique_ptr<Submitter> submitter;       // null: as before
  std::unique_ptr<ZmqListener> zmq;
};

void Daemon::reload() {
  notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", clock_.monotonic_ms() * 1000));
  try {
    std::optional<Reload> r;
    settings_.reload([&] { r = prepare(); });
    take(std::move(*r));
  } catch (const std::exception& e) {
    log::error("not_reloaded", {{"reason", e.what()}, {"hint", "all settings stay as they were"}});
  }
  notify_service_manager("READY=1");
}

Daemon::Reload Daemon::prepare() {
  Options now = read_options(settings_);
  if (now.pool.chain != options_.pool.chain) throw Error(Exit::config, "chain: a pool stays on its chain; start another one");
  if (now.solo_fee_ppm.has_value() != options_.solo_fee_ppm.has_value()) throw Error(Exit::config, "coinbase.mode: who was let in under one mode may have no place in the other; restart the pool");
  Miners miners(now.pool.chain, settings_.text("miners"), now.pay_to, now.solo_fee_ppm.has_value());
  Reload r{std::move(now), settings_.changed_from(in_effect_), std::move(miners), {}, {}, 0, {}, {}, {}};
  r.tls = make_tls(r.now);
  r.sv2 = make_sv2(r.now);
  r.miners.load();
  if (is_one_of(r.changed, {"zmq"})) r.zmq = make_zmq(r.now);
  r.run = std::max({static_cast<uint64_t>(clock_.unix_ms()), start_.run + 1, successor_run_ + 1});
  if (changes_templates(r.changed)) r.templates = make_templates(r.now, r.run);
  if (changes_nodes(r.changed)) r.submitter = make_submitter(r.now);
  if (r.templates) r.templates->begin();  // last: it has threads. Its first job is posted, and thus found in its place
  return r;
}

void Daemon::take(Reload r) {
  server_->believe(r.now.trusted, std::move(r.tls), std::move(r.sv2));
  if (is_one_of(r.changed, {"limits.connections"})) make_room_for(r.now.most_connections);
  server_->change(ServerLimits{r.now.most_connections}, r.now.listeners);
  miners_ = std::move(r.miners);
  pool_->reload(r.now.pool);
  template_age_.change(r.now.max_age_ms, r.now.when_down);
  if (is_one_of(r.changed, {"zmq"})) std::swap(zmq_, r.zmq);
  if (r.submitter) {
    former_submitters_.push_back(std::move(submitter_));
    submitter_ = std::move(r.submitter);
    submitter_->submit_kept();
  }
  if (r.templates) {
    if (successor_) farewells_.push_back(end_aside(std::move(successor_)));
    successor_ = std::move(r.templates);
    successor_run_ = r.run;
    successor_told_ms_ = clock_.monotonic_ms();
  }
  const auto now = settings_.snapshot();
  const bool doors_stay = same_doors(options_.listeners, r.now.listeners);
  std::string taken;
  for (const std::string& key : r.changed) {
    if (is_reloaded(key) || (key == "listen" && doors_stay)) {
      in_effect_[key] = now.at(key);
      taken += (taken.empty() ? "" : " ") + key;
    } else {
      const bool is_identity = key == "source" || key == "spool";
      log::warn("needs_restart", {{"setting", key}, {"hint", is_identity ? "it says which pool this is" : "hh-pool serve --takeover changes it without a disconnect"}});
    }
  }
  log::info("reloaded", {{"changed", taken}, {"aliases", miners_.size()}});
}

// The first job of the successor that is not behind puts it in charge. Null: not yet. Where all nodes of before are away, they do not say what is behind.
std::shared_ptr<const Job> Daemon::succeed(std::shared_ptr<const Job> job) {
  if (pool_->is_behind(*job) && !template_age_.is_too_old()) return nullptr;
  farewells_.push_back(end_aside(std::move(templates_)));
  templates_ = std::move(successor_);
  start_.run = successor_run_;
  log::info("templates_changed", {{"job", job->record.job}, {"height", job->record.height}});
  const bool new_tip = !pool_->is_of_newest_tip(*job);
  return new_tip == job->new_tip ? job : make_job(job->record, job->number, new_tip, job->block_template);
}

// About once a second.
void Daemon::mind_successors(int64_t now) {
  std::erase_if(former_submitters_, [](const auto& s) { return s->pending() == 0; });
  std::erase_if(farewells_, [](auto& f) { return f.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  if (!successor_ || now - successor_told_ms_ < successor_reminder_ms) return;
  successor_told_ms_ = now;
  const auto nodes = successor_->status().nodes;
  const auto why = std::find_if(nodes.begin(), nodes.end(), [](const auto& n) { return !n.reason.empty(); });
  log::error("templates_not_changed", {{"reason", why == nodes.end() ? "the nodes are behind" : why->reason}, {"hint", "the jobs still come as before the reload"}});
}

size_t Daemon::blocks_on_their_way() const {
  size_t all = submitter_->pending();
  for (const auto& s : former_submitters_) all += s->pending();
  return all;
}

void Daemon::close_submitters() {
  const int64_t until = clock_.monotonic_ms() + submit_patience_ms;
  submitter_->close(submit_patience_ms);
  for (const auto& s : former_submitters_) s->close(std::max<int64_t>(0, until - clock_.monotonic_ms()));
}

}  // namespace hh::pool

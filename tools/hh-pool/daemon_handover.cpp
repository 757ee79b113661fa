// Handovers, on either side (net/handover.h).
//
// The taker first does everything that can fail by itself: settings, miners file, and a template from a node. Then it asks. The owner stops
// between two turns of its loop: every share that it read has been written, synced and answered. What changes hands: the spool's file
// with its lock, the listening sockets, the connections, and the state (state.cpp).
#include <fmt/format.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon.h"
#include "json/strict.h"

namespace hh::pool {
namespace {

constexpr int64_t takeover_patience_ms = 10'000;  // for the other process, at each step

}  // namespace

std::string Daemon::greeting() const {
  json::Json g;
  g["state_version"] = state_version;
  g["source"] = options_.pool.source;
  g["chain"] = std::string(bitcoin::network_name(options_.pool.chain));
  g["version"] = HH_VERSION;
  g["coinbase"] = options_.solo_fee_ppm ? "solo" : "pool";
  return g.dump();
}

std::string Daemon::judge(std::string_view text) const {
  try {
    const json::Json theirs = json::parse(text), ours = json::parse(greeting());
    if (!theirs.is_object()) return "its greeting is no object";
    for (const char* key : {"state_version", "source", "chain"})
      if (!theirs.contains(key) || theirs[key] != ours[key]) return fmt::format("its {} is {}, not {}", key, theirs.value(key, json::Json()).dump(), ours[key].dump());
    if (theirs.value("coinbase", json::Json("pool")) != ours["coinbase"]) return "its coinbase.mode is another: who was let in under one may have no place under the other";
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

void Daemon::offer() {
  if (offer_ || !spool_) return;
  try {
    offer_ = std::make_unique<net::HandoverOffer>(loop_, spool_->path() + ".takeover", takeover_patience_ms,
                                                  net::HandoverOffer::Owner{[this](std::string_view greeting) { return judge(greeting); }, [this] { return stop_work(); },
                                                                            [this] { resume_work(); }, [this](pid_t taker) { handed_over(taker); }});
  } catch (const Error& e) {
    if (e.code() == Exit::temp_fail) return;  // whom we took over from has not gone yet: the next second will do
    log::warn("no_takeover", {{"reason", e.what()}, {"hint", "this pool can be restarted, but not taken over"}});
    spool_.reset();
  }
}

std::variant<net::HandoverOffer::State, std::string> Daemon::stop_work() {
  if (blocks_on_their_way() != 0) return "a block is on its way to a node: try again";
  const int64_t began = clock_.monotonic_ms();
  server_->suspend();
  if (std::string why = rest_store(); !why.empty()) {
    server_->resume();
    return why;
  }
  pool_->notify_some(SIZE_MAX);
  net::HandoverOffer::State state;
  operations_->keep();
  StateWriter to;
  to.number(recorder_->last_seq());
  to.number(start_.run);
  to.text(spool_->path());
  pool_->save(to);
  state.fds.push_back(spool_->fd());
  server_->save(to, state.fds);
  state.bytes = to.take();
  log::info("handing_over", {{"sessions", pool_->session_count()}, {"bytes", state.bytes.size()}, {"ms", clock_.monotonic_ms() - began}});
  return state;
}

// Until everything that was recorded is durable, on stdout and answered. What runs meanwhile may record more.
std::string Daemon::rest_store() {
  loop_.run_posted();
  while (true) {
    if (std::string why = store_->rest(stdout_patience_ms); !why.empty()) return why;
    const uint64_t before = recorder_->flushes();
    loop_.run_posted();
    if (recorder_->flushes() == before) return "";
    store_->go_on();
  }
}

void Daemon::resume_work() {
  store_->go_on();
  server_->resume();
}

void Daemon::handed_over(pid_t taker) {
  handed_over_ = true;
  operations_->stop(false);  // frees its addresses for the taker, and asks for no figures of what is no longer here
  recorder_->retire();
  server_->send_away();
  loop_.run_posted();
  server_.reset();  // closes our copies of the sockets, not the connections
  offer_->leave_path();
  notify_service_manager(fmt::format("MAINPID={}", taker));
  log::info("handed_over", {{"to", taker}, {"last_seq", recorder_->last_seq()}});
  loop_.stop();
}

void Daemon::take_over() {
  if (options_.spool.empty()) throw Error(Exit::config, "--takeover needs a spool: it says which pool is taken over");
  start_ = {options_.pool.source, 0, static_cast<uint64_t>(clock_.unix_ms())};
  templates_ = make_templates(options_, start_.run);
  templates_->start(options_.wait);
  net::Takeover from(Spool::path_of(options_.spool, start_.source) + ".takeover", greeting(), takeover_patience_ms);
  StateReader state(from.state());
  start_.last_seq = state.number();
  if (const uint64_t run = state.number(); run >= start_.run) throw Error(Exit::temp_fail, "this machine's clock is behind that of the pool that runs: its jobs would get the same names");
  const std::string path(state.text());
  if (from.files().empty()) throw Error(Exit::data, "handover: descriptors are missing");
  use_spool(std::make_shared<Spool>(std::move(from.files()[0]), path, start_.last_seq, start_.run));
  from.files().erase(from.files().begin());
  server_ = std::make_unique<Server>(loop_, ServerLimits{options_.most_connections});
  server_->believe(options_.trusted, make_tls(options_), make_sv2(options_));
  make_parts();
  pool_->inherit(state);
  server_->inherit(state, from.files(), options_.listeners, *pool_);
  state.expect_end();
  from.ready();
  inherited_ = true;
  log::info("taken_over", {{"sessions", pool_->session_count()}, {"last_seq", start_.last_seq}});
}

}  // namespace hh::pool

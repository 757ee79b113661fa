// hh-ln serve: the treasury as a daemon. This file puts the parts together and has the main thread, which looks after signals, the inbox and standard input;
// rounds.h is the thread that pays.
//
// Threads: this one; the settling thread; the one that looks after channels and transactions (keeping.h); one each for the HTTPS interface's network and its handlers, for the control socket, for /metrics, and for the source
// of manifests where there is one. They meet at the desk (desk.h) and nowhere else.
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "command_channels.h"
#include "commands.h"
#include "http/api_server.h"
#include "http/server.h"
#include "service/api.h"
#include "service/control.h"
#include "service/inbox.h"
#include "service/keeping.h"
#include "service/metrics.h"
#include "service/rounds.h"
#include "service/settings.h"
#include "service/source.h"
#include "store/writer_lock.h"
#include "writing.h"

namespace hh::ln {
namespace {

constexpr int64_t scan_every_ms = 2000;  // where inotify says nothing, as on network file systems

// Macaroons, keys and preimages of unpaid lines are in this process: no core dump, and no other process of this user looks in.
void keep_memory_private() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

http::ApiTls api_tls(const Settings& s) {
  return {.certificate = s.required("api.tls_certificate"), .key = s.required("api.tls_key"), .client_ca = s.text("api.client_ca"), .client_required = s.boolean("api.client_required")};
}

class Service {
 public:
  Service(Settings& settings, const std::string& input, const Writers& writers)
      : settings_(settings), lock_(settings.required("db"), settings.integer("lock_wait_seconds") * 1000), 
        desk_(settings.required("db"), settings.text("chain"), settings.text("backend") == "sim", load_keys(settings), system_clock(), journal_key(settings)) {
    if (settings.is_set("inbox")) inbox_ = std::make_unique<Inbox>(settings.text("inbox"), desk_);
    if (!input.empty()) {
      if (input != "-") throw Error(Exit::usage, "serve reads standard input (-) or nothing; files go into the inbox");
      pipe_ = std::make_unique<Pipe>(STDIN_FILENO, desk_);
    }
    rounds_ = std::make_unique<Rounds>(settings, desk_);
    keeping_ = std::make_unique<Keeping>(settings, desk_);
    open_api();
    if (settings.is_set("http"))
      pages_ = std::make_unique<http::Server>(settings.text("http"), "http", [this](const std::string& path) { return page(path); });
    if (settings.text("control") != "off") {
      add_writers(control_, writers, desk_);
      control_.start(control_path(settings));
    }
  }

  int run() {
    if (settings_.is_set("source.url")) source_ = std::make_unique<Source>(settings_, desk_);
    if (pages_) pages_->start(), log::info("http", {{"address", pages_->address()}});
    if (api_) api_->start(), log::info("api", {{"address", api_->address()}, {"certificate_days_left", api_->days_left()}});
    settling_ = std::thread([this] { carry_on([this] { rounds_->run(); }, failed_); });
    keeper_ = std::thread([this] { carry_on([this] { keeping_->run(); }, keeper_failed_); });
    notify_service_manager("READY=1");
    log::info("serving", {{"db", settings_.required("db")}, {"backend", settings_.text("backend")}});
    std::exception_ptr broken;
    try {
      while (!stop_requested()) turn();
    } catch (...) {
      broken = std::current_exception();  // the settling thread is at work: it ends first
      request_stop();
    }
    notify_service_manager("STOPPING=1");
    return finish(broken);
  }

 private:
  void open_api() {
    if (!settings_.is_set("api.listen")) return;
    access_ = std::make_unique<Access>(access_path(settings_));
    answers_ = std::make_unique<Api>(desk_, *access_, settings_.integer("api.token_requests_per_minute"), static_cast<size_t>(settings_.integer("api.most_body_bytes")),
                                     Api::Channels{settings_.text("backend") == "sim" ? nullptr : channel_node_maker(settings_), settings_.integer("channels.rebalance_fee_ppm")});
    http::ApiLimits limits;
    limits.most_connections = static_cast<size_t>(settings_.integer("api.most_connections"));
    limits.requests_per_minute = settings_.integer("api.requests_per_minute");
    limits.at_once = std::max<int64_t>(limits.requests_per_minute / 4, 5);
    api_ = std::make_unique<http::ApiServer>(settings_.text("api.listen"), "api", api_tls(settings_), [this](const http::ApiRequest& r) { return answers_->answer(r); },
                                             [this](const http::ApiRequest& r) { return answers_->body_limit(r); }, limits);
  }

  http::Page page(const std::string& path) {
    if (path == "/metrics") return {.body = metrics_page(desk_, api_.get()), .content_type = metrics::Exposition::content_type};
    if (path != "/healthz") return {.status = 404, .body = "there is /metrics and /healthz\n"};
    const NodeView node = desk_.node();
    if (node.problem.empty() && node.is_up) return {.body = "ok\n"};
    return {.status = 503, .body = (node.problem.empty() ? "the wallet has not answered yet" : node.problem) + "\n"};
  }

  // What a thread cannot go on after ends the service.
  static void carry_on(const std::function<void()>& run, std::exception_ptr& failed) {
    try {
      run();
    } catch (...) {
      failed = std::current_exception();
      request_stop();
    }
  }

  void turn() {
    pollfd polled[] = {{inbox_ ? inbox_->fd() : -1, POLLIN, 0}, {pipe_ ? pipe_->fd() : -1, POLLIN, 0}};
    ::poll(polled, 2, 500);
    const int64_t now = system_clock().monotonic_ms();
    desk_.require_alive();
    try {
      if (inbox_ && (polled[0].revents != 0 || now >= next_scan_ms_)) inbox_->scan(), next_scan_ms_ = now + scan_every_ms;
      if (pipe_ && pipe_->waits()) pipe_->take_lines();
      else if (pipe_ && polled[1].revents != 0) pipe_->read();
    } catch (const Error& e) {
      if (e.code() != Exit::temp_fail) throw;
      log::warn("journal_busy", {{"reason", e.what()}});
    }
    reload_wanted_ |= take_reload_request();
    if (reload_wanted_) reload();
    if (now >= next_watchdog_ms_) notify_service_manager("WATCHDOG=1"), next_watchdog_ms_ = now + 1000;
  }

  // Certificates and signers' keys. The rest wants a restart, which loses nothing. While a command runs with the settings it waits, and the watchdog does not.
  void reload() {
    const std::unique_lock lock(desk_.settings, std::try_to_lock);
    if (!lock) return;
    reload_wanted_ = false;
    notify_service_manager("RELOADING=1");
    const auto before = settings_.snapshot();
    try {
      settings_.reload([this] {
        crypto::KeySet keys = load_keys(settings_);
        if (api_) api_->use(api_tls(settings_));
        desk_.set_keys(std::move(keys));
      });
      std::string waits;
      for (const std::string& key : settings_.changed_from(before))
        if (key != "key" && !key.starts_with("api.tls_") && key != "api.client_ca" && key != "api.client_required" && !key.starts_with("log.")) waits += (waits.empty() ? "" : ", ") + key;
      log::info("reloaded", {{"needs_a_restart", waits}});
    } catch (const Error& e) {
      log::error("reload_failed", {{"reason", e.what()}, {"hint", "everything stays as it was"}});
    }
    notify_service_manager("READY=1");
  }

  // Nothing new comes in; the settling thread ends; then the rest. Requests to the node are broken off, a payment that is being sent too: the next run finds out about it.
  int finish(const std::exception_ptr& broken) {
    log::info("stopping");
    if (api_) api_->stop();
    control_.stop();
    source_.reset();
    desk_.ring();
    settling_.join();
    keeper_.join();
    if (pages_) pages_->stop();
    log::info("stopped");
    for (const auto& why : {failed_, keeper_failed_, broken})
      if (why) std::rethrow_exception(why);
    return 0;
  }

  Settings& settings_;
  store::WriterLock lock_;
  Desk desk_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<Api> answers_;
  std::unique_ptr<Inbox> inbox_;
  std::unique_ptr<Pipe> pipe_;
  std::unique_ptr<Rounds> rounds_;
  std::unique_ptr<Keeping> keeping_;
  std::unique_ptr<http::ApiServer> api_;
  std::unique_ptr<http::Server> pages_;
  std::unique_ptr<Source> source_;
  control::Server control_;
  std::thread settling_, keeper_;
  std::exception_ptr failed_, keeper_failed_;
  bool reload_wanted_ = false;
  int64_t next_scan_ms_ = 0, next_watchdog_ms_ = 0;
};

}  // namespace

int serve_command(Settings& settings, const std::string& input, const Writers& writers) {
  std::signal(SIGPIPE, SIG_IGN);
  keep_memory_private();
  Service service(settings, input, writers);
  return service.run();
}

}  // namespace hh::ln

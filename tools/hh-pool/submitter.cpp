#include "submitter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace hh::pool {
namespace {

constexpr int64_t give_up_ms = 3'600'000;
constexpr int64_t answer_ms = 60'000;  // validation of a full block on a slow machine
constexpr int64_t lag_ms = 60'000;  // until a node should have a block's parent
constexpr int64_t first_pause_ms = 100, longest_pause_ms = 10'000;

// One block on its way, shared by the nodes' threads.
struct Delivery {
  Submitter::FoundBlock found;  // job is null for a kept block
  std::string hash_text, kept_hex;
  uint32_t height = 0;
  int64_t since_ms = 0;
  std::atomic<size_t> nodes_left{0};
  std::once_flag keep_once;
  std::atomic<bool> taken{false}, unanswered{false};  // by some node

  std::string hex() const {
    if (!found.job) return kept_hex;
    return bitcoin::block_hex(found.header, bitcoin::with_witness(found.coinbase), found.job->block_template->transactions);
  }
};
using DeliveryPtr = std::shared_ptr<Delivery>;

}  // namespace

struct Submitter::Impl {
  struct Node {
    explicit Node(const http::BitcoinRpcConfig& config) : rpc(config) {}
    http::BitcoinRpc rpc;
    std::deque<DeliveryPtr> queue;
    std::thread thread;
  };

  std::vector<std::unique_ptr<Node>> nodes;
  std::string keep_prefix;
  std::function<void(records::Submission)> on_result;
  mutable std::mutex mutex;
  std::condition_variable changed;
  size_t pending = 0;
  bool stop = false;

  std::string kept_path(const Delivery& d) const { return keep_prefix.empty() ? "" : fmt::format("{}.block-{}.hex", keep_prefix, d.hash_text); }

  void enqueue(DeliveryPtr d) {
    {
      std::lock_guard lock(mutex);
      d->nodes_left = nodes.size();
      d->since_ms = system_clock().monotonic_ms();
      pending += nodes.size();
      for (auto& node : nodes) node->queue.push_back(d);
    }
    changed.notify_all();
  }

  void keep(Delivery& d, const std::string& hex) {
    const std::string path = kept_path(d);
    if (path.empty() || !d.found.job) return;
    std::call_once(d.keep_once, [&] {
      try {
        write_file_durably(path, hex + "\n", 0640);
        log::warn("block_kept", {{"hash", d.hash_text}, {"file", path}, {"hint", "also: bitcoin-cli -stdin submitblock < FILE"}});
      } catch (const Error& e) {
        log::error("block_not_kept", {{"hash", d.hash_text}, {"reason", e.what()}});
      }
    });
  }

  void report(Node& node, Delivery& d, const char* result, const std::string& why) {
    const bool good = std::string_view(result) == "accepted";
    log::write(good ? log::Level::info : log::Level::error, good ? "block_accepted" : "block_not_accepted",
               {{"hash", d.hash_text}, {"height", d.height}, {"result", result}, {"reason", why}, {"node", node.rpc.url()}});
    records::Submission s;
    s.hash = bitcoin::Hash256::from_display_hex(d.hash_text).value_or(bitcoin::Hash256{});
    s.height = d.height;
    s.result = result;
    s.reason = why;
    s.node = node.rpc.url();
    s.time_ms = system_clock().unix_ms();
    on_result(std::move(s));
  }

  // False: no answer, try again.
  bool attempt(Node& node, Delivery& d, const std::string& hex) {
    try {
      const http::Json answer = node.rpc.call("submitblock", http::Json::array({hex}), answer_ms);
      const std::string word = answer.is_string() ? answer.get<std::string>() : "";
      if (word == "prev-blk-not-found" && system_clock().monotonic_ms() - d.since_ms < lag_ms) {  // this node lags
        log::warn("submitblock_too_early", {{"hash", d.hash_text}, {"node", node.rpc.url()}});
        return false;
      }
      d.taken = d.taken || answer.is_null() || word == "duplicate" || word == "inconclusive" || word == "duplicate-inconclusive";
      if (answer.is_null() || word == "duplicate")
        report(node, d, "accepted", word);
      else if (word == "inconclusive" || word == "duplicate-inconclusive")
        report(node, d, "unknown", word);
      else
        report(node, d, "rejected", word.empty() ? answer.dump() : word);
      return true;
    } catch (const http::RpcError& e) {
      if (e.rpc_code() == -28) return false;  // warming up
      report(node, d, "rejected", e.rpc_message());
      return true;
    } catch (const http::RpcUnavailable& e) {
      log::warn("submitblock_unanswered", {{"hash", d.hash_text}, {"reason", e.what()}});
      return false;
    }
  }

  void deliver(Node& node, Delivery& d) {
    const std::string hex = d.hex();
    int64_t pause = first_pause_ms;
    while (!attempt(node, d, hex)) {
      keep(d, hex);
      std::unique_lock lock(mutex);
      const bool stopped = changed.wait_for(lock, std::chrono::milliseconds(pause), [&] { return stop; });
      lock.unlock();
      pause = std::min(pause * 2, longest_pause_ms);
      if (!stopped && system_clock().monotonic_ms() - d.since_ms < give_up_ms) continue;
      d.unanswered = true;
      report(node, d, "unknown", stopped ? "no answer before the pool stopped" : "no answer for an hour");
      break;
    }
    if ((d.taken || !d.unanswered) && d.nodes_left == 1 && !kept_path(d).empty()) ::unlink(kept_path(d).c_str());
    --d.nodes_left;
  }

  void run(Node& node) {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stop || !node.queue.empty(); });
      if (node.queue.empty()) return;
      const DeliveryPtr d = node.queue.front();
      node.queue.pop_front();
      lock.unlock();
      try {
        deliver(node, *d);
      } catch (const std::exception& e) {
        log::error("submit_failed", {{"hash", d->hash_text}, {"reason", e.what()}});
      }
      lock.lock();
      --pending;
      changed.notify_all();
    }
  }
};

Submitter::Submitter(std::vector<http::BitcoinRpcConfig> nodes, std::string keep_prefix, std::function<void(records::Submission)> on_result)
    : impl_(std::make_unique<Impl>()) {
  impl_->keep_prefix = std::move(keep_prefix);
  impl_->on_result = std::move(on_result);
  for (const auto& config : nodes) impl_->nodes.push_back(std::make_unique<Impl::Node>(config));
  for (auto& node : impl_->nodes) node->thread = std::thread([impl = impl_.get(), n = node.get()] { impl->run(*n); });
}

Submitter::~Submitter() { close(0); }

void Submitter::submit(FoundBlock block) {
  auto d = std::make_shared<Delivery>();
  d->hash_text = block.hash.to_display_hex();
  d->height = block.job->record.height;
  d->found = std::move(block);
  impl_->enqueue(std::move(d));
}

void Submitter::submit_kept() {
  if (impl_->keep_prefix.empty()) return;
  const std::filesystem::path prefix(impl_->keep_prefix + ".block-");
  const auto folder = prefix.has_parent_path() ? prefix.parent_path() : std::filesystem::path(".");
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename(), start = prefix.filename();
    if (!name.starts_with(start) || !name.ends_with(".hex")) continue;
    auto d = std::make_shared<Delivery>();
    d->hash_text = name.substr(start.size(), name.size() - start.size() - 4);
    try {
      d->kept_hex = read_file(entry.path());
    } catch (const Error& e) {  // the others, and the pool itself, do not wait for it
      log::error("block_not_submitted_again", {{"hash", d->hash_text}, {"reason", e.what()}});
      continue;
    }
    while (!d->kept_hex.empty() && d->kept_hex.back() == '\n') d->kept_hex.pop_back();
    log::warn("block_submitted_again", {{"hash", d->hash_text}, {"file", entry.path().string()}});
    impl_->enqueue(std::move(d));
  }
}

size_t Submitter::pending() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->pending;
}

void Submitter::close(int64_t patience_ms) {
  {
    std::unique_lock lock(impl_->mutex);
    impl_->changed.wait_for(lock, std::chrono::milliseconds(patience_ms), [&] { return impl_->pending == 0; });
    impl_->stop = true;
  }
  impl_->changed.notify_all();
  for (auto& node : impl_->nodes) {
    node->rpc.abort();
    if (node->thread.joinable()) node->thread.join();
  }
}

}  // namespace hh::pool

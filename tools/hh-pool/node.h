// One bitcoind as TemplateSource sees it: three threads with a connection each, so that nothing waits for anything else.
//   watch      asks for the best block every poll_ms, and at once when told to look(); short time-out: silence is a failure
//   fetch      asks for a template when told to
//   long poll  waits in a long poll (BIP22) while it has an id of one
// What they find is handed on by the functions of Events, on these threads.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "bitcoin/address.h"
#include "http/bitcoin_rpc.h"
#include "tips.h"

namespace hh::pool {

class Node {
 public:
  struct Config {
    http::BitcoinRpcConfig rpc;
    bitcoin::Network chain = bitcoin::Network::main;
    int64_t poll_ms = 1'000;
    int64_t timeout_ms = 3'000;  // of watch
  };
  struct Events {
    std::function<void(const Tip&, int64_t asked_ms)> tip;
    std::function<void(const Error&)> no_tip, no_template;
    // Called with the connection that brought it. A throw is a call of no_template.
    std::function<void(http::BitcoinRpc&, const std::string& text)> block_template;
  };
  Node(Config config, Events events);
  ~Node();

  void start();
  void stop();
  void look();
  // A template on that tip. Where it is being fetched already, nothing.
  void fetch(const bitcoin::Hash256& tip);
  // "": no more long polls than the one that is under way.
  void long_poll(const std::string& id);
  const std::string& url() const { return watch_.url(); }

  // Parameters of getblocktemplate. A signet template is refused without its rule.
  static http::Json request(bitcoin::Network chain, const std::string& longpollid = "");
  // One block's header as a tip. Throws as the connection does.
  static Tip tip_of(http::BitcoinRpc& rpc, const bitcoin::Hash256& hash, int64_t timeout_ms);

 private:
  void watch_loop();
  void watch_once();
  void fetch_loop();
  void long_poll_loop();
  bool pause(int64_t ms);

  const Config config_;
  const Events events_;
  http::BitcoinRpc watch_, fetch_, long_poll_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stop_ = false, look_ = false, want_ = false, busy_ = false;
  bitcoin::Hash256 wanted_;
  std::string long_poll_id_;
  std::thread threads_[3];
};

// Name of a node's chain as ours: getblockchaininfo's `chain`. Throws Error(config) for chains we do not mine (testnet3).
bitcoin::Network network_of_node(const http::Json& blockchain_info, const std::string& url);

}  // namespace hh::pool

// Word of new blocks by ZMQ: bitcoind's -zmqpubhashblock, of one node or many. [C124]
//
// What arrives is only a hint to look (anybody could have sent it, and messages get lost); that it may be a hash is checked, so that noise of
// other topics or programs costs nothing. ZMQ connects again by itself; a publisher that goes silent without a word is noticed by heartbeats.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace hh::pool {

class ZmqListener {
 public:
  // endpoints: "tcp://127.0.0.1:28332", "ipc:///run/…". on_block is called on the listener's thread. Throws Error(config) for an endpoint that
  // cannot be one; that nobody publishes there yet is no error.
  ZmqListener(const std::vector<std::string>& endpoints, std::function<void()> on_block);
  ~ZmqListener();

 private:
  void loop();
  std::function<void()> on_block_;
  struct Close {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Close> context_;
  void* socket_ = nullptr;
  std::thread thread_;
};

}  // namespace hh::pool

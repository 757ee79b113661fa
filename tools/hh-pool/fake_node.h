// A bitcoind for unit tests, in the test's own process: has the tip that the test gives it, and answers, is silent, refuses or lies as told.
#pragma once
#include <fmt/format.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "http/bitcoin_rpc.h"
#include "http/test_server.h"

namespace hh::pool::test {

class FakeNode {
 public:
  enum class Mood { good, silent, no_templates, bad_templates, other_chain, no_json };
  explicit FakeNode(uint32_t height = 100) : height_(height), server_([this](http::Connection& c) { serve(c); }) {}
  ~FakeNode() {
    std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  http::BitcoinRpcConfig config() const {
    http::BitcoinRpcConfig c;
    c.chain = "regtest";
    c.url = server_.url("");
    c.user = "u";
    c.password = "exec:echo secret-of-the-test";
    return c;
  }
  // branch tells blocks of one height apart.
  void tip(uint32_t height, char branch = '0') { set([&] { height_ = height, branch_ = branch; }); }
  void mood(Mood m) { set([&] { mood_ = m; }); }
  void template_delay(int64_t ms) { set([&] { delay_ms_ = ms; }); }
  void long_polls(bool on) { set([&] { long_polls_ = on; }); }
  int templates() const {
    std::lock_guard lock(mutex_);
    return templates_;
  }
  static std::string hash(uint32_t height, char branch = '0') { return fmt::format("{:0>63}{}", height, branch); }

 private:
  void set(const std::function<void()>& change) {
    std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  void serve(http::Connection& c) {
    for (std::string request; !(request = c.read_request()).empty();) {
      const std::string answer = answer_to(nlohmann::ordered_json::parse(request.substr(request.find("\r\n\r\n") + 4)));
      if (answer.empty()) return;
      c.answer(200, answer);
    }
  }

  std::string answer_to(const nlohmann::ordered_json& call) {
    std::unique_lock lock(mutex_);
    const std::string method = call["method"];
    nlohmann::ordered_json result, params = call["params"];
    if (method == "getblocktemplate" && params[0].contains("longpollid")) {
      const std::string from = params[0]["longpollid"];
      changed_.wait(lock, [&] { return ending_ || (long_polls_ && mood_ != Mood::silent && from != hash(height_, branch_)); });
    }
    changed_.wait(lock, [&] { return ending_ || mood_ != Mood::silent; });
    if (ending_) return "";
    if (mood_ == Mood::no_json) return "<html>";
    if (method == "getblockchaininfo")
      result = {{"chain", mood_ == Mood::other_chain ? "main" : "regtest"}, {"blocks", height_}, {"bestblockhash", hash(height_, branch_)}, {"mediantime", 1'700'000'000},
                {"bits", "207fffff"}, {"chainwork", fmt::format("{:064x}", 2 * height_ + 2)}};
    else if (method == "getblockheader")
      result = {{"hash", params[0]}, {"height", std::stoi(params[0].get<std::string>().substr(0, 63))}, {"mediantime", 1'700'000'000}, {"bits", "207fffff"},
                {"chainwork", fmt::format("{:064x}", 2 * std::stoi(params[0].get<std::string>().substr(0, 63)) + 2)}};
    else if (method == "getblocktemplate" && mood_ == Mood::no_templates)
      return R"({"result":null,"error":{"code":-10,"message":"in initial sync"},"id":1})";
    else if (method == "getblocktemplate")
      result = a_template(lock);
    return nlohmann::ordered_json{{"result", result}, {"error", nullptr}, {"id", 1}}.dump();
  }

  // Of the tip at the time of the question, however long it takes.
  nlohmann::ordered_json a_template(std::unique_lock<std::mutex>& lock) {
    ++templates_;
    nlohmann::ordered_json t = {{"version", 0x20000000}, {"previousblockhash", hash(height_, branch_)}, {"transactions", nlohmann::ordered_json::array()},
                                {"coinbaseaux", nlohmann::ordered_json::object()}, {"coinbasevalue", 5'000'000'000}, {"longpollid", hash(height_, branch_)},
                                {"target", "7fffff0000000000000000000000000000000000000000000000000000000000"}, {"mintime", 1'700'000'001}, {"curtime", 1'700'000'500},
                                {"bits", mood_ == Mood::bad_templates ? "1d00ffff" : "207fffff"}, {"height", height_ + 1}};
    changed_.wait_for(lock, std::chrono::milliseconds(delay_ms_), [&] { return ending_; });
    return t;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint32_t height_;
  char branch_ = '0';
  Mood mood_ = Mood::good;
  int64_t delay_ms_ = 0;
  bool long_polls_ = true, ending_ = false;
  int templates_ = 0;
  http::TestServer server_;  // last: its threads use the rest
};

}  // namespace hh::pool::test

// Clients that misbehave, beside honest miners: what these do must not cost the honest ones their answers.
//
// Each takes one turn in five a second, so that this program stays cheap, and connects again a while after it was thrown out.
#pragma once
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "socket.h"

namespace hh::load {

class Hostile {
 public:
  enum Kind : uint8_t { half_open, fuzz, one_byte, long_line, flood, deaf, storm, kinds };
  static std::string_view name(Kind k);

  explicit Hostile(const Options& o);
  uint64_t count() const { return clients_.size(); }
  void act(uint64_t now_us);  // whose turn it is

  struct Figures {
    uint64_t clients = 0, connects = 0, closed_by_server = 0, sent_bytes = 0;
  };
  const std::array<Figures, kinds>& figures() const { return figures_; }

 private:
  struct Client {
    Socket socket;
    Kind kind = half_open;
    uint64_t index = 0, next_us = 0, sent = 0;
    size_t at = 0;  // in the text that it writes byte by byte
  };
  void take_turn(Client& c, uint64_t now_us);
  void come_and_go(Client& c);
  bool misbehave(Client& c);
  bool send(Client& c, std::string_view data);
  std::string fuzzed();

  const Options& options_;
  std::vector<Client> clients_;
  std::array<Figures, kinds> figures_{};
  std::mt19937_64 random_;
  size_t next_ = 0;
  uint64_t last_us_ = 0;
};

}  // namespace hh::load

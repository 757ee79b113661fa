// What an operator tells miners over the control socket: a message for their displays, and to connect again, here or elsewhere. [C060]
//
//   {"command":"message","text":"…"}                                       client.show_message
//   {"command":"reconnect","host":"pool.example.org","port":3333,"wait":5}  client.reconnect; without host: to where they are connected
// Either may have "miner", whose connections alone are told then. The answer is a `told` record. Who obeys is up to the firmware: much of it shows no
// messages, and some follows a reconnect only to the host that it knows.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "control/loop_call.h"
#include "control/server.h"
#include "pool.h"

namespace hh::pool {

inline constexpr size_t longest_message = 256;
inline constexpr int64_t longest_reconnect_wait_s = 3'600;

struct Destination {
  std::string host;
  uint16_t port = 0;
};
// "HOST:PORT" of a command line. Throws Error(usage).
Destination parse_destination(const std::string& text);

void add_message_commands(control::Server& control, const control::LoopCall& on_loop, Pool& pool);

}  // namespace hh::pool

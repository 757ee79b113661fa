// What a run of sv1_load is asked to do.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/address.h"
#include "bitcoin/difficulty.h"

namespace hh::load {

struct Options {
  uint32_t target_address = 0;  // IPv4, host order, 127.0.0.0/8
  uint16_t target_port = 0;

  uint64_t connections = 100;
  uint64_t ramp_per_second = 1000;  // 0: all at once
  uint64_t per_address = 1;         // connections from each loopback address
  uint64_t login_seconds = 30;      // those that have no job by then have failed
  uint64_t seed = 1;

  bitcoin::Network chain = bitcoin::Network::regtest;
  uint64_t miners = 0;     // distinct addresses; 0: one for each connection
  std::string user;        // instead of made addresses: this name for all, with .wN
  std::string password = "x";
  std::optional<bitcoin::Difficulty> suggest;
  bool version_rolling = false;

  uint64_t idle_seconds = 0;        // between login and load, to measure memory
  uint64_t seconds = 0;             // of load; 0: only connect
  uint64_t submits_per_minute = 20; // of each connection, Poisson
  uint64_t pipeline = 0;            // instead: so many outstanding submits on each connection, all the time
  uint64_t most_submits = 0;        // 0: no limit but time
  uint64_t late_percent = 0;        // of the miners send a share of the job before, right after a new tip's notify
  uint64_t drain_seconds = 5;       // for the last answers

  std::vector<uint64_t> block_at_ms;  // after the load's start
  std::string block_command;          // makes a block
  std::string blocks_file;            // or: a block in hex on each line, given to a node by submitblock
  std::string rpc_url, rpc_cookie;

  uint64_t hostile_percent = 0;  // of the connections, besides which the others are honest
  std::vector<pid_t> server_pids;
};

// Throws Error(usage): an option makes no sense, or an address is not a loopback address.
// Sets `finished` to an exit status where there is nothing to run (--help, or a wrong command line).
Options read_options(int argc, char** argv, std::optional<int>& finished);

}  // namespace hh::load

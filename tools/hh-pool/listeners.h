// Where miners come in, as the setting `listen` says it: ADDRESS:PORT, or ADDRESS:PORT|OPTION|OPTION…
//
// A pool has several doors because miners differ: a CPU miner and a hall of machines behind one proxy want other difficulties to begin with,
// some want TLS, and those who come through haproxy bring their address in a header. What comes in by one door is the same pool.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "vardiff.h"

namespace hh::pool {

struct Listener {
  std::string address;   // "127.0.0.1:3333", "[::]:3333"; port 0: any
  DifficultyRange range;
  bool tls = false;      // lib/net/tls_filter.h
  bool proxy = false;    // a PROXY header comes first (lib/net/proxy_header.h), from those that may send one
  bool sv2 = false;      // Stratum V2, encrypted (session_v2.h); else V1
  bool share = false;    // other processes listen at the same port, each with a source and a spool of its own
};

// Options: min=D, max=D, start=D (else those of defaults; a start that was not given is moved into the range), tls, proxy, sv2, share. Throws
// Error(config) naming the entry: nonsense, a range that is empty, and an address that is there twice.
std::vector<Listener> parse_listeners(const std::vector<std::string>& texts, const DifficultyRange& defaults);
// Whether they differ in nothing but difficulties.
bool same_doors(const std::vector<Listener>& a, const std::vector<Listener>& b);
bool uses_tls(const std::vector<Listener>& listeners);
bool uses_sv2(const std::vector<Listener>& listeners);

}  // namespace hh::pool

// What processes cost, read from /proc: resident memory and CPU time.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace hh::load {

struct Usage {
  uint64_t resident_bytes = 0;
  uint64_t cpu_us = 0;  // user and system, all threads; the kernel counts in ticks of 10 ms
};

// Of all of them together. Throws Error(no_input) where one is gone.
Usage usage_of(const std::vector<pid_t>& pids);
// CPU time of this process, in microseconds.
uint64_t own_cpu_us();

}  // namespace hh::load

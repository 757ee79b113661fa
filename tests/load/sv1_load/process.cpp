#include "process.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sstream>

#include "base/error.h"
#include "base/file.h"

namespace hh::load {
namespace {

// smaps_rollup looks at every page; `status` is what processes of other users show.
uint64_t resident_bytes(pid_t pid) {
  std::string text, name = "Rss:";
  try {
    text = read_file(fmt::format("/proc/{}/smaps_rollup", pid));
  } catch (const Error&) {
  }
  if (text.find(name) == std::string::npos) text = read_file(fmt::format("/proc/{}/status", pid)), name = "VmRSS:";
  const size_t at = text.find(name);
  if (at == std::string::npos) return 0;
  return std::stoull(text.substr(at + name.size())) * 1024;
}

// proc_pid_stat(5): the command's name may hold anything, so count from its closing parenthesis: utime and stime are fields 14 and 15.
uint64_t cpu_us(pid_t pid) {
  const std::string text = read_file(fmt::format("/proc/{}/stat", pid));
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  return (user + system) * 1'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
}

}  // namespace

Usage usage_of(const std::vector<pid_t>& pids) {
  Usage all;
  for (const pid_t pid : pids) {
    all.resident_bytes += resident_bytes(pid);
    all.cpu_us += cpu_us(pid);
  }
  return all;
}

uint64_t own_cpu_us() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto us = [](const timeval& t) { return static_cast<uint64_t>(t.tv_sec) * 1'000'000 + static_cast<uint64_t>(t.tv_usec); };
  return us(u.ru_utime) + us(u.ru_stime);
}

}  // namespace hh::load

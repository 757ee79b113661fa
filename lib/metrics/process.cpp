#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "metrics/exposition.h"

namespace hh::metrics {
namespace {

std::string slurp(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Field n of /proc/self/stat, counted as in proc(5) from 1; the second may hold spaces and ends at the last ")".
uint64_t stat_field(const std::string& stat, int n) {
  std::istringstream rest(stat.substr(std::min(stat.size(), stat.rfind(')') + 2)));
  std::string word;
  for (int i = 3; i <= n; ++i) rest >> word;
  uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  size_t n = 0;
  while (::readdir(folder) != nullptr) ++n;
  ::closedir(folder);
  return n > 3 ? n - 3 : 0;  // ".", "..", and the one that was just read through
}

uint64_t boot_seconds() {
  const std::string stat = slurp("/proc/stat");
  const size_t at = stat.find("\nbtime ");
  uint64_t value = 0;
  if (at != std::string::npos) std::from_chars(stat.data() + at + 7, stat.data() + stat.size(), value);
  return value;
}

}  // namespace

void put_process(Exposition& page, std::string_view tool) {
  page.family("hh_build_info", Kind::gauge, "Always 1; the labels say which program and version this is.");
  page.sample({{"tool", tool}, {"version", HH_VERSION}}, 1);

  const std::string stat = slurp("/proc/self/stat");
  const auto ticks = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  page.family("hh_process_cpu_seconds_total", Kind::counter, "CPU time of the process, user and system.");
  page.sample({}, fixed(Uint128{stat_field(stat, 14) + stat_field(stat, 15)} * 1000 / ticks, 3));
  page.family("hh_process_resident_memory_bytes", Kind::gauge, "Memory of the process that is in RAM.");
  page.sample(stat_field(stat, 24) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  page.family("hh_process_virtual_memory_bytes", Kind::gauge, "Address space of the process.");
  page.sample(stat_field(stat, 23));
  page.family("hh_process_threads", Kind::gauge, "Threads of the process.");
  page.sample(stat_field(stat, 20));
  page.family("hh_process_open_fds", Kind::gauge, "Open file descriptors.");
  page.sample(open_descriptors());
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  page.family("hh_process_max_fds", Kind::gauge, "Most file descriptors that the process may have open.");
  page.sample(static_cast<uint64_t>(limit.rlim_cur));
  page.family("hh_process_start_time_seconds", Kind::gauge, "When the process was started, in seconds since 1970.");
  page.sample({}, fixed(Uint128{boot_seconds()} * 100 + stat_field(stat, 22) * 100 / ticks, 2));
}

}  // namespace hh::metrics

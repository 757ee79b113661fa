#include "descriptors.h"

#include <sys/resource.h>

#include "base/log.h"

namespace hh::pool {
namespace {

constexpr uint64_t besides = 128;  // files, listeners, nodes' connections, control and HTTP clients

}  // namespace

uint64_t make_room_for(size_t connections) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  if (limit.rlim_cur < connections + besides)
    log::warn("few_descriptors", {{"limit", limit.rlim_cur}, {"limits_connections", connections}, {"needed", connections + besides},
                                  {"hint", "miners beyond them would wait unanswered: raise it (LimitNOFILE of the unit, ulimit -Hn), or lower limits.connections"}});
  return limit.rlim_cur;
}

}  // namespace hh::pool

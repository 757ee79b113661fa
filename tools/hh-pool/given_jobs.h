// Which jobs a connection was given, and with which assignment: what its shares are judged by.
//
// A job may be given again, to bring a new difficulty to a miner at once. Then it has a name of its own, the job's with four hex digits behind
// it, so that a share says under which assignment it was mined; and a later time, so that the miner does not search through what it has
// searched. Jobs that follow each other with the same assignment take one entry, which is most of them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "share_check.h"
#include "state.h"

namespace hh::pool {

// A job's number, and how often it was given again before: 0 is the job itself.
struct GivenName {
  uint64_t number = 0;
  uint16_t again = 0;
  auto operator<=>(const GivenName&) const = default;
};

// "JOB" and 3 <-> "JOB0003". split_name: nullopt where there are no four digits at the end or they are zero.
std::string name_again(std::string_view job, uint16_t again);
struct SplitName {
  std::string_view job;
  uint16_t again;
};
std::optional<SplitName> split_name(std::string_view text);

class GivenJobs {
 public:
  // REQUIRES a number above all before.
  void add(uint64_t number, const Assignment& a);
  // The newest job again. 0: it was given 65,535 times already.
  uint16_t add_again(const Assignment& a);
  bool empty() const { return runs_.empty(); }
  GivenName newest() const { return runs_.empty() ? GivenName{} : runs_.back().last; }
  const Assignment* find(GivenName name) const;  // nullptr: not given to this connection, or forgotten
  void forget_before(uint64_t number);
  void save(StateWriter& to) const;
  void inherit(StateReader& from);

 private:
  struct Run {
    GivenName first, last;
    Assignment assignment;
  };
  std::vector<Run> runs_;  // oldest first
};

}  // namespace hh::pool

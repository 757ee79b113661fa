// Who does the work of a run: threads, or, in a simulation, threads of which one at a time goes on.
#pragma once
#include <functional>
#include <vector>

namespace hh::ln {

class Crew {
 public:
  virtual ~Crew() = default;
  // Runs all jobs at the same time and returns when each has ended. The first exception of one is thrown then.
  virtual void run(const std::vector<std::function<void()>>& jobs) = 0;
};

// Each job has a thread of its own; a single one runs on the caller's.
Crew& threads();

}  // namespace hh::ln

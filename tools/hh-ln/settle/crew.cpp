#include "settle/crew.h"

#include <exception>
#include <mutex>
#include <thread>

namespace hh::ln {
namespace {

class Threads : public Crew {
 public:
  void run(const std::vector<std::function<void()>>& jobs) override {
    if (jobs.size() == 1) return jobs[0]();
    std::mutex mutex;
    std::exception_ptr first;
    {
      std::vector<std::jthread> all;  // joined at the end of the block, also where one could not be started
      for (const auto& job : jobs)
        all.emplace_back([&] {
          try {
            job();
          } catch (...) {
            const std::lock_guard lock(mutex);
            if (!first) first = std::current_exception();
          }
        });
    }
    if (first) std::rethrow_exception(first);
  }
};

}  // namespace

Crew& threads() {
  static Threads crew;
  return crew;
}

}  // namespace hh::ln

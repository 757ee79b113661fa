// The workers' backends and resolvers, and the policy that they pay by, as the settings have them.
#pragma once
#include <list>

#include "base/config.h"
#include "settle/settle.h"

namespace hh::ln {

SettlePolicy policy_of(const Settings& settings);

// As many as the setting `concurrency` says, each with connections of its own. Must outlive the Settler.
class Hands {
 public:
  Hands(const Settings& settings, const std::function<std::unique_ptr<Backend>()>& make, Journal& journal, const Identity& identity);
  std::vector<Hand> all();

 private:
  struct Both {
    std::unique_ptr<Backend> backend;
    Resolver resolver;
  };
  std::list<Both> hands_;
};

}  // namespace hh::ln

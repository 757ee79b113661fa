// Fetches signed manifests from a server of the pool: GET source.url, one manifest a line. [L087]
//
// What was fetched is in the journal, so a source that is down stops nothing that is known; it is asked again after 5, 10, 20 … seconds, up to ten
// minutes. An unchanged answer (ETag, 304) is not read again.
#pragma once
#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "base/config.h"
#include "http/client.h"
#include "service/desk.h"

namespace hh::ln {

class Source {
 public:
  Source(const Settings& settings, Desk& desk);
  ~Source();  // ends the thread
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

 private:
  void run();
  bool fetch();
  Desk& desk_;
  http::Client client_;
  http::Request request_;
  std::string etag_;
  std::set<size_t> told_;  // refused ones that the log has: a source may offer them for days
  int64_t every_ms_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace hh::ln

#include "base/error.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "base/log.h"

namespace hh {

int run_main(const char* tool, const std::function<int()>& body) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed reader must be an error that we see, not a silent end
  log::set_tool(tool);
  try {
    return body();
  } catch (const Error& e) {
    log::failure(e.what(), static_cast<int>(e.code()));
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    log::failure("out of memory", static_cast<int>(Exit::temp_fail));
    return static_cast<int>(Exit::temp_fail);
  } catch (const std::exception& e) {
    log::failure(std::string("internal error: ") + e.what() + " (please report this)", static_cast<int>(Exit::software));
    return static_cast<int>(Exit::software);
  }
}

}  // namespace hh

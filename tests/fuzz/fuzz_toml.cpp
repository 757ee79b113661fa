// What operators write into configuration files and policies. It becomes a table or is refused as such, never ends the program.
#include <cstdlib>

#include "base/error.h"
#include "base/toml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hh;
  try {
    parse_toml({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const Error& e) {
    if (e.code() != Exit::config || std::string_view(e.what()).find("fuzz, line ") != 0) std::abort();
  }
  return 0;
}

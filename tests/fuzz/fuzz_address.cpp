// Any text as an address on any network: refused with a reason, or accepted with a script that has a canonical address of its own.
#include <cstdlib>

#include "bitcoin/address.h"

using namespace hh;
using namespace hh::bitcoin;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto network = static_cast<Network>(data[0] % 5);
  const std::string_view text = as_text({data + 1, size - 1});
  const auto found = script_from_address(text, network);
  if (found.script.empty() == found.reason.empty()) std::abort();
  if (found) {
    const auto canonical = address_from_script(found.script, network);
    if (!canonical || script_from_address(*canonical, network).script != found.script) std::abort();
  }
  // The same bytes as a script: an address, where it has one, stands for exactly that script.
  const BytesView script(data + 1, size - 1);
  if (const auto address = address_from_script(script, network)) {
    const auto back = script_from_address(*address, network);
    if (back.script != Bytes(script.begin(), script.end())) std::abort();
  }
  return 0;
}

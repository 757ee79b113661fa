// Ranges of addresses: whatever is read as one prints as a text that is read as the same, and holds its own first address.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "net/address_range.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto range = hh::net::AddressRange::parse(text, "fuzz");
    if (!range.contains(range.first())) std::abort();
    if (hh::net::AddressRange::parse(range.text(), "fuzz") != range) std::abort();
  } catch (const hh::Error&) {
  }
  return 0;
}

// PROXY headers (net/proxy_header.h): what is read lies within the bytes that came, and more bytes behind a header change nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/proxy_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = hh::net::parse_proxy_header(bytes);
  if (whole.size > size || whole.size > hh::net::most_proxy_header) std::abort();
  if (whole.error != nullptr && (whole.size != 0 || whole.source.size != 0)) std::abort();
  if (whole.size == 0) return 0;
  if (whole.source.size != 0 && whole.source.text().empty()) std::abort();
  const auto alone = hh::net::parse_proxy_header(std::string_view(bytes).substr(0, whole.size));
  if (alone.size != whole.size || alone.source.text() != whole.source.text()) std::abort();
  const auto part = hh::net::parse_proxy_header(std::string_view(bytes).substr(0, whole.size - 1));
  if (part.size != 0 || part.error != nullptr) std::abort();
  return 0;
}

// Targets of HTTP requests: whatever comes is refused or taken apart, and what was taken apart means the same when it is put together again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/route.h"

namespace {

std::string encoded(const std::string& text) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) (out += '%') += digits[static_cast<unsigned char>(c) >> 4], out += digits[c & 15];
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  hh::http::parse_number(text, INT64_MAX);
  const auto target = hh::http::parse_target(text);
  if (!target) return 0;
  std::string again;
  for (const auto& piece : target->path) (again += '/') += encoded(piece);
  char mark = '?';
  for (const auto& [name, value] : target->query) ((again += mark) += encoded(name) + "=") += encoded(value), mark = '&';
  const auto same = hh::http::parse_target(again);
  if (!same || same->path != target->path || same->query != target->query) std::abort();
  return 0;
}

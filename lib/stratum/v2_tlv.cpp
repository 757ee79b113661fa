#include "stratum/v2_tlv.h"

#include "base/error.h"

namespace hh::stratum::v2 {

std::optional<BytesView> find_tlv(BytesView rest, uint16_t extension, uint8_t field) {
  while (!rest.empty()) {
    if (rest.size() < 5) throw Error(Exit::data, "an extension's field is cut off");
    const bool found = (rest[0] << 8 | rest[1]) == extension && rest[2] == field;
    const size_t size = static_cast<size_t>(rest[3] << 8 | rest[4]);
    rest = rest.subspan(5);
    if (size > rest.size()) throw Error(Exit::data, "an extension's field is cut off");
    if (found) return rest.first(size);
    rest = rest.subspan(size);
  }
  return {};
}

void append_tlv(uint16_t extension, uint8_t field, BytesView value, Bytes& out) {
  if (value.size() > 0xffff) throw Error(Exit::software, "an extension's field of 64 KiB or more");
  const uint8_t head[] = {static_cast<uint8_t>(extension >> 8), static_cast<uint8_t>(extension), field, static_cast<uint8_t>(value.size() >> 8), static_cast<uint8_t>(value.size())};
  out.insert(out.end(), std::begin(head), std::end(head));
  out.insert(out.end(), value.begin(), value.end());
}

std::optional<std::string_view> find_worker(BytesView rest) {
  const auto value = find_tlv(rest, worker_extension, worker_field);
  if (!value) return {};
  if (value->size() > max_worker) throw Error(Exit::data, "the worker's name is longer than 32 bytes");
  return as_text(*value);
}

}  // namespace hh::stratum::v2

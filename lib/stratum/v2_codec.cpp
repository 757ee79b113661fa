#include "stratum/v2_codec.h"

#include <fmt/format.h>

#include "json/fields.h"

namespace hh::stratum::v2 {
namespace {

constexpr uint16_t channel_bit = 0x8000;

// What decode_any needs of each message, found by its type.
struct Known {
  MessageType type;
  AnyMessage (*decode)(BytesView payload);
};
template <class... M>
constexpr std::array<Known, sizeof...(M)> known_of(std::tuple<M...>*) {
  return {Known{M::type, [](BytesView payload) { return AnyMessage(decode<M>(payload).message); }}...};
}
constexpr auto known = known_of(static_cast<AllMessages*>(nullptr));

const Known* find(uint16_t extension, uint8_t number) {
  for (const Known& k : known)
    if (k.type.extension == extension && k.type.number == number) return &k;
  return nullptr;
}

json::Json shown(bool v) { return v; }
json::Json shown(uint64_t v) { return std::to_string(v); }
json::Json shown(uint32_t v) { return v; }
json::Json shown(uint16_t v) { return v; }
json::Json shown(uint8_t v) { return v; }
json::Json shown(F32 v) { return std::to_string(v.hashes_per_second()); }
json::Json shown(const U256& v) { return to_hex(v); }
json::Json shown(const std::string& v) { return json::clean_text(v, 255); }
json::Json shown(const SmallBytes& v) { return to_hex(v.view()); }
template <size_t n>
json::Json shown(const Blob<n>& v) { return to_hex(v.bytes); }
template <class T>
json::Json shown(const std::optional<T>& v) { return v ? shown(*v) : json::Json(nullptr); }
template <class T, size_t n>
json::Json shown(const Seq<T, n>& v) {
  json::Json out = json::Json::array();
  for (const T& item : v.items) out.push_back(shown(item));
  return out;
}

}  // namespace

FrameHeader read_header(std::span<const uint8_t, header_size> b) {
  const auto extension = static_cast<uint16_t>(b[0] | b[1] << 8);
  return {static_cast<uint16_t>(extension & ~channel_bit), b[2], (extension & channel_bit) != 0, b[3] | uint32_t{b[4]} << 8 | uint32_t{b[5]} << 16};
}

std::array<uint8_t, header_size> write_header(const FrameHeader& h) {
  if (h.length > Blob16M::most) throw Error(Exit::software, "a Stratum V2 payload of 16 MiB or more");
  const uint16_t extension = h.extension | (h.channel ? channel_bit : uint16_t{0});
  return {static_cast<uint8_t>(extension), static_cast<uint8_t>(extension >> 8),  h.number, static_cast<uint8_t>(h.length), static_cast<uint8_t>(h.length >> 8),
          static_cast<uint8_t>(h.length >> 16)};
}

const char* message_name(uint16_t extension, uint8_t number) {
  const Known* k = find(extension, number);
  return k == nullptr ? nullptr : k->type.name;
}

void Writer::require_fits(size_t size, size_t most) {
  if (size > most) throw Error(Exit::software, fmt::format("a field of {} bytes or items where Stratum V2 has room for {}", size, most));
}

void Reader::fail(const char* why) const { throw Error(Exit::data, fmt::format("{}: field {} {}", message_, field_, why)); }

AnyMessage decode_any(const FrameHeader& header, BytesView payload) {
  const Known* k = find(header.extension, header.number);
  if (k == nullptr) throw Error(Exit::data, fmt::format("no message has extension 0x{:04x} and type 0x{:02x}", header.extension, header.number));
  return k->decode(payload);
}

json::Json to_json(const AnyMessage& any) {
  return std::visit(
      []<class M>(const M& m) {
        json::Json out{{"message", M::type.name}};
        M::each_field(m, [&](const char* name, const auto& field) { out[name] = shown(field); });
        return out;
      },
      any);
}

}  // namespace hh::stratum::v2

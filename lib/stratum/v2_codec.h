// Stratum V2: from messages to bytes and back, and to JSON for people. Everything follows from the one declaration of each message in v2_messages.h.
//
//   Bytes frame = v2::to_frame(v2::SetTarget{.channel_id = 1, .maximum_target = t});     // 6 bytes of header, then the payload
//   auto [message, rest] = v2::decode<v2::SetTarget>(payload);                           // rest: TLV fields of extensions, or nothing
//   v2::AnyMessage m = v2::decode_any(header, payload);                                  // where any message may come
//
// Decoding copies what it keeps, checks every length before it takes memory for it, and so never takes more than a small multiple of the payload.
// Bad bytes throw Error(data) that names message and field. Bytes behind the last field are not an error: extensions put their fields there, and
// a reader that has not negotiated them must ignore them (sv2-spec, 3.4.3). BOOL: only the lowest bit counts.
#pragma once
#include <cstring>
#include <string_view>
#include <utility>
#include <variant>

#include "json/strict.h"
#include "stratum/v2_messages.h"

namespace hh::stratum::v2 {

// extension_type U16 (its bit 15: channel_msg), msg_type U8, msg_length U24 [3.2]
struct FrameHeader {
  uint16_t extension = 0;
  uint8_t number = 0;
  bool channel = false;
  uint32_t length = 0;  // of the payload; below 2^24
  bool operator==(const FrameHeader&) const = default;
};
inline constexpr size_t header_size = 6;
FrameHeader read_header(std::span<const uint8_t, header_size> bytes);
std::array<uint8_t, header_size> write_header(const FrameHeader& h);

// The name of a message in the specification; nullptr where none has that type.
const char* message_name(uint16_t extension, uint8_t number);

class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}
  void put(bool v) { out_.push_back(v ? 1 : 0); }
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  void put(T v) { put_number(v, sizeof v); }
  void put(F32 v) { put(v.bits); }
  void put(const U256& v) { put_bytes(v); }
  void put(const std::string& v) { put_counted(as_bytes(v), 1, 255); }
  void put(const SmallBytes& v) { put_counted(v.view(), 1, 32); }
  template <size_t n>
  void put(const Blob<n>& v) { put_counted(v.bytes, n, Blob<n>::most); }
  template <class T>
  void put(const std::optional<T>& v) {
    put(static_cast<uint8_t>(v ? 1 : 0));
    if (v) put(*v);
  }
  template <class T, size_t n>
  void put(const Seq<T, n>& v) {
    require_fits(v.items.size(), Seq<T, n>::most);
    put_number(v.items.size(), n);
    for (const T& item : v.items) put(item);
  }

 private:
  void put_number(uint64_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) out_.push_back(static_cast<uint8_t>(v >> (8 * i)));
  }
  void put_bytes(BytesView v) { out_.insert(out_.end(), v.begin(), v.end()); }
  void put_counted(BytesView v, size_t length_bytes, size_t most) {
    require_fits(v.size(), most);
    put_number(v.size(), length_bytes);
    put_bytes(v);
  }
  static void require_fits(size_t size, size_t most);  // throws Error(software)
  Bytes& out_;
};

class Reader {
 public:
  explicit Reader(BytesView bytes, const char* message = "") : left_(bytes), message_(message) {}
  BytesView rest() const { return left_; }
  void at(const char* field) { field_ = field; }

  void get(bool& v) { v = (take(1)[0] & 1) != 0; }
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  void get(T& v) { v = static_cast<T>(number(sizeof v)); }
  void get(F32& v) { get(v.bits); }
  void get(U256& v) {
    const BytesView b = take(v.size());
    std::copy(b.begin(), b.end(), v.begin());
  }
  void get(std::string& v) { v = as_text(take(number(1))); }
  void get(SmallBytes& v) {
    const size_t size = number(1);
    if (size > 32) fail("is longer than 32 bytes");
    v = SmallBytes(take(size));
  }
  template <size_t n>
  void get(Blob<n>& v) {
    const BytesView b = take(number(n));
    v.bytes.assign(b.begin(), b.end());
  }
  template <class T>
  void get(std::optional<T>& v) {
    const size_t count = number(1);
    if (count > 1) fail("is an option with more than one value");
    v.reset();
    if (count == 1) get(v.emplace());
  }
  template <class T, size_t n>
  void get(Seq<T, n>& v) {
    const size_t count = number(n);
    if (count * least_size<T>() > left_.size()) fail("has more items than there are bytes");
    v.items.clear();
    v.items.reserve(count);
    for (size_t i = 0; i < count; ++i) get(v.items.emplace_back());
  }
  [[noreturn]] void fail(const char* why) const;

 private:
  template <class T>
  static constexpr size_t least_size() {
    if constexpr (std::integral<T> || std::same_as<T, U256>) return sizeof(T);
    else return 1;
  }
  BytesView take(size_t size) {
    if (size > left_.size()) fail("is cut off");
    const BytesView b = left_.first(size);
    left_ = left_.subspan(size);
    return b;
  }
  uint64_t number(size_t bytes) {
    const BytesView b = take(bytes);
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; ++i) v |= uint64_t{b[i]} << (8 * i);
    return v;
  }
  BytesView left_;
  const char* message_;
  const char* field_ = "";
};

template <class Message>
void encode(const Message& m, Bytes& out) {
  Writer w(out);
  Message::each_field(m, [&](const char*, const auto& field) { w.put(field); });
}

// Appends a whole frame without encryption. Throws Error(software) where a field or the payload is too long for the wire.
template <class Message>
void append_frame(const Message& m, Bytes& out) {
  const size_t begin = out.size();
  out.resize(begin + header_size);
  encode(m, out);
  const auto header = write_header({Message::type.extension, Message::type.number, Message::type.channel, static_cast<uint32_t>(out.size() - begin - header_size)});
  std::copy(header.begin(), header.end(), out.begin() + static_cast<std::ptrdiff_t>(begin));
}
template <class Message>
Bytes to_frame(const Message& m) {
  Bytes out;
  append_frame(m, out);
  return out;
}

template <class Message>
struct Decoded {
  Message message;
  BytesView rest;  // into the payload
};
template <class Message>
Decoded<Message> decode(BytesView payload) {
  Decoded<Message> d;
  Reader r(payload, Message::type.name);
  Message::each_field(d.message, [&](const char* name, auto& field) {
    r.at(name);
    r.get(field);
  });
  d.rest = r.rest();
  return d;
}

template <class Tuple>
struct AsVariant;
template <class... T>
struct AsVariant<std::tuple<T...>> {
  using type = std::variant<T...>;
};
using AnyMessage = AsVariant<AllMessages>::type;

// By extension and number; the channel bit is not looked at (3.2.1: it is no part of the type). Throws Error(data) for a type that is not known too.
AnyMessage decode_any(const FrameHeader& header, BytesView payload);
// One JSON object: "message" with the specification's name, then the fields. Numbers of 64 bits as text, bytes as hex as they are on the wire, text with
// everything that is not printable replaced.
json::Json to_json(const AnyMessage& m);

}  // namespace hh::stratum::v2

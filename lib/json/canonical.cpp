#include "json/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "json/fields.h"

namespace hh::json {
namespace {

std::u16string to_utf16(const std::string& s) {
  std::u16string out;
  for (size_t i = 0; i < s.size();) {
    const auto lead = static_cast<unsigned char>(s[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t k = 1; k < length; ++k) c = c << 6 | (static_cast<unsigned char>(s.at(i + k)) & 0x3fu);
    i += length;
    if (c < 0x10000) {
      out += static_cast<char16_t>(c);
    } else {
      out += static_cast<char16_t>(0xd800 + ((c - 0x10000) >> 10));
      out += static_cast<char16_t>(0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  }
  return out;
}

// RFC 8785 section 3.2.2.2: the two-character escapes where JSON has them, \u00xx for other controls, everything else as it is. That is
// what the library writes too, and it refuses text that is not UTF-8.
void write_text(const std::string& s, std::string& out) {
  try {
    out += Json(s).dump(-1, ' ', false, Json::error_handler_t::strict);
  } catch (const Json::exception&) {
    throw Error(Exit::data, "text that is not UTF-8 has no canonical form");
  }
}

void write_value(const Json& v, std::string& out);

void write_object(const Json& object, std::string& out) {
  std::vector<std::pair<std::u16string, const Json*>> members;
  std::vector<const std::string*> names;
  for (auto it = object.begin(); it != object.end(); ++it) {
    std::string quoted;
    write_text(it.key(), quoted);  // refuses invalid UTF-8 before it is decoded
    members.emplace_back(to_utf16(it.key()), &*it);
    names.push_back(&it.key());
  }
  std::vector<size_t> order(members.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return members[a].first < members[b].first; });
  out += '{';
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0) out += ',';
    write_text(*names[order[i]], out);
    out += ':';
    write_value(*members[order[i]].second, out);
  }
  out += '}';
}

void write_array(const Json& array, std::string& out) {
  out += '[';
  bool first = true;
  for (const Json& v : array) {
    if (!first) out += ',';
    first = false;
    write_value(v, out);
  }
  out += ']';
}

void write_integer(const Json& v, std::string& out) {
  const bool large = v.is_number_unsigned() ? v.get<uint64_t>() > static_cast<uint64_t>(max_integer) : v.get<int64_t>() < -max_integer;
  if (large) throw Error(Exit::data, "an integer beyond 2^53 has no exact canonical form: " + v.dump());
  out += v.dump();
}

void write_value(const Json& v, std::string& out) {
  if (v.is_object()) return write_object(v, out);
  if (v.is_array()) return write_array(v, out);
  if (v.is_string()) return write_text(v.get_ref<const std::string&>(), out);
  if (v.is_number_integer()) return write_integer(v, out);
  if (v.is_boolean() || v.is_null()) {
    out += v.dump();
    return;
  }
  throw Error(Exit::data, "a floating point number is not allowed here: " + v.dump());
}

}  // namespace

std::string canonical(const Json& value) {
  std::string out;
  write_value(value, out);
  return out;
}

}  // namespace hh::json

#include "json/fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hh::json {
namespace {

// What a value looks like in a message: short, and never a long or multi-line quotation of hostile input.
std::string shown(const Json& v) {
  std::string text = v.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 40) text = text.substr(0, 40) + "…";
  return text;
}

[[noreturn]] void wrong(const char* name, std::string_view must, const Json& v) {
  throw Error(Exit::data, fmt::format("field \"{}\" must be {}, is {}", name, must, shown(v)));
}

bool is_lower_hex(const std::string& s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Fields::Fields(const Json& object) : value_(object) {
  if (!object.is_object()) throw Error(Exit::data, "expected a JSON object, is " + shown(object));
}

bool Fields::has(const char* name) const {
  const auto it = value_.find(name);
  return it != value_.end() && !it->is_null();
}

const Json& Fields::at(const char* name) const {
  const auto it = value_.find(name);
  if (it == value_.end()) throw Error(Exit::data, fmt::format("field \"{}\" is missing", name));
  return *it;
}

std::string Fields::text(const char* name, size_t max_bytes) const {
  const Json& v = at(name);
  if (!v.is_string()) wrong(name, "text", v);
  const auto& s = v.get_ref<const std::string&>();
  if (s.size() > max_bytes) throw Error(Exit::data, fmt::format("field \"{}\" is longer than {} bytes", name, max_bytes));
  return s;
}

int64_t Fields::integer(const char* name, int64_t least, int64_t most) const {
  const Json& v = at(name);
  if (!v.is_number_integer()) wrong(name, "an integer", v);
  if (v.is_number_unsigned() && v.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) wrong(name, fmt::format("at most {}", most), v);
  const int64_t n = v.get<int64_t>();
  if (n < least) wrong(name, fmt::format("at least {}", least), v);
  if (n > most) wrong(name, fmt::format("at most {}", most), v);
  return n;
}

bool Fields::boolean(const char* name) const {
  const Json& v = at(name);
  if (!v.is_boolean()) wrong(name, "true or false", v);
  return v.get<bool>();
}

Sat Fields::sat(const char* name) const { return Sat(integer(name, 0, max_money.count())); }

// All the money there can be is 2.1e18 msat, above 2^53; no single amount of a record comes near (2^53 msat are 90,000 BTC).
Msat Fields::msat(const char* name) const { return Msat(integer(name, 0, max_integer)); }
Msat Fields::signed_msat(const char* name) const { return Msat(integer(name, -max_integer, max_integer)); }

Bytes Fields::hex(const char* name) const {
  const Json& v = at(name);
  if (v.is_string()) {
    const auto& s = v.get_ref<const std::string&>();
    if (is_lower_hex(s))
      if (auto bytes = from_hex(s)) return *bytes;
  }
  wrong(name, "bytes in lower-case hex", v);
}

std::string Fields::hex_text(const char* name, size_t bytes) const {
  const Json& v = at(name);
  if (v.is_string()) {
    const auto& s = v.get_ref<const std::string&>();
    if (s.size() == bytes * 2 && is_lower_hex(s)) return s;
  }
  wrong(name, fmt::format("{} lower-case hex digits", bytes * 2), v);
}

std::string Fields::decimal(const char* name) const {
  const Json& v = at(name);
  if (v.is_string()) {
    const auto& s = v.get_ref<const std::string&>();
    const bool digits = !s.empty() && s.size() <= 39 && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits && (s.size() == 1 || s[0] != '0')) return s;
  }
  wrong(name, "a decimal number as text", v);
}

const Json& Fields::array(const char* name) const {
  const Json& v = at(name);
  if (!v.is_array()) wrong(name, "an array", v);
  return v;
}

const Json& Fields::object(const char* name) const {
  const Json& v = at(name);
  if (!v.is_object()) wrong(name, "an object", v);
  return v;
}

std::optional<std::string> Fields::optional_text(const char* name, size_t max_bytes) const {
  if (!has(name)) return std::nullopt;
  return text(name, max_bytes);
}

bool Fields::optional_boolean(const char* name) const { return has(name) && boolean(name); }

void require_record(const Json& record, const char* type, int64_t version) {
  const Fields f(record);
  const std::string found = f.text("type", 64);
  if (found != type) throw Error(Exit::data, fmt::format("expected a record of type \"{}\", is \"{}\"", type, found));
  const int64_t v = f.integer("v", INT64_MIN, INT64_MAX);
  if (v != version) throw Error(Exit::data, fmt::format("unknown version {} of record \"{}\": this program reads version {}", v, type, version));
}

std::string record_type(const Json& record) {
  std::string type = Fields(record).text("type", 64);
  require_record(record, type.c_str());
  return type;
}

Json make_record(const char* type) { return Json{{"type", type}, {"v", 1}}; }

}  // namespace hh::json

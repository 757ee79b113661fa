#include "backends/answer_fields.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace hh::ln {

Report plain(Evidence evidence, std::string reason) { return {.evidence = evidence, .reason = std::move(reason), .preimage = {}, .amount = {}, .fee = {}}; }

const Json* member(const Json& object, const char* name) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && at != object.end() && !at->is_null() ? &*at : nullptr;
}

std::string text(const Json& object, const char* name) {
  const Json* value = member(object, name);
  return value && value->is_string() ? value->get<std::string>() : "";
}

bool flag(const Json& object, const char* name) {
  const Json* value = member(object, name);
  return value && value->is_boolean() && value->get<bool>();
}

const Json& array(const Json& object, const char* name) {
  static const Json none = Json::array();
  const Json* value = member(object, name);
  return value && value->is_array() ? *value : none;
}

int64_t number(const Json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end()) return 0;
  if (at->is_number_unsigned() && at->get<uint64_t>() > INT64_MAX) throw Error(Exit::data, fmt::format("field \"{}\" is too large", name));
  if (at->is_number_integer()) return at->get<int64_t>();
  const std::string digits = at->is_string() ? at->get<std::string>() : "";
  int64_t n = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) throw Error(Exit::data, fmt::format("field \"{}\" is no integer", name));
  return n;
}

std::string shortened(std::string_view s) { return json::clean_text(s, 300); }

}  // namespace hh::ln

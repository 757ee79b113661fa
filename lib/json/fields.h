// Typed access to the fields of a record, with errors that name the field and the reason: 'field "amount_msat" must be an integer, is "12"'.
// All throw Error(data). Unknown fields are ignored by not asking for them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/amount.h"
#include "base/hex.h"
#include "json/strict.h"

namespace hh::json {

// JSON integers in records stay below 2^53 in magnitude (jq rounds above); larger ones are refused.
inline constexpr int64_t max_integer = (int64_t{1} << 53) - 1;

class Fields {
 public:
  explicit Fields(const Json& object);  // throws where it is no object
  bool has(const char* name) const;     // present and not null
  std::string text(const char* name, size_t max_bytes = 4096) const;
  int64_t integer(const char* name, int64_t least = 0, int64_t most = max_integer) const;
  bool boolean(const char* name) const;
  Sat sat(const char* name) const;    // 0 … max_money
  Msat msat(const char* name) const;  // 0 … max_money
  Msat signed_msat(const char* name) const;
  Bytes hex(const char* name) const;
  std::string hex_text(const char* name, size_t bytes) const;  // exactly so many bytes, lower case
  std::string decimal(const char* name) const;                 // "0" or digits without leading zero, as text
  const Json& array(const char* name) const;
  const Json& object(const char* name) const;
  std::optional<std::string> optional_text(const char* name, size_t max_bytes = 4096) const;
  bool optional_boolean(const char* name) const;  // absent: false

 private:
  const Json& at(const char* name) const;
  const Json& value_;
};

// Checks `type` and `v`; throws where they are not these ("unknown version 2 of record \"share\": this program reads version 1").
void require_record(const Json& record, const char* type, int64_t version = 1);
// The record's type, after checking that it is an object with text `type` and integer `v`. Throws where v is not 1.
std::string record_type(const Json& record);
// {"type":type,"v":1}: the start of every record that is printed.
Json make_record(const char* type);

}  // namespace hh::json

// The state of a running pool as bytes, for the process that takes over (net/handover.h). What is written here is read by one that said the same
// state_version in its greeting: a change of the format is a change of that number, and such an upgrade needs a restart.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/wire.h"

namespace hh::pool {

inline constexpr int state_version = 3;

class StateWriter {
 public:
  void number(uint64_t n) { bitcoin::put_u64(out_, n); }
  void signed_number(int64_t n) { number(static_cast<uint64_t>(n)); }
  void flag(bool b) { out_.push_back(b ? 1 : 0); }
  void text(std::string_view s) { bitcoin::put_var_bytes(out_, as_bytes(s)); }
  void bytes(BytesView b) { bitcoin::put_var_bytes(out_, b); }
  void optional_number(std::optional<uint64_t> n) {
    flag(n.has_value());
    if (n) number(*n);
  }
  std::string take() { return std::string(as_text(out_)); }

 private:
  Bytes out_;
};

// Throws Error(data) where the input ends too early. Text points into the input.
class StateReader {
 public:
  explicit StateReader(std::string_view input) : reader_(as_bytes(input)) {}
  uint64_t number() { return reader_.u64(); }
  int64_t signed_number() { return static_cast<int64_t>(number()); }
  bool flag() { return reader_.u8() != 0; }
  std::string_view text() { return as_text(reader_.var_bytes()); }
  BytesView bytes() { return reader_.var_bytes(); }
  std::optional<uint64_t> optional_number() { return flag() ? std::optional(number()) : std::nullopt; }
  void expect_end() const { reader_.expect_end("handover"); }

 private:
  bitcoin::Reader reader_;
};

}  // namespace hh::pool

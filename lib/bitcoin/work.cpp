#include "bitcoin/work.h"

#include "base/error.h"

namespace hh::bitcoin {

std::optional<Work> Work::from_text(std::string_view digits) {
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  Uint128 n = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<unsigned>(c - '0');
    if (n > (max().hashes_ - digit) / 10) return std::nullopt;
    n = n * 10 + digit;
  }
  return Work(n);
}

// Nineteen digits at a time: dividing 128 bits is slow, and every share has its work written.
std::string Work::to_text() const {
  constexpr uint64_t e19 = 10'000'000'000'000'000'000u;
  if (hashes_ <= UINT64_MAX) return std::to_string(static_cast<uint64_t>(hashes_));
  const std::string low = std::to_string(static_cast<uint64_t>(hashes_ % e19));
  return Work(hashes_ / e19).to_text().append(19 - low.size(), '0').append(low);
}

std::optional<int64_t> Work::to_int64() const {
  if (hashes_ >> 63) return std::nullopt;
  return static_cast<int64_t>(hashes_);
}

Work Work::operator+(Work o) const {
  if (o.hashes_ > max().hashes_ || hashes_ > max().hashes_ - o.hashes_) throw Error(Exit::data, "the sum of work exceeds 2^127 - 1 hashes");
  return Work(hashes_ + o.hashes_);
}

// 2^256 does not fit: floor(2^256 / (t+1)) = floor((2^256 - (t+1)) / (t+1)) + 1 = floor(~t / (t+1)) + 1.
Work work_of(const Target& t) {
  if (t.value == Uint256::max()) return Work(1);
  const Uint256 w = ~t.value / (t.value + Uint256(1)) + Uint256(1);
  if (w.bit_length() == 0 || w.bit_length() > 127) return Work::max();  // target zero wraps to 0
  return Work(Uint128{w.limb(1)} << 64 | w.limb(0));
}

}  // namespace hh::bitcoin

#include "crypto/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "crypto/digest.h"

namespace hh::crypto {
namespace {

class SystemRandom : public RandomSource {
 public:
  void fill(std::span<uint8_t> out) override {
    if (out.size() > std::numeric_limits<int>::max() || RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
      throw Error(Exit::software, "the system's random generator does not work");
  }
};

}  // namespace

Bytes RandomSource::bytes(size_t count) {
  Bytes out(count);
  fill(out);
  return out;
}

RandomSource& system_random() {
  static SystemRandom source;
  return source;
}

void SeededRandom::fill(std::span<uint8_t> out) {
  while (!out.empty()) {
    const std::array<uint64_t, 2> input{seed_, counter_++};
    const Digest block = sha256(as_bytes(std::string_view(reinterpret_cast<const char*>(input.data()), sizeof input)));
    const size_t n = std::min(out.size(), block.size());
    std::copy_n(block.begin(), n, out.begin());
    out = out.subspan(n);
  }
}

std::string ulid(const Clock& clock, RandomSource& random) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::array<uint8_t, 16> value{};
  const auto ms = static_cast<uint64_t>(clock.unix_ms());
  for (size_t i = 0; i < 6; ++i) value[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  random.fill(std::span(value).subspan(6));

  std::string text;  // 128 bits as 26 digits of 5 bits; the first digit holds only 3
  uint32_t bits = 0;
  unsigned held = 2;  // two zero bits in front make it 130
  for (const uint8_t byte : value) {
    bits = (bits << 8 | byte) & 0xffff;
    held += 8;
    while (held >= 5) {
      held -= 5;
      text += alphabet[bits >> held & 31];
    }
  }
  return text;
}

}  // namespace hh::crypto

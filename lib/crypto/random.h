// Random bytes and unique ids, from a source that tests can hold in their hands.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/hex.h"

namespace hh::crypto {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(std::span<uint8_t> out) = 0;  // throws Error(software) where the machine has no randomness
  Bytes bytes(size_t count);
};

// OpenSSL's generator, seeded by the kernel. Safe to use from any thread.
RandomSource& system_random();

// Repeats itself for the same seed: for tests and simulations only. Not safe to share between threads.
class SeededRandom : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : seed_(seed) {}
  void fill(std::span<uint8_t> out) override;

 private:
  uint64_t seed_;
  uint64_t counter_ = 0;
};

// A ULID (github.com/ulid/spec): 48 bits of unix milliseconds and 80 random bits as 26 characters of Crockford's base 32. Ids of
// different milliseconds sort by time as text. Used for `jti` and request ids.
std::string ulid(const Clock& clock, RandomSource& random);

}  // namespace hh::crypto

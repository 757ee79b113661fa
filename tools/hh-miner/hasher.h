// Scans nonces of one block header.
//
// Of the header's 80 bytes only the last four change, so the first 64 are compressed once (the midstate) and each nonce costs two
// compressions. OpenSSL's SHA256_Transform does these; it picks SHA-NI, AVX2 or plain code for the machine at run time, which gives several
// million nonces a second and core on machines with SHA-NI.
#pragma once
#include <cstdint>
#include <optional>

#include "bitcoin/header.h"

namespace hh::miner {

class Hasher {
 public:
  explicit Hasher(const bitcoin::BlockHeader& header);
  // The first nonce in [first, first + count) whose hash meets the target. count may reach past 2^32: then it ends there.
  std::optional<uint32_t> scan(uint32_t first, uint64_t count, const bitcoin::Target& target) const;

 private:
  std::array<uint32_t, 8> midstate_{};
  std::array<uint8_t, 64> second_block_{};  // the header's last 16 bytes and the padding
};

}  // namespace hh::miner

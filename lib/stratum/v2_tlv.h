// Stratum V2: fields that extensions add behind a message's own (sv2-spec, 3.4.3). Unlike everything else on this wire their numbers are big-endian, as the
// specification's example shows.
#pragma once
#include <optional>
#include <string_view>

#include "base/hex.h"

namespace hh::stratum::v2 {

// Extension 0x0002, worker-specific hashrate: the name of the worker that a SubmitSharesExtended is of; at most 32 bytes.
inline constexpr uint16_t worker_extension = 0x0002;
inline constexpr uint8_t worker_field = 0x01;
inline constexpr size_t max_worker = 32;

// The value of the first field of that type. nullopt where there is none. Throws Error(data) where the fields before it are cut off.
std::optional<BytesView> find_tlv(BytesView rest, uint16_t extension, uint8_t field);
// Throws Error(software) where value is longer than 65,535 bytes.
void append_tlv(uint16_t extension, uint8_t field, BytesView value, Bytes& out);

// The worker, where it is named. Throws Error(data) where it is longer than 32 bytes.
std::optional<std::string_view> find_worker(BytesView rest);

}  // namespace hh::stratum::v2

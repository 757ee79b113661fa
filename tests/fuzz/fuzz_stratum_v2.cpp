// Stratum V2 messages. The first two bytes choose the message, the rest is its payload: whatever is taken must encode to bytes that mean the same, and nothing
// may throw but Error(data). The fields behind it are looked at for a worker's name.
#include <cstdlib>

#include "stratum/v2_codec.h"
#include "stratum/v2_tlv.h"

using namespace hh;
using namespace hh::stratum;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const v2::FrameHeader header{static_cast<uint16_t>(data[0] & 3), data[1], false, static_cast<uint32_t>(size - 2)};
  const BytesView payload(data + 2, size - 2);
  try {
    const v2::AnyMessage message = v2::decode_any(header, payload);
    v2::to_json(message).dump();
    Bytes again;
    std::visit([&](const auto& m) { v2::encode(m, again); }, message);
    if (again.size() > payload.size() || v2::decode_any(header, again) != message) std::abort();
    v2::find_worker(payload.subspan(again.size()));
  } catch (const Error& e) {
    if (e.code() != Exit::data) std::abort();
  }
  return 0;
}

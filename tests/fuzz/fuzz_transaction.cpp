// Any bytes as a transaction and as a block: refused with Error(data), or read so that writing gives the same bytes again. What is read is
// no larger in memory than a small multiple of the input, whatever its counts claim (libFuzzer's -malloc_limit_mb and -rss_limit_mb watch).
#include <cstdlib>

#include "base/error.h"
#include "bitcoin/block.h"
#include "bitcoin/coinbase.h"
#include "bitcoin/script.h"

using namespace hh;
using namespace hh::bitcoin;

namespace {

template <class Body>
void allow_refusal(Body body) {
  try {
    body();
  } catch (const Error& e) {
    if (e.code() != Exit::data) std::abort();
  }
}

void check_same(const Bytes& written, BytesView read) {
  if (written != Bytes(read.begin(), read.end())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BytesView bytes(data, size);
  allow_refusal([&] {
    const Transaction tx = parse_transaction(bytes);
    check_same(serialize(tx), bytes);
    for (const auto& in : tx.inputs) read_height_push(in.script);
    for (const auto& out : tx.outputs) kind_of(out.script), dust_threshold(out.script);
  });
  allow_refusal([&] { check_same(serialize(parse_block(bytes)), bytes); });
  allow_refusal([&] { with_witness(bytes); });
  return 0;
}

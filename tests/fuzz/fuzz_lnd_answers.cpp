// lnd's answers: whatever comes, never a crash, and never a claim without what it rests on.
#include <string_view>

#include "backends/lnd_answers.h"
#include "claims.h"

namespace {

using namespace hh::ln;

const std::string hash(64, 'a');

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check(read_stream_line(body, hash, false).evidence != Evidence::not_found);
  const Report tracked = read_stream_line(body, hash, true);
  // A claim about the payment names it; the check is for plain text, as JSON can also write it with escapes.
  const bool claims = tracked.evidence == Evidence::settled || tracked.evidence == Evidence::failed;
  check(!claims || body.find(hash) != body.npos || body.find('\\') != body.npos);
  for (const bool tracking : {false, true}) {
    const Evidence e = read_error(body, 404, tracking).evidence;
    check(e == Evidence::unknown || e == Evidence::in_flight || (tracking && e == Evidence::not_found));
  }
  no_crash([&] { read_getinfo(body); });
  no_crash([&] { read_payments(body); });
  no_crash([&] { read_has_htlc(body, {}); });
  return 0;
}

// Orders about what forwarding earns, and sweeps: whatever comes, never a crash; what is read says the same when it is written, and adds up.
#include <string_view>

#include "claims.h"
#include "json/canonical.h"
#include "payout/fee_sweep.h"
#include "reinvest/order.h"

using namespace hh;
using namespace hh::ln;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  no_crash([&] { read_signed_order(text); });
  no_crash([&] {
    const Order order = order_from_json(json::parse(text));
    const std::string written = json::canonical(to_json(order));
    check(json::canonical(to_json(order_from_json(json::parse(written)))) == written);
    check(sequence_of(order) >= 1);
  });
  no_crash([&] {
    const payout::FeeSweep s = payout::sweep_from_record(json::parse(text));
    Msat sum = s.reserve;
    for (const payout::SweepPart& p : s.parts) sum += p.withdrawable;
    check(sum == s.earned);
    check(payout::sweep_from_record(payout::to_record(s)) == s);
  });
  return 0;
}

// Any text as a manifest, as a round or cycle to divide, as a policy and as a destination. Whatever is accepted adds up: sums are taken here again, in
// 128 bits, and a payout that was computed is read back as it was written. The first byte chooses.
#include <cstdlib>

#include "base/error.h"
#include "json/canonical.h"
#include "payout/explain.h"
#include "payout/manifest.h"

using namespace hh;
using namespace hh::payout;

namespace {

__extension__ using Wide = __int128;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_sums(const Payout& p) {
  Wide earned = 0, fees = 0, in = 0, out = 0;
  for (const Line& line : p.lines) {
    earned += line.earned.count(), fees += line.fees.count(), in += line.carried_in.count(), out += line.pay.count() + line.carried_out.count();
    must(line.pay.count() >= 0 && line.carried_out.count() >= 0);
    must(line.pay.count() % p.policy.pay_unit.count() == 0);
    must(line.pay.is_zero() || (line.pay >= to_msat(p.policy.min_payout) && line.destination));
  }
  must(in + earned + fees == out);
  if (p.kind == PayoutKind::round) {
    must(earned + p.operator_share.count() + p.node_pool.count() == p.subsidy.count());
    must(fees == (p.fee_to == FeeTo::manifest ? p.fees.count() : 0));
  } else {
    must(earned + p.node_pool_remainder.count() == p.node_pool.count());
  }
}

void check_accepted(const Payout& p) {
  check_sums(p);
  const std::string bytes = manifest_bytes(p);
  must(parse_manifest(bytes).payout == p);
  for (const Line& line : p.lines) must(!explain_account(p, line.account).empty());
}

void check_manifest(std::string_view text) { check_accepted(parse_manifest(text).payout); }

// The same after making it canonical, so that the fuzzer comes past that check.
void check_canonical(std::string_view text) { check_manifest(json::canonical(json::parse(text))); }

void check_compute(std::string_view text) {
  const json::Json record = json::parse(text);
  if (json::record_type(record) == "cycle") return check_accepted(compute_cycle(records::parse_cycle(record), {}, {}));
  Policy policy;
  const records::Round round = records::parse_round(record);
  policy.scheme = round.scheme;
  if (round.pplns) policy.pplns_factor = round.pplns->factor;
  check_accepted(compute_round(round, policy));
}

void check_policy(std::string_view text) {
  const Policy p = parse_policy(text, "fuzz");
  const Policy again = policy_from_json(to_json(p));
  must(p.operator_ppm + p.node_pool_ppm <= 1'000'000 && again.min_payout == p.min_payout && again.pay_unit == p.pay_unit);
}

void check_destination(std::string_view text) {
  for (const char* kind : {"lnaddress", "lnurl", "node", "bolt11", "bolt12", "endpoint"})
    if (records::what_is_wrong(*kind_from_name(kind), text).empty()) must(records::parse_destination(to_json(records::make_destination(kind, text))).value == text);
}

// Nobody holds a key of this set, so nothing may be accepted.
void check_signed(std::string_view text) { must(std::holds_alternative<Refusal>(verify_signed(text, {}, 1'700'000'000))); }

constexpr void (*checks[])(std::string_view) = {check_manifest, check_canonical, check_compute, check_policy, check_destination, check_signed};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try {
    checks[data[0] % std::size(checks)](as_text({data + 1, size - 1}));
  } catch (const Error& e) {
    must(e.code() != Exit::software && *e.what() != 0);
  }
  return 0;
}

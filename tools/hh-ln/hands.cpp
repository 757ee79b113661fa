#include "hands.h"

#include "crypto/random.h"

namespace hh::ln {
namespace {

uint64_t random_seed() {
  uint64_t seed = 0;
  for (const uint8_t byte : crypto::system_random().bytes(sizeof seed)) seed = seed << 8 | byte;
  return seed;
}

}  // namespace

SettlePolicy policy_of(const Settings& s) {
  return {.attempts = s.integer("attempts"),
          .backoff_ms = s.integer("backoff_ms"),
          .wait_ms = s.integer("wait_seconds") * 1000,
          .fee_limit_ppm = s.integer("fee_limit_ppm"),
          .fee_limit_base = Msat(s.integer("fee_limit_base_msat")),
          .batch_lines = s.integer("batch_lines"),
          .batch_fee_limit_ppm = s.integer("batch_fee_limit_ppm"),
          .payments_per_minute = s.integer("payments_per_minute"),
          .deadline_ms = s.integer("deadline_hours") * 3'600'000,
          .seed = random_seed()};
}

Hands::Hands(const Settings& s, const std::function<std::unique_ptr<Backend>()>& make, Journal& journal, const Identity& identity) {
  const bool loopback = s.boolean("lnurl.allow_loopback");
  const EndpointAccess access{.ca = s.text("endpoint.ca"), .certificate = s.text("endpoint.certificate"), .key = s.text("endpoint.key"), .timeout_ms = s.integer("endpoint.timeout_seconds") * 1000};
  const bool may_ask = !access.ca.empty() && !access.certificate.empty() && !access.key.empty();
  for (int64_t i = 0; i < s.integer("concurrency"); ++i) {
    auto backend = make();
    Backend& its = *backend;
    hands_.push_back({std::move(backend), Resolver(its, journal, identity, {.allow_loopback = loopback}, http_fetch(loopback, s.text("lnurl.proxy")), system_clock(),
                                                     may_ask ? http_ask(access) : Ask())});
  }
}

std::vector<Hand> Hands::all() {
  std::vector<Hand> out;
  for (Both& hand : hands_) out.push_back({*hand.backend, hand.resolver});
  return out;
}

}  // namespace hh::ln

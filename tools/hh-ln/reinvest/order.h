// Orders about what forwarding earns: signed documents, of the treasurer or of a node. [L050][L052][L053][L054]
//
//   policy      how much is reinvested, who has which part of the rest, and the caps of withdrawals; signed by a key of the setting reinvest.key
//   preference  how much a node wants reinvested; signed by the node's key, which the policy names, or by such a key of the treasurer's
//   withdrawal  what a node wants paid out of what it is owed, and where to; signed likewise
//
// A signed order is a compact JWS (crypto/jws.h, typ "hh-reinvest+jws") whose payload is the canonical JSON of the order. An order has a sequence number,
// counted from 1 for each kind and node without gaps, so that it counts once and in its place, however often it comes; and the chain, so that what was
// signed for a test network moves nothing elsewhere.
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/amount.h"
#include "bitcoin/address.h"
#include "crypto/jws.h"
#include "json/strict.h"
#include "records/destination.h"

namespace hh::ln {

inline constexpr const char* order_typ = "hh-reinvest+jws";
inline constexpr size_t max_order_line = 1u << 20;

struct PolicyNode {
  std::string node;
  int64_t weight = 1;
  std::string key;  // base64url of its Ed25519 public key, or ""
};

struct ReinvestPolicy {
  bitcoin::Network chain = bitcoin::Network::main;
  int64_t sequence = 0;
  int64_t reinvest_ppm = 0;                        // where a node prefers nothing
  int64_t least_reinvest_ppm = 0, most_reinvest_ppm = 1'000'000;  // what a preference is cut to
  Msat min_withdrawal, max_withdrawal, max_day;    // at once; at once; of all nodes in a day (UTC)
  Msat reserve;                                    // what withdrawals leave in the wallet's channels, at least
  std::vector<PolicyNode> nodes;                   // sorted by name

  const PolicyNode* find(std::string_view node) const;  // nullptr: it has no part
  int64_t applied_ppm(std::optional<int64_t> preferred) const;
};

struct Preference {
  bitcoin::Network chain = bitcoin::Network::main;
  std::string node;
  int64_t sequence = 0;
  int64_t reinvest_ppm = 0;
};

struct WithdrawalOrder {
  bitcoin::Network chain = bitcoin::Network::main;
  std::string node;
  int64_t sequence = 0;
  Msat amount;  // whole satoshis
  records::Destination destination;
};

using Order = std::variant<ReinvestPolicy, Preference, WithdrawalOrder>;
const char* kind_of(const Order& order);   // "policy", "preference", "withdrawal"
std::string node_of(const Order& order);   // "" of a policy
int64_t sequence_of(const Order& order);
bitcoin::Network chain_of(const Order& order);

// Throws Error(data) naming the field.
Order order_from_json(const json::Json& object);
json::Json to_json(const Order& order);

// A signed_order record. iat, exp: unix seconds; exp is until when it is accepted, not until when it is in force.
json::Json sign_order(const Order& order, const crypto::SigningKey& key, int64_t iat, int64_t exp, std::string jti);

struct SignedOrder {
  Order order;
  crypto::jws::Parsed parsed;
  std::string jws;
};
// A line that is a signed_order record or a bare JWS. Nobody has checked its signature yet. Throws Error(data).
SignedOrder read_signed_order(std::string_view line);
// Throws Error(no_permission) where no key of the set has signed it, or its time is not now (unix seconds).
void require_signature(const SignedOrder& order, const crypto::KeySet& keys, int64_t now);

}  // namespace hh::ln

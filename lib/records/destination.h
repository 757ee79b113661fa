// Where an account is paid: the `destination` of miner, round, node and manifest records.
//
// Only the form of the text is checked here, so that a typing error is found when a miner is registered and not on payday. Whether the
// place exists, is on the right network and takes the amount is for the program that pays (hh-ln) to find out.
//   lnaddress  LUD-16, user@host or user@host:port, in lower case: alice@example.com
//   lnurl      LUD-01, bech32 of a URL in lower case (lnurl1…), or that URL itself: https, or http for .onion and loopback hosts
//   node       public key of a Lightning node (BOLT 7): 66 lower-case hex digits that start with 02 or 03
//   bolt11     an invoice (BOLT 11), in lower case: lnbc…, lntb…, lntbs… or lnbcrt…, with a right checksum
//   bolt12     an offer (BOLT 12), in lower case and in one piece: lno1…
//   endpoint   where a node hands out invoices (hh-invoice-endpoint(5)): a URL with https, perhaps with # and the key of the node that is paid
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "json/fields.h"

namespace hh::records {

enum class DestinationKind { lnaddress, lnurl, node, bolt11, bolt12, endpoint };

struct Destination {
  DestinationKind kind = DestinationKind::lnaddress;
  std::string value;
  bool operator==(const Destination&) const = default;
};

inline constexpr size_t max_destination_bytes = 2048;

std::string_view kind_name(DestinationKind kind);
std::optional<DestinationKind> kind_from_name(std::string_view name);

// Empty where value has the form of its kind, else what is wrong with it: "has no host after @".
std::string what_is_wrong(DestinationKind kind, std::string_view value);
// The same for a person's input; throws Error(data) with kind, value and reason.
Destination make_destination(std::string_view kind, std::string_view value);

// Two texts that were checked when they were taken in, as a database holds them: a form that has become stricter since must not make a
// closed round unreadable. Throws Error(data) where kind is not known.
Destination known_destination(std::string_view kind, std::string value);

// {"kind":…,"value":…}. parse_destination throws Error(data).
json::Json to_json(const Destination& d);
Destination parse_destination(const json::Json& object);

}  // namespace hh::records

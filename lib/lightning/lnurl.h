// LNURL-pay: from a lightning address or an LNURL to an invoice (LUD-01, LUD-06, LUD-16, LUD-17), without doing the web requests itself.
//
//   1. …_url()              where to ask            alice@example.com -> https://example.com:443/.well-known/lnurlp/alice
//   2. read_parameters()    what the service says   callback, least and most it takes, metadata
//   3. callback_url()       where to ask for an invoice over an exact amount
//   4. read_invoice()       the answer's invoice, still unchecked: see refuse_invoice() in bolt11.h
//   5. refuse_description() LUD-06 step 6
//
// The service is a stranger. Its answers are bounded in size by the caller, parsed strictly, and every URL it gives is checked as the first one was:
// https, or http for .onion, or loopback where that was allowed for tests or a local service. [LUD-01]
#pragma once
#include <string>
#include <string_view>

#include "base/amount.h"
#include "lightning/bolt11.h"

namespace hh::lightning {

inline constexpr size_t max_lnurl_answer = 512u << 10;  // bytes; LUD-06 allows an image of 136,536 characters in the metadata

// LUD-16. Throws Error(data): no user, a character outside a-z0-9-_.+, no host.
std::string lightning_address_url(std::string_view address, bool allow_loopback = false);
// LUD-01 bech32 text, LUD-17 lnurlp://…, or the URL itself; "lightning:" before it is ignored. Throws Error(data).
std::string lnurl_url(std::string_view lnurl, bool allow_loopback = false);

struct PayParameters {
  std::string callback;
  Msat least, most;      // inclusive
  std::string metadata;  // raw, as it is hashed
};
// body: of the first answer. who names the payee in errors. Throws Error(unavailable) where the service says ERROR, Error(data) where the answer is
// not one of LUD-06.
PayParameters read_parameters(std::string_view body, std::string_view who, bool allow_loopback = false);

// Throws Error(data) where the amount is outside least … most.
std::string callback_url(const PayParameters& p, Msat amount, std::string_view who);

// body: of the second answer. Throws as read_parameters, and Error(data) where the invoice cannot be decoded.
Invoice read_invoice(std::string_view body, std::string_view who);

// "" or why not: the invoice's description hash is not the SHA-256 of the metadata. An invoice with a plain description passes: many
// services send one, and the hash only ties the invoice to a text that nobody reads when miners are paid. A hash that is there must be right.
std::string refuse_description(const Invoice& invoice, const PayParameters& p);

}  // namespace hh::lightning

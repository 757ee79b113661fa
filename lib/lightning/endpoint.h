// Where a node hands out invoices (hh-invoice-endpoint(5)), without doing the web request itself.
//
//   1. parse_endpoint()      where to ask, and whose invoice it must be
//   2. endpoint_request()    what is asked: POST, JSON
//   3. read_endpoint_reply() the answer's invoice
//   4. refuse_endpoint()     whether it is bound to what was asked, beside refuse_invoice() in bolt11.h
//
// An invoice is bound to one attempt of one manifest line by its description, which the payee signs. So an endpoint that is asked again answers with the same
// invoice as long as it can be paid, and one that mixes up two requests is found out before anything is sent.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "lightning/bolt11.h"

namespace hh::lightning {

inline constexpr size_t max_endpoint_reply = 16'384;  // bytes

struct Endpoint {
  std::string url;
  std::optional<NodeKey> payee;  // named after a #; none: whatever node signs, as the certificate speaks for the endpoint
};
Endpoint parse_endpoint(std::string_view destination);  // throws Error(data)

struct PayoutAttempt {
  std::string chain, manifest_id, account;
  int64_t line = 0, attempt = 1;
  Msat amount;
};

// "Hyper Hash payout MANIFEST_ID/LINE/ATTEMPT": the description of the invoice (BOLT 11), or the payer's note (BOLT 12).
std::string payout_note(const PayoutAttempt& a);

std::string endpoint_request(const PayoutAttempt& a);  // the body

// Throws Error(unavailable) where the endpoint refuses (any status but 200), Error(data) for an answer that is not one.
Invoice read_endpoint_reply(long status, std::string_view body, std::string_view who);

// "" or why not: of another node, or not bound to this attempt.
std::string refuse_endpoint(const Invoice& invoice, const Endpoint& endpoint, const PayoutAttempt& a);

}  // namespace hh::lightning

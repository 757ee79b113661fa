// Core Lightning's answers through clnrest as evidence. Pure functions, so that every odd answer is a test. [clnrest, fetchinvoice, xpay, listpays and listsendpays of
// Core Lightning 26.06]
//
// Success is HTTP status 201 and the command's own object; an error is {"code", "message", …} with 401 or 403 (the rune), 404 (no such command) or
// 500 (the command failed). What a payment's state is, only `listpays` says: `xpay` can fail while parts that it sent are still out, and
// `listsendpays` can show nothing but failed parts while xpay is about to send the next one. `listpays` of 26.06 and later calls a payment pending as
// long as xpay works on it; earlier ones did not, which is why they are refused.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace hh::ln {

inline constexpr long cln_success = 201;

// The answer to `xpay`. `look`: the answer is an error after which the payment may have failed for good, or be under way, or paid: only the node's list
// can tell. Otherwise `report` is all that is known.
struct XpayAnswer {
  Report report;
  bool look = false;
};
XpayAnswer read_xpay(std::string_view body, long status);
// What becomes of an XpayAnswer with `look`, once `listpays` has been read.
Report after_look(const Report& xpay, const Report& list);

// The answer to `listpays` for one payment hash (hex): not_found only for a list that is there and empty; failed only where every entry is failed.
Report read_listpays(std::string_view body, long status, const std::string& hash);

// The invoice that `fetchinvoice` was given, as text and unchecked. Throws Error(unavailable) with what the node, or the payee, says instead.
std::string read_fetchinvoice(std::string_view body, long status);

struct ClnInfo {
  Identity identity;
  bool synced = false;
};
// Throws Error(unavailable) for what is not such an answer, Error(config) for a chain we do not know, a version below 26.06, or a rune that is refused.
ClnInfo read_cln_getinfo(std::string_view body, long status);

// One page of `listsendpays` by index: parts of payments, in the order in which they were made. Throws Error(unavailable).
struct Part {
  std::string hash, status, preimage, invoice;  // hash and preimage in hex; status: pending, complete, failed; invoice: BOLT 11 or BOLT 12
  Msat amount, sent;                           // what the payee gets, and that with fees
  int64_t created_ms = 0;
  uint64_t index = 0;
};
std::vector<Part> read_listsendpays(std::string_view body, long status);
// Parts of the same payment as one entry of the node's list, ordered by its newest part.
std::vector<Listed> payments_of(const std::vector<Part>& parts);

// Of `listpeerchannels`: whether an outgoing HTLC has this hash. Throws Error(unavailable).
bool read_cln_has_htlc(std::string_view body, long status, const PaymentHash& hash);

}  // namespace hh::ln

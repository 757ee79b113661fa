// lnd's REST answers as evidence. Pure functions, so that every odd answer is a test. [lnrpc/lightning.proto, lnrpc/routerrpc/router.proto of lnd 0.21]
//
// The gateway writes int64 as text and bytes as base64, and wraps each message of a stream in {"result": …} or {"error": {code, message}};
// an error before the first message, or of a call that is no stream, is a bare {"code", "message"}. An HTTP status of 200 proves nothing, and 404 proves
// nothing either: both a payment that lnd does not know and a path that lnd does not have are code 5.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"

namespace hh::ln {

// One line of /v2/router/send or /v2/router/track (tracking). hash: hex, of the payment that was asked about; a report about another one is `unknown`.
// Only an answer to tracking can be not_found.
Report read_stream_line(std::string_view line, const std::string& hash, bool tracking);
// An answer with an HTTP status other than 2xx.
Report read_error(std::string_view body, long status, bool tracking);

struct GetInfo {
  Identity identity;
  bool synced = false;
};
// Throws Error(unavailable) for what is not such an answer, Error(config) for a chain we do not know or a version below 0.18.
GetInfo read_getinfo(std::string_view body);

struct PaymentPage {
  std::vector<Listed> payments;
  uint64_t last_index = 0;
};
// Throws Error(unavailable).
PaymentPage read_payments(std::string_view body);
// Of /v1/channels: whether an outgoing HTLC has this hash. Throws Error(unavailable).
bool read_has_htlc(std::string_view body, const PaymentHash& hash);
// Of /v1/balance/blockchain and /v1/balance/channels. Throws Error(unavailable).
Balances read_balances(std::string_view blockchain, std::string_view channels);

}  // namespace hh::ln

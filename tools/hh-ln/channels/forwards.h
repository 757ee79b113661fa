// What a node has forwarded for others, and what that earned: lnd's forwarding log. [lnrpc/lightning.proto of lnd 0.21, ForwardingEvent]
//
// lnd's log has one entry for each nanosecond: it moves an entry to the next free one where two forwards end in the same. So `timestamp_ns` names a forward
// of one node for as long as its log lives, and is what keeps a forward from being counted twice. lnd writes its log every 15 seconds and when it stops.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.h"

namespace hh::ln {

struct Forward {
  int64_t timestamp_ns = 0;        // since 1970, > 0
  std::string chan_in, chan_out;   // the node's numbers of the channels
  uint64_t htlc_in = 0, htlc_out = 0;  // 0 where lnd did not keep it yet
  Msat in, out, fee;               // fee = in - out
  bool operator==(const Forward&) const = default;
};

struct ForwardPage {
  std::vector<Forward> forwards;  // oldest first
  int64_t last_index = 0;         // where the next page begins
};
// The answer of /v1/switch. Throws Error(unavailable) for what is not one, or where a fee is not what came in less what went out.
ForwardPage read_forwards(std::string_view body);

}  // namespace hh::ln

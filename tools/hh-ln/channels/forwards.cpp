#include "channels/forwards.h"

#include <fmt/format.h>

#include "backends/answer_fields.h"
#include "base/error.h"
#include "channels/node.h"

namespace hh::ln {
namespace {

Msat amount(const Json& event, const char* name) {
  const Msat m(number(event, name));
  if (!is_money(m)) throw Error(Exit::data, fmt::format("a forward whose {} is no amount of bitcoin", name));
  return m;
}

std::string channel(const Json& event, const char* name) {
  std::string id = text(event, name);
  if (id.empty() || id.size() > 20 || id.find_first_not_of("0123456789") != std::string::npos) throw Error(Exit::data, fmt::format("a forward whose {} is no channel", name));
  return id;
}

uint64_t htlc(const Json& event, const char* name) {
  const int64_t id = number(event, name);
  if (id < 0) throw Error(Exit::data, fmt::format("a forward whose {} is negative", name));
  return static_cast<uint64_t>(id);
}

Forward read_forward(const Json& e) {
  Forward f{.timestamp_ns = number(e, "timestamp_ns"), .chan_in = channel(e, "chan_id_in"), .chan_out = channel(e, "chan_id_out"), .htlc_in = htlc(e, "incoming_htlc_id"),
            .htlc_out = htlc(e, "outgoing_htlc_id"), .in = amount(e, "amt_in_msat"), .out = amount(e, "amt_out_msat"), .fee = amount(e, "fee_msat")};
  if (f.timestamp_ns <= 0) throw Error(Exit::data, "a forward without timestamp_ns");
  if (f.in - f.out != f.fee) throw Error(Exit::data, fmt::format("a forward of {} msat in and {} out with a fee of {}", f.in.count(), f.out.count(), f.fee.count()));
  return f;
}

}  // namespace

void ChannelNode::each_forward(int64_t since_unix_seconds, const std::function<void(const Forward&)>& each) {
  for (int64_t after = 0;;) {
    const ForwardPage page = forwards(since_unix_seconds, after);
    for (const Forward& f : page.forwards) each(f);
    if (page.forwards.empty() || page.last_index <= after) return;
    after = page.last_index;
  }
}

ForwardPage read_forwards(std::string_view body) try {
  const Json answer = json::parse(body);
  const Json* events = answer.is_object() ? member(answer, "forwarding_events") : nullptr;
  if (!events || !events->is_array()) throw Error(Exit::data, "it has no list \"forwarding_events\"");
  ForwardPage page;
  for (const Json& e : *events) {
    Forward f = read_forward(e);
    if (!page.forwards.empty() && f.timestamp_ns < page.forwards.back().timestamp_ns) throw Error(Exit::data, "the forwards are not in the order of time");
    page.forwards.push_back(std::move(f));
  }
  page.last_index = number(answer, "last_offset_index");
  return page;
} catch (const Error& e) {
  throw Error(Exit::unavailable, fmt::format("lnd did not answer /v1/switch as expected: {}", e.what()));
}

}  // namespace hh::ln

#include "channels/cln_channels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "backends/answer_fields.h"

namespace hh::ln {
namespace {

Json answer_of(std::string_view body, long status, const char* list) {
  if (status != cln_success) throw Error(status == 401 || status == 403 ? Exit::config : Exit::unavailable, fmt::format("Core Lightning answers with HTTP status {}", status));
  Json value = json::parse(body);
  const Json* found = member(value, list);
  if (!found || !found->is_array()) throw Error(Exit::data, fmt::format("it has no list \"{}\"", list));
  return value;
}

Sat whole_sat(const Json& object, const char* name) {
  const Msat m(number(object, name));
  if (!is_money(m)) throw Error(Exit::data, fmt::format("field \"{}\" is no amount of bitcoin", name));
  return round_down_to_sat(m);
}

const char* state_of(const Json& c) {
  const std::string state = text(c, "state");
  if (state == "CHANNELD_NORMAL" || state == "CHANNELD_AWAITING_SPLICE") return flag(c, "peer_connected") ? "active" : "inactive";
  static const std::set<std::string_view> opening{"OPENINGD", "CHANNELD_AWAITING_LOCKIN", "DUALOPEND_OPEN_INIT", "DUALOPEND_AWAITING_LOCKIN", "DUALOPEND_OPEN_COMMITTED", "DUALOPEND_OPEN_COMMIT_READY"};
  return opening.contains(state) ? "opening" : "closing";
}

Channel read_channel(const Json& c) {
  Channel out{text(c, "short_channel_id"), fmt::format("{}:{}", text(c, "funding_txid"), number(c, "funding_outnum")), text(c, "peer_id"), whole_sat(c, "total_msat"), whole_sat(c, "to_us_msat"), {}, state_of(c),
              flag(c, "private")};
  if (!lightning::parse_node_key(out.peer)) throw Error(Exit::data, "a channel without its peer");
  if (out.local > out.capacity) throw Error(Exit::data, "a channel with more in it than it holds");
  out.remote = out.capacity - out.local;
  return out;
}

template <class Read>
auto reading(const char* what, Read read) try {
  return read();
} catch (const Error& e) {
  if (e.code() != Exit::data) throw;
  throw Error(Exit::unavailable, fmt::format("Core Lightning did not answer {} as expected: {}", what, e.what()));
}

const http::Response& answered(const http::Result& result) {
  if (result.outcome != http::Outcome::ok) throw Error(Exit::unavailable, fmt::format("Core Lightning cannot be reached: {}", result.error));
  return result.response;
}

}  // namespace

std::vector<Channel> read_cln_channels(std::string_view body, long status) {
  return reading("listpeerchannels", [&] {
    std::vector<Channel> out;
    const Json answer = answer_of(body, status, "channels");
    for (const Json& c : answer["channels"]) out.push_back(read_channel(c));
    return out;
  });
}

Sat read_cln_confirmed(std::string_view body, long status) {
  return reading("listfunds", [&] {
    Sat sum;
    const Json answer = answer_of(body, status, "outputs");
    for (const Json& o : answer["outputs"])
      if (text(o, "status") == "confirmed" && !flag(o, "reserved")) sum += whole_sat(o, "amount_msat");
    return sum;
  });
}

// What is reserved for a transaction is not ours to count; immature coins are yet to come.
Balances read_cln_balances(std::string_view funds, long funds_status, std::string_view channels, long channels_status) {
  Balances out;
  out.confirmed = read_cln_confirmed(funds, funds_status);
  reading("listfunds", [&] {
    const Json answer = answer_of(funds, funds_status, "outputs");
    for (const Json& o : answer["outputs"])
      if (const std::string status = text(o, "status"); (status == "unconfirmed" || status == "immature") && !flag(o, "reserved")) out.unconfirmed += whole_sat(o, "amount_msat");
    return 0;
  });
  for (const Channel& c : read_cln_channels(channels, channels_status))
    if (c.is_open()) out.local += to_msat(c.local), out.remote += to_msat(c.remote);
  return out;
}

std::optional<Balances> ClnChannels::balances() {
  const http::Result funds = call("listfunds", Json::object(), true, answer_ms()), channels = call("listpeerchannels", Json::object(), true, answer_ms());
  return read_cln_balances(answered(funds).body, funds.response.status, answered(channels).body, channels.response.status);
}

std::vector<Channel> ClnChannels::channels() {
  const http::Result result = call("listpeerchannels", Json::object(), true, answer_ms());
  return read_cln_channels(answered(result).body, result.response.status);
}

Sat ClnChannels::confirmed_balance() {
  const http::Result result = call("listfunds", Json::object(), true, answer_ms());
  return read_cln_confirmed(answered(result).body, result.response.status);
}

std::vector<std::string> ClnChannels::connected_peers() {
  std::vector<std::string> out;
  for (const Channel& c : channels())
    if (c.is_active()) out.push_back(c.peer);
  return out;
}

}  // namespace hh::ln

#include "channels/lnd_channels.h"

#include <fmt/format.h>

#include <map>

#include "backends/answer_fields.h"
#include "channels/lnd_channel_answers.h"
#include "crypto/base64url.h"

namespace hh::ln {
namespace {

constexpr int64_t page_of_forwards = 10'000;
constexpr int64_t blocks_wanted = 6;  // for the estimate of fees

std::string body(const Json& value) { return json::to_line(value); }

}  // namespace

std::vector<Channel> LndChannels::channels() {
  std::vector<Channel> out = read_channels(get("/v1/channels"));
  for (Channel& c : read_pending_channels(get("/v1/channels/pending"))) out.push_back(std::move(c));
  return out;
}

Sat LndChannels::confirmed_balance() { return read_confirmed(get("/v1/balance/blockchain")); }

std::vector<std::pair<std::string, Msat>> LndChannels::fees_earned(int64_t since_unix_seconds) {
  std::map<std::string, Msat> sums;
  each_forward(since_unix_seconds, [&](const Forward& f) { sums[f.chan_out] += f.fee; });
  return {sums.begin(), sums.end()};
}

ForwardPage LndChannels::forwards(int64_t since_unix_seconds, int64_t after) {
  const Json query{{"start_time", std::to_string(since_unix_seconds)}, {"end_time", std::to_string(INT32_MAX)}, {"index_offset", after}, {"num_max_events", page_of_forwards}};
  return read_forwards(change("POST", "/v1/switch", body(query)));
}

std::vector<std::string> LndChannels::connected_peers() { return read_peers(get("/v1/peers")); }

std::optional<std::string> LndChannels::address_of(const std::string& peer) try {
  return read_node_address(get("/v1/graph/node/" + peer + "?include_channels=false"));
} catch (const Error& e) {
  if (e.code() != Exit::unavailable) throw;
  return {};  // lnd says the same of a node that is not in the graph
}

void LndChannels::connect(const PeerAddress& peer) try {
  change("POST", "/v1/peers", body({{"addr", {{"pubkey", peer.key}, {"host", peer.host}}}, {"perm", false}, {"timeout", "10"}}));
} catch (const Error& e) {
  if (std::string_view(e.what()).find("already connected") == std::string_view::npos) throw;
}

int64_t LndChannels::chain_fee_sat_per_vbyte() { return read_fee_estimate(get(fmt::format("/v2/wallet/estimatefee/{}", blocks_wanted))); }

std::string LndChannels::open(const std::string& peer, Sat amount, int64_t sat_per_vbyte, bool is_private) {
  const Json request{{"node_pubkey", crypto::to_base64(*from_hex(peer))}, {"local_funding_amount", std::to_string(amount.count())}, {"sat_per_vbyte", std::to_string(sat_per_vbyte)}, {"private", is_private}};
  return read_opened(change("POST", "/v1/channels", body(request)));
}

// The answer is a stream that lasts until the channel is closed; its first line says that closing has begun.
void LndChannels::close(const Channel& channel, bool force, int64_t sat_per_vbyte) {
  const size_t colon = channel.point.find(':');
  http::Request r = request(fmt::format("/v1/channels/{}/{}?force={}{}", channel.point.substr(0, colon), channel.point.substr(colon + 1), force, force ? "" : fmt::format("&sat_per_vbyte={}", sat_per_vbyte)));
  r.method = "DELETE";
  r.timeouts.total_ms = 60'000;
  std::string first;
  http::LineSplitter lines([&](std::string_view line) { return first = line, false; });
  r.on_data = [&](std::string_view piece) { return lines(piece); };
  const http::Result result = client_.send(r);
  if (!result.response.cancelled) lines.flush();
  if (first.empty() && result.outcome == http::Outcome::ok) first = result.response.body;
  if (first.empty()) throw Error(result.outcome == http::Outcome::not_sent ? Exit::unavailable : Exit::temp_fail, fmt::format("lnd did not say that the channel is being closed: {}", result.error));
  const Json answer = json::parse(first);
  if (member(answer, "result")) return;
  const Json* error = member(answer, "error");
  throw Error(Exit::unavailable, fmt::format("lnd does not close the channel: {}", shortened(text(error ? *error : answer, "message"))));
}

Policy LndChannels::policy(const Channel& channel) {
  if (own_key_.empty()) own_key_ = identify().node;
  return read_policy(get("/v1/graph/edge/" + channel.id), own_key_);
}

void LndChannels::set_policy(const Channel& channel, const Policy& p) {
  const size_t colon = channel.point.find(':');
  read_policy_update(change("POST", "/v1/chanpolicy", body({{"chan_point", {{"funding_txid_str", channel.point.substr(0, colon)}, {"output_index", std::stol(channel.point.substr(colon + 1))}}},
                                                            {"base_fee_msat", std::to_string(p.base_fee_msat)}, {"fee_rate_ppm", p.fee_ppm}, {"time_lock_delta", p.cltv_delta}})));
}

std::string LndChannels::own_invoice(Msat amount, int64_t seconds) {
  return read_invoice_made(change("POST", "/v1/invoices", body({{"memo", "rebalance"}, {"value_msat", std::to_string(amount.count())}, {"expiry", std::to_string(seconds)}})));
}

}  // namespace hh::ln

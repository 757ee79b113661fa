#include "channels/lnd_channel_answers.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/answer_fields.h"
#include "crypto/base64url.h"

namespace hh::ln {
namespace {

// Reads an answer's object with `read`; whatever is wrong with it is Error(unavailable).
template <class Read>
auto reading(std::string_view body, const char* what, Read read) try {
  const Json value = json::parse(body);
  if (!value.is_object()) throw Error(Exit::data, "it is no JSON object");
  if (member(value, "code") && member(value, "message")) throw Error(Exit::data, shortened(text(value, "message")));
  return read(value);
} catch (const Error& e) {
  throw Error(Exit::unavailable, fmt::format("lnd did not answer {} as expected: {}", what, e.what()));
}

const Json& list_of(const Json& object, const char* name) {
  const Json* list = member(object, name);
  if (!list || !list->is_array()) throw Error(Exit::data, fmt::format("it has no list \"{}\"", name));
  return *list;
}

Sat sat(const Json& object, const char* name) {
  const Sat s(number(object, name));
  if (!is_money(s)) throw Error(Exit::data, fmt::format("field \"{}\" is no amount of bitcoin", name));
  return s;
}

std::string key_of(const Json& object, const char* name) {
  const std::string key = text(object, name);
  if (!lightning::parse_node_key(key)) throw Error(Exit::data, fmt::format("field \"{}\" is no public key", name));
  return key;
}

std::string point_of(const Json& object) {
  const std::string point = text(object, "channel_point");
  const size_t colon = point.find(':');
  if (colon != 64 || !from_hex(point.substr(0, 64)) || point.size() == 65 || point.find_first_not_of("0123456789", 65) != std::string::npos)
    throw Error(Exit::data, "a channel without its funding transaction");
  return point;
}

Channel read_channel(const Json& c) {
  Channel out{text(c, "chan_id"), point_of(c), key_of(c, "remote_pubkey"), sat(c, "capacity"), sat(c, "local_balance"), sat(c, "remote_balance"), flag(c, "active") ? "active" : "inactive", flag(c, "private")};
  if (out.id.empty() || out.id.find_first_not_of("0123456789") != std::string::npos) throw Error(Exit::data, "a channel without its number");
  if (out.local + out.remote > out.capacity) throw Error(Exit::data, "a channel with more in it than it holds");
  return out;
}

void add_pending(const Json& answer, const char* list, const char* state, std::vector<Channel>& out) {
  for (const Json& entry : array(answer, list)) {
    const Json* c = member(entry, "channel");
    if (!c) throw Error(Exit::data, "a pending channel without its channel");
    out.push_back({"", point_of(*c), key_of(*c, "remote_node_pub"), sat(*c, "capacity"), sat(*c, "local_balance"), sat(*c, "remote_balance"), state, flag(*c, "private")});
  }
}

}  // namespace

std::vector<Channel> read_channels(std::string_view body) {
  return reading(body, "/v1/channels", [](const Json& answer) {
    std::vector<Channel> out;
    for (const Json& c : list_of(answer, "channels")) out.push_back(read_channel(c));
    return out;
  });
}

std::vector<Channel> read_pending_channels(std::string_view body) {
  return reading(body, "/v1/channels/pending", [](const Json& answer) {
    std::vector<Channel> out;
    add_pending(answer, "pending_open_channels", "opening", out);
    for (const char* list : {"pending_closing_channels", "waiting_close_channels", "pending_force_closing_channels"}) add_pending(answer, list, "closing", out);
    return out;
  });
}

Sat read_confirmed(std::string_view body) {
  return reading(body, "/v1/balance/blockchain", [](const Json& answer) {
    if (!member(answer, "confirmed_balance")) throw Error(Exit::data, "it has no balance");
    return std::max(Sat(0), sat(answer, "confirmed_balance") - sat(answer, "locked_balance"));
  });
}

std::vector<std::string> read_peers(std::string_view body) {
  return reading(body, "/v1/peers", [](const Json& answer) {
    std::vector<std::string> out;
    for (const Json& p : list_of(answer, "peers")) out.push_back(key_of(p, "pub_key"));
    return out;
  });
}

std::optional<std::string> read_node_address(std::string_view body) {
  return reading(body, "/v1/graph/node", [](const Json& answer) -> std::optional<std::string> {
    const Json* node = member(answer, "node");
    if (!node) throw Error(Exit::data, "it has no node");
    for (const Json& a : array(*node, "addresses")) {
      const std::string address = text(a, "addr");
      if (!address.empty() && address.size() < 300 && address.find(".onion") == std::string::npos) return address;
    }
    return {};
  });
}

int64_t read_fee_estimate(std::string_view body) {
  return reading(body, "/v2/wallet/estimatefee", [](const Json& answer) {
    const int64_t per_kw = number(answer, "sat_per_kw");
    if (per_kw <= 0 || per_kw > 25'000'000) throw Error(Exit::data, "it has no estimate");
    return (per_kw * 4 + 999) / 1000;
  });
}

std::string read_opened(std::string_view body) {
  return reading(body, "the opening of a channel", [](const Json& answer) {
    auto txid = crypto::from_base64(text(answer, "funding_txid_bytes"));
    const int64_t index = number(answer, "output_index");
    if (!txid || txid->size() != 32 || index < 0) throw Error(Exit::data, "it does not name the funding transaction");
    std::reverse(txid->begin(), txid->end());
    return fmt::format("{}:{}", to_hex(*txid), index);
  });
}

void read_policy_update(std::string_view body) {
  reading(body, "/v1/chanpolicy", [](const Json& answer) {
    for (const Json& failed : array(answer, "failed_updates")) throw Error(Exit::data, fmt::format("{}: {}", shortened(text(failed, "reason")), shortened(text(failed, "update_error"))));
    return 0;
  });
}

Policy read_policy(std::string_view body, const std::string& own_key) {
  return reading(body, "/v1/graph/edge", [&](const Json& answer) {
    const Json* policy = member(answer, text(answer, "node1_pub") == own_key ? "node1_policy" : text(answer, "node2_pub") == own_key ? "node2_policy" : "");
    if (!policy) throw Error(Exit::data, "the graph does not have our side of the channel yet");
    return Policy{number(*policy, "fee_base_msat"), number(*policy, "fee_rate_milli_msat"), number(*policy, "time_lock_delta")};
  });
}

std::string read_invoice_made(std::string_view body) {
  return reading(body, "/v1/invoices", [](const Json& answer) {
    const std::string invoice = text(answer, "payment_request");
    if (invoice.empty()) throw Error(Exit::data, "it has no invoice");
    return invoice;
  });
}

}  // namespace hh::ln

// lnd's REST server as FakeNode: /v2/router/send and track, /v1/getinfo, /v1/channels, /v1/payments.
#include "backends/lnd.h"
#include "crypto/base64url.h"
#include "faults/fake_node.h"

namespace hh::ln::test {
namespace {

using json::Json;

std::string lines(std::initializer_list<Json> values) {
  std::string out;
  for (const Json& v : values) out += json::to_line(v) + "\n";
  return out;
}

Json error(int code, const std::string& message) { return {{"error", {{"code", code}, {"message", message}, {"details", Json::array()}}}}; }

class FakeLnd : public FakeNode {
 public:
  using FakeNode::FakeNode;
  std::unique_ptr<Backend> backend() override {
    return std::make_unique<LndBackend>(LndConfig{.url = url(), .macaroon = "00", .tls_cert = {}, .timeout_seconds = 0, .answer_ms = patience_ms(track), .patience_ms = patience_ms(send)});
  }

 private:
  Json payment(const std::string& hash, const Truth& t, Fault fault) const {
    static const char* const statuses[] = {"IN_FLIGHT", "SUCCEEDED", "FAILED"};
    const bool paid = t.state == Truth::paid, called_failed = fault == Fault::called_failed && t.state == Truth::under_way, failed = t.state == Truth::failed || called_failed;
    Json htlcs = Json::array();
    if (t.part_failed) htlcs.push_back({{"status", "FAILED"}});
    if (!called_failed) htlcs.push_back({{"status", statuses[t.state]}});
    return {{"payment_hash", fault == Fault::other_payment ? std::string(64, 'e') : hash},
            {"value_msat", std::to_string(t.amount.count())}, {"fee_msat", "1000"},
            {"status", called_failed ? "FAILED" : statuses[t.state]},
            {"payment_preimage", fault == Fault::wrong_preimage || !paid ? std::string(64, '1') : preimage_of(hash)},
            {"failure_reason", failed ? "FAILURE_REASON_NO_ROUTE" : "FAILURE_REASON_NONE"},
            {"htlcs", htlcs}, {"payment_index", std::to_string(t.index)}, {"creation_time_ns", std::to_string(clock_.unix_ms()) + "000000"}};
  }

  // What of a payment goes over the wire, as JSON lines.
  std::string stream(const std::string& hash, Fault fault) {
    const Truth& t = known_.at(hash);
    Truth earlier = t;
    earlier.state = Truth::under_way;
    const Json now{{"result", payment(hash, t, fault)}}, before{{"result", payment(hash, earlier, Fault::none)}};
    if (fault == Fault::reordered) return lines({now, before});
    return fault == Fault::none || fault == Fault::cut ? lines({before, now}) : lines({now});
  }

  void answer(http::Connection& c, const std::string& hash, Fault fault, bool tracking) {
    const std::string honest = known_.contains(hash) ? tracking && fault != Fault::reordered ? lines({{{"result", payment(hash, known_.at(hash), fault)}}}) : stream(hash, fault)
                                                     : lines({error(5, "payment isn't initiated")});
    if (spoil(c, fault, 200, honest)) return;
    if (fault == Fault::no_such_path) return c.answer(404, R"({"code":5,"message":"Not Found","details":[]})");
    if (fault == Fault::error_inside) return c.answer(200, lines({error(2, "chain backend is still syncing")}));
    if (fault == Fault::already) return c.answer(409, lines({error(6, "payment is in transition")}));
    if (fault == Fault::refused) return c.answer(401, R"({"code":16,"message":"verification failed: signature mismatch"})");
    c.answer(known_.contains(hash) ? 200 : 404, honest);
  }

  void handle_send(http::Connection& c, const std::string& body) {
    const auto invoice = lightning::decode_bolt11(json::parse(body)["payment_request"].get<std::string>());
    const std::string hash = to_hex(invoice.payment_hash);
    if (!send.lost && !pay(hash, *invoice.amount) && send.fault == Fault::none) return c.answer(409, lines({error(6, "invoice is already paid")}));
    answer(c, hash, send.fault, false);
  }

  void handle(http::Connection& c, const Asked& asked) override {
    const std::lock_guard lock(mutex_);
    const std::string& path = asked.path;
    if (path == "/v2/router/send") return handle_send(c, asked.body);
    if (path.starts_with("/v2/router/track/")) {
      const auto hash = crypto::from_base64url(path.substr(17, 43));
      return answer(c, hash ? to_hex(*hash) : "", track.fault, true);
    }
    if (path == "/v1/getinfo")
      return c.answer(200, std::string(R"({"version":"0.21.1-beta","synced_to_chain":true,"block_height":114,"chains":[{"chain":"bitcoin","network":"regtest"}],"identity_pubkey":")") + node_key + "\"}");
    if (path == "/v1/channels") return c.answer(200, channels());
    if (path.starts_with("/v1/transactions")) return c.answer(200, R"({"transactions":[]})");
    if (path.starts_with("/v1/payments")) return c.answer(200, payments());
    c.answer(404, R"({"code":5,"message":"Not Found","details":[]})");
  }

  // Channels know what they carry even where the payments are forgotten.
  std::string channels() const {
    Json htlcs = Json::array();
    for (const auto& [hash, t] : truth())
      if (t.state == Truth::under_way) htlcs.push_back({{"incoming", false}, {"hash_lock", crypto::to_base64(*from_hex(hash))}});
    return json::to_line(Json{{"channels", {{{"pending_htlcs", htlcs}}}}});
  }

  std::string payments() const {
    Json list = Json::array();
    for (const auto& [hash, t] : known_) list.push_back(payment(hash, t, Fault::none));
    return json::to_line(Json{{"payments", list}, {"last_index_offset", "0"}});
  }
};

}  // namespace

std::unique_ptr<FakeNode> fake_lnd(Clock& clock) { return std::make_unique<FakeLnd>(clock); }

}  // namespace hh::ln::test

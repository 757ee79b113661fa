// Core Lightning's clnrest as FakeNode: getinfo, fetchinvoice, xpay, listpays, listsendpays, listpeerchannels.
#include "backends/cln.h"
#include "faults/fake_node.h"

namespace hh::ln::test {
namespace {

using json::Json;

std::string error(int code, const std::string& message) { return json::to_line(Json{{"code", code}, {"message", message}, {"data", nullptr}}); }

class FakeCln : public FakeNode {
 public:
  using FakeNode::FakeNode;
  std::unique_ptr<Backend> backend() override {
    return std::make_unique<ClnBackend>(ClnConfig{.url = url(), .rune = "rune", .tls_ca = {}, .timeout_seconds = 0, .answer_ms = patience_ms(track), .patience_ms = patience_ms(send)});
  }

 private:
  Json entry(const std::string& hash, const Truth& t, Fault fault) const {
    static const char* const statuses[] = {"pending", "complete", "failed"};
    const bool called_failed = fault == Fault::called_failed && t.state == Truth::under_way;
    Json e{{"payment_hash", fault == Fault::other_payment ? std::string(64, 'e') : hash}, {"status", called_failed ? "failed" : statuses[t.state]},
           {"created_at", clock_.unix_ms() / 1000}, {"created_index", t.index}, {"amount_sent_msat", t.amount.count() + 1000}};
    if (t.state != Truth::failed) e["amount_msat"] = t.amount.count();
    if (t.state == Truth::paid) e["preimage"] = fault == Fault::wrong_preimage ? std::string(64, '1') : preimage_of(hash);
    return e;
  }

  static std::pair<std::string, Msat> hash_and_amount(const std::string& text) {
    if (lightning::is_bolt12_invoice(text)) {
      const auto invoice = lightning::decode_bolt12_invoice(text);
      return {to_hex(invoice.payment_hash), invoice.amount};
    }
    const auto invoice = lightning::decode_bolt11(text);
    return {to_hex(invoice.payment_hash), *invoice.amount};
  }

  // Each call gives another invoice, numbered from 101 so that they are not those of the test.
  void handle_fetchinvoice(http::Connection& c, const std::string& body) {
    const Json asked = json::parse(body);
    const std::string invoice = offer_invoice(static_cast<uint8_t>(100 + ++invoices_), Msat(asked["amount_msat"].get<int64_t>()), asked["payer_note"].get<std::string>(), clock_.unix_seconds(),
                                              asked["offer"].get<std::string>());
    const std::string honest = json::to_line(Json{{"invoice", invoice}, {"changes", Json::object()}});
    if (!spoil(c, track.fault, 201, honest)) c.answer(201, honest);
  }

  void handle_xpay(http::Connection& c, const std::string& body) {
    const auto [hash, msat] = hash_and_amount(json::parse(body)["invstring"].get<std::string>());
    const bool fresh = !send.lost && pay(hash, msat);
    const std::string honest = json::to_line(Json{{"payment_preimage", send.fault == Fault::wrong_preimage ? std::string(64, '1') : preimage_of(hash)}, {"failed_parts", 0},
                                                  {"successful_parts", 1}, {"amount_msat", msat.count()}, {"amount_sent_msat", msat.count() + 1000}});
    if (spoil(c, send.fault, 201, honest)) return;
    switch (send.fault) {
      case Fault::no_such_path: return c.answer(404, error(-32601, "Unknown command 'xpay'"));
      case Fault::error_inside: return c.answer(201, error(-1, "internal"));
      case Fault::already: return c.answer(500, error(219, "Already paid this invoice successfully"));
      case Fault::refused: return c.answer(401, error(1502, "Not permitted: method is not equal to xpay"));
      case Fault::called_failed:
        if (!known_.contains(hash) || known_.at(hash).state != Truth::paid) return c.answer(500, error(205, "Failed: could not find a route"));
        break;
      case Fault::other_payment: return c.answer(500, error(-3, "Unexpected injectpaymentonion error"));
      default: break;
    }
    if (!known_.contains(hash)) return c.answer(500, error(-4, "Plugin terminated before replying to RPC call."));
    const Truth& t = known_.at(hash);
    if (t.state == Truth::failed) return c.answer(500, error(205, "Failed: could not find a route"));
    if (t.state == Truth::under_way) return c.answer(500, t.part_failed ? error(209, "Failed after 2 attempts") : error(-3, "Unexpected injectpaymentonion error 200: still in progress"));
    c.answer(fresh ? 201 : 500, fresh ? honest : error(219, "Already paid this invoice successfully"));
  }

  void handle_listpays(http::Connection& c, const std::string& body) {
    const std::string hash = json::parse(body)["payment_hash"].get<std::string>();
    Json pays = Json::array();
    if (known_.contains(hash)) {
      const Truth& t = known_.at(hash);
      Truth part = t;
      part.state = Truth::failed;
      pays.push_back(entry(hash, t, track.fault));
      if (t.part_failed || track.fault == Fault::reordered) pays.push_back(entry(hash, part, Fault::none));
    }
    const std::string honest = json::to_line(Json{{"pays", pays}});
    if (spoil(c, track.fault, 201, honest)) return;
    switch (track.fault) {
      case Fault::no_such_path: return c.answer(404, error(-32601, "Unknown command 'listpays'"));
      case Fault::error_inside: return c.answer(201, error(-1, "internal"));
      case Fault::refused: return c.answer(401, error(1502, "Not permitted: method is not equal to listpays"));
      default: return c.answer(201, honest);
    }
  }

  void handle(http::Connection& c, const Asked& asked) override {
    const std::lock_guard lock(mutex_);
    const std::string& path = asked.path;
    if (path == "/v1/fetchinvoice") return handle_fetchinvoice(c, asked.body);
    if (path == "/v1/xpay") return handle_xpay(c, asked.body);
    if (path == "/v1/listpays") return handle_listpays(c, asked.body);
    if (path == "/v1/getinfo") return c.answer(201, std::string(R"({"version":"v26.06.6","network":"regtest","id":")") + node_key + "\"}");
    if (path == "/v1/listsendpays") return c.answer(201, parts(json::parse(asked.body)));
    if (path == "/v1/listpeerchannels") return c.answer(201, channels());
    c.answer(404, error(-32601, "Unknown command"));
  }

  std::string channels() const {
    Json htlcs = Json::array();
    for (const auto& [hash, t] : truth())
      if (t.state == Truth::under_way) htlcs.push_back({{"direction", "out"}, {"payment_hash", hash}});
    return json::to_line(Json{{"channels", {{{"htlcs", htlcs}}}}});
  }

  std::string parts(const Json& which) const {
    const std::string wanted = which.value("payment_hash", "");
    const uint64_t start = wanted.empty() ? which["start"].get<uint64_t>() : 0;
    std::map<uint64_t, Json> by_index;
    for (const auto& [hash, t] : known_) {
      Json part = entry(hash, t, Fault::none);
      if (part.contains("preimage")) part["payment_preimage"] = part["preimage"];
      if (t.index >= start && (wanted.empty() || wanted == hash)) by_index[t.index] = part;
    }
    Json list = Json::array();
    for (const auto& [index, part] : by_index) list.push_back(part);
    return json::to_line(Json{{"payments", list}});
  }

  int invoices_ = 0;
};

}  // namespace

std::unique_ptr<FakeNode> fake_cln(Clock& clock) { return std::make_unique<FakeCln>(clock); }

}  // namespace hh::ln::test

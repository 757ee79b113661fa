// The calls as text in, text out: bitcoind's results, its errors and both of its JSON-RPC forms.
#include <unistd.h>

#include <filesystem>

#include "base/log.h"
#include "bitcoin/block_template.h"
#include "bitcoin/coinbase.h"
#include "bitcoin/script.h"
#include "bitcoin/test_support.h"
#include "json/strict.h"
#include "rpc.h"

using namespace hh;
using namespace hh::bitcoin;
using namespace hh::devchain;
using json::Json;

namespace {

struct World {
  std::string path = (std::filesystem::temp_directory_path() / ("hh-devchain-rpc." + std::to_string(::getpid()))).string();
  FakeClock clock{1'800'000'000'000};
  std::unique_ptr<Node> node;
  World() {
    log::set_level(log::Level::error);
    std::filesystem::remove_all(path), std::filesystem::create_directories(path);
    node = std::make_unique<Node>(NodeConfig{path, 0x207fffff, false, 0}, clock);
  }
  ~World() { std::filesystem::remove_all(path); }

  RpcReply ask(const std::string& request) {
    return answer(*node, request, [] { return false; });
  }
  Json call(const std::string& method, const Json& params = Json::array()) {
    const RpcReply r = ask(Json{{"jsonrpc", "1.0"}, {"id", 1}, {"method", method}, {"params", params}}.dump());
    const Json j = json::parse(r.body);
    CAPTURE(method, r.body);
    CHECK(r.http_status == 200);
    CHECK(j["error"].is_null());
    return j["result"];
  }
  int64_t error(const std::string& method, const Json& params = Json::array()) {
    const Json j = json::parse(ask(Json{{"id", 1}, {"method", method}, {"params", params}}.dump()).body);
    CAPTURE(method, params.dump(), j.dump());
    REQUIRE(j["error"].is_object());
    return j["error"]["code"];
  }
};

const char* const address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
const Json segwit = Json::array({{{"rules", {"segwit"}}}});

}  // namespace

TEST_CASE("our own reader of templates takes the dev chain's, and the block made from one is accepted [C061][C062]") {
  World w;
  w.call("generatetoaddress", {3, address});
  const auto t = parse_block_template(w.call("getblocktemplate", segwit));
  CHECK(t.height == 4);
  CHECK(t.subsidy == Sat(5'000'000'000));
  CHECK(t.fees > Sat(0));
  const Bytes extranonce(8, 1);
  CoinbaseInputs in;
  in.height = t.height;
  in.extranonce_size = extranonce.size();
  in.subsidy = t.subsidy;
  in.fees = t.fees;
  in.treasury_script = witness_script(1, Bytes(32, 1));
  in.witness_commitment_script = t.witness_commitment_script;
  const auto parts = build_coinbase(in);
  const Bytes coinbase = join_coinbase(parts.prefix, extranonce, suffix_for(parts, witness_script(0, Bytes(20, 2))));
  BlockHeader h{t.version, t.prev_hash, {}, t.curtime, t.bits, 0};
  h.merkle_root = [&] {
    Hash256 node = sha256d(coinbase);
    for (const auto& sibling : t.merkle_branch()) node = Sha256().update(node.bytes).update(sibling.bytes).finish_double();
    return node;
  }();
  const std::string proposal = block_hex(h, with_witness(coinbase), t.transactions);
  CHECK(w.call("getblocktemplate", Json::array({{{"mode", "proposal"}, {"data", proposal}}})).is_null());
  while (!has_valid_work(h)) ++h.nonce;
  const std::string block = block_hex(h, with_witness(coinbase), t.transactions);
  CHECK(w.call("submitblock", Json::array({block})).is_null());
  CHECK(w.call("submitblock", Json::array({block})) == "duplicate");
  CHECK(w.call("getbestblockhash") == h.hash().to_display_hex());
  CHECK(w.call("getblock", {h.hash().to_display_hex(), 0}) == block);
  const Json verbose = w.call("getblock", {h.hash().to_display_hex()});
  CHECK(verbose["tx"][0] == sha256d(coinbase).to_display_hex());
  CHECK(verbose["tx"].size() == t.transactions.size() + 1);
  ++h.nonce;
  CHECK(w.call("submitblock", Json::array({block_hex(h, with_witness(coinbase), t.transactions)})).is_string());
  CHECK(w.call("getblocktemplate", Json::array({{{"mode", "proposal"}, {"data", block}}})) == "duplicate");
  ++h.time;
  const std::string late = block_hex(h, with_witness(coinbase), t.transactions);
  CHECK(w.call("getblocktemplate", Json::array({{{"mode", "proposal"}, {"data", late}}})) == "inconclusive-not-best-prevblk");
}

TEST_CASE("headers tell height, neighbours and confirmations") {
  World w;
  const Json hashes = w.call("generatetoaddress", {3, address});
  REQUIRE(hashes.size() == 3);
  const Json h = w.call("getblockheader", Json::array({hashes[1]}));
  CHECK(h["height"] == 2);
  CHECK(h["confirmations"] == 2);
  CHECK(h["previousblockhash"] == hashes[0]);
  CHECK(h["nextblockhash"] == hashes[2]);
  CHECK(w.call("getblockhash", {2}) == hashes[1]);
  CHECK(w.call("getblockcount") == 3);
  const auto raw = BlockHeader::parse(test::hex(w.call("getblockheader", {hashes[1], false}).get<std::string>()));
  REQUIRE(raw);
  CHECK(raw->hash().to_display_hex() == hashes[1]);
  w.call("invalidateblock", Json::array({hashes[1]}));
  CHECK(w.call("getblockheader", Json::array({hashes[2]}))["confirmations"] == -1);
  CHECK(w.call("getblockcount") == 1);
  w.call("reconsiderblock", Json::array({hashes[1]}));
  CHECK(w.call("getblockcount") == 3);
}

TEST_CASE("the chain says that it is simulated") {
  World w;
  const Json info = w.call("getblockchaininfo");
  CHECK(info["chain"] == "dev");
  CHECK(info["simulated"] == true);
  CHECK(info["initialblockdownload"] == false);
  CHECK(w.call("getmempoolinfo")["size"] > 0);
}

TEST_CASE("errors have bitcoind's codes [C120]", "[C120]") {
  World w;
  CHECK(w.error("getblockhash", {1}) == -8);
  CHECK(w.error("getblockhash", {-1}) == -8);
  CHECK(w.error("getblockhash", {"1"}) == -3);
  CHECK(w.error("getblockhash") == -1);
  CHECK(w.error("getblockheader", {std::string(64, '0')}) == -5);
  CHECK(w.error("getblockheader", {"00"}) == -8);
  CHECK(w.error("getblocktemplate") == -1);
  CHECK(w.error("getblocktemplate", Json::array({Json::object()})) == -8);
  CHECK(w.error("getblocktemplate", Json::array({{{"mode", "proposal"}}})) == -3);
  CHECK(w.error("getblocktemplate", Json::array({{{"mode", "x"}}})) == -8);
  CHECK(w.error("submitblock", {"zz"}) == -22);
  CHECK(w.error("submitblock", {"00"}) == -22);
  CHECK(w.error("submitblock", {1}) == -3);
  CHECK(w.error("generatetoaddress", {1, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}) == -5);
  CHECK(w.error("generatetoaddress", {1001, address}) == -8);
  CHECK(w.error("sendtoaddress") == -32601);
}

TEST_CASE("malformed requests are answered, whatever they hold [C120]", "[C120]") {
  World w;
  CHECK(w.ask("").http_status == 500);
  CHECK(w.ask("{").http_status == 500);
  CHECK(w.ask("[]").http_status == 400);
  CHECK(w.ask("{}").http_status == 400);
  CHECK(w.ask("1").http_status == 400);
  CHECK(w.ask(R"({"method":1})").http_status == 400);
  CHECK(w.ask(R"({"method":"getblockcount","params":{"a":1}})").http_status == 400);
  CHECK(w.ask(R"({"method":"nothing"})").http_status == 404);
  CHECK(w.ask(R"({"method":"getblockcount","params":null})").http_status == 200);
}

TEST_CASE("JSON-RPC 2.0 answers with status 200 and leaves out what is null") {
  World w;
  CHECK(w.ask(R"({"jsonrpc":"2.0","id":"a","method":"getblockcount"})").body == "{\"jsonrpc\":\"2.0\",\"result\":0,\"id\":\"a\"}\n");
  const RpcReply failed = w.ask(R"({"jsonrpc":"2.0","id":2,"method":"getblockhash","params":[5]})");
  CHECK(failed.http_status == 200);
  CHECK_FALSE(json::parse(failed.body).contains("result"));
  CHECK(w.ask(R"({"id":null,"method":"getblockcount"})").body == "{\"result\":0,\"error\":null,\"id\":null}\n");
}

// Each call with arguments that it takes, and the members that its result has (none: the result is no object).
TEST_CASE("every call gives what it promises, refuses each argument of another kind by number, and changes nothing by that [C120]", "[C120]") {
  struct Case {
    std::string method;
    Json params;
    std::vector<std::string> members;
    size_t required = 1;  // arguments that cannot be left out
  };
  World w;
  const Json hashes = w.call("generatetoaddress", {2, address});
  const std::string tip = hashes[1], first = hashes[0], block = w.call("getblock", {tip, 0});
  const std::vector<std::string> header{"hash", "confirmations", "height", "version", "merkleroot", "time", "nonce", "bits", "chainwork", "nTx", "previousblockhash"};
  const std::vector<Case> cases{
      {"getbestblockhash", Json::array(), {}, 0},
      {"getblock", {tip, 1}, header},
      {"getblockchaininfo", Json::array(), {"chain", "simulated", "blocks", "headers", "bestblockhash", "initialblockdownload", "difficulty"}, 0},
      {"getblockcount", Json::array(), {}, 0},
      {"getblockhash", {2}, {}},
      {"getblockheader", {tip, true}, header},
      {"getblocktemplate", segwit, {"version", "previousblockhash", "transactions", "coinbasevalue", "longpollid", "target", "mintime", "curtime", "bits", "height", "default_witness_commitment"}},
      {"getmempoolinfo", Json::array(), {"size", "bytes", "total_fee"}, 0},
      {"submitblock", Json::array({block}), {}},
      {"reconsiderblock", Json::array({tip}), {}},
      {"invalidateblock", Json::array({first}), {}},
      {"generatetoaddress", {0, address}, {}, 2},
  };
  for (const Case& c : cases) {
    CAPTURE(c.method);
    const auto state = [&] { return w.call("getbestblockhash").dump() + std::to_string(w.node->size_on_disk()); };
    const std::string before = state();
    for (size_t i = 0; i < c.params.size(); ++i)
      for (const Json& wrong : {Json(Json::object({{"a", 1}})), Json(Json::array({1})), Json(1.5), Json(""), Json("x"), Json(-2)}) {
        Json params = c.params;
        params[i] = wrong;
        CAPTURE(params.dump());
        const int64_t code = w.error(c.method, params);
        CHECK((code == -3 || code == -5 || code == -8 || code == -22));
      }
    for (size_t n = 0; n < c.required; ++n) CHECK(w.error(c.method, Json(c.params.begin(), c.params.begin() + static_cast<std::ptrdiff_t>(n))) == -1);
    CHECK(state() == before);
    const Json result = w.call(c.method, c.params);
    for (const std::string& member : c.members) CHECK(result.contains(member));
  }
}

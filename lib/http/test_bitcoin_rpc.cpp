#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "http/bitcoin_rpc.h"
#include "http/test_server.h"

using namespace hh;
using namespace hh::http;

namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "hh-rpc-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string cookie() const { return path + "/.cookie"; }
  void write_cookie(const std::string& password) const { write_file_durably(cookie(), "__cookie__:" + password, 0600); }
};

std::string body_of(const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); }

// Answers calls as bitcoind does, and 401 to another password than the given (base64 of "__cookie__:PASSWORD").
TestServer::Handler bitcoind(const std::string& basic, std::function<std::string(const Json& call)> answer) {
  return [=](Connection& c) {
    for (std::string r = c.read_request(); !r.empty(); r = c.read_request()) {
      if (r.find("Authorization: Basic " + basic + "\r\n") == std::string::npos)
        c.answer(401, "", "WWW-Authenticate: Basic realm=\"jsonrpc\"\r\n");
      else
        c.answer(200, answer(Json::parse(body_of(r))));
    }
  };
}
constexpr const char* one = "X19jb29raWVfXzpvbmU=";  // __cookie__:one
constexpr const char* two = "X19jb29raWVfXzp0d28=";

std::string echo(const Json& call) { return R"({"result":{"method":)" + call["method"].dump() + R"(,"params":)" + call["params"].dump() + R"(},"error":null,"id":1})"; }
std::string error(int code, const std::string& message) { return R"({"result":null,"error":{"code":)" + std::to_string(code) + R"(,"message":")" + message + R"("},"id":1})"; }

BitcoinRpcConfig config(const Folder& folder, const TestServer& server) {
  return {.chain = "regtest", .url = server.url(), .cookie_file = folder.cookie(), .connect_ms = 2000, .timeout_ms = 5000};
}

bool maybe_done(BitcoinRpc& rpc, Exit code) {
  try {
    rpc.call("submitblock", Json::array({"00"}));
  } catch (const RpcUnavailable& e) {
    CHECK(e.code() == code);
    return e.maybe_done();
  }
  FAIL("it was answered");
  return false;
}

}  // namespace

TEST_CASE("calls carry method, parameters and the cookie") {
  const Folder folder;
  folder.write_cookie("one");
  const TestServer server(bitcoind(one, echo));
  BitcoinRpc rpc(config(folder, server));
  CHECK(rpc.call("getblockhash", Json::array({5}))["params"][0] == 5);
  CHECK(rpc.call("getblocktemplate", Json{{"rules", {"segwit"}}})["params"]["rules"][0] == "segwit");
  CHECK(rpc.call("uptime")["method"] == "uptime");
  CHECK(rpc.call_text("getx", "[1, 2.50]") == R"({"method":"getx","params":[1,2.5]})");
  CHECK(server.connections() == 1);
}

TEST_CASE("errors of bitcoind keep their code, also in HTTP 500 and 404") {
  const Folder folder;
  folder.write_cookie("one");
  for (const int status : {200, 400, 404, 500}) {
    const TestServer server(always(status, R"({"result":null,"error":{"code":-8,"message":"Block height \"9\" out of range"},"id":1})"));
    BitcoinRpc rpc(config(folder, server));
    try {
      rpc.call("getblockhash", Json::array({9}));
      FAIL("it was answered");
    } catch (const RpcError& e) {
      CHECK(e.rpc_code() == -8);
      CHECK(e.rpc_message() == "Block height \"9\" out of range");
      CHECK(std::string(e.what()) == "bitcoind refuses getblockhash: Block height \"9\" out of range (code -8)");
      CHECK(e.code() == Exit::data);
    }
  }
}

TEST_CASE("a new cookie after bitcoind's restart is found; a wrong one is told") {
  const Folder folder;
  folder.write_cookie("one");
  const TestServer server(bitcoind(two, echo));
  BitcoinRpc rpc(config(folder, server));
  CHECK_FALSE(maybe_done(rpc, Exit::config));
  folder.write_cookie("two");
  CHECK(rpc.call("uptime")["method"] == "uptime");
}

TEST_CASE("user and password take the cookie's place") {
  const Folder folder;
  write_file_durably(folder.path + "/password", "secret-password\n", 0600);
  const TestServer server(bitcoind("YWxpY2U6c2VjcmV0LXBhc3N3b3Jk", echo));
  BitcoinRpcConfig c = config(folder, server);
  c.user = "alice";
  c.password = folder.path + "/password";
  CHECK(BitcoinRpc(c).call("uptime")["method"] == "uptime");
  c.user = "bob";
  BitcoinRpc wrong(c);
  CHECK_THROWS_WITH(wrong.call("uptime"), Catch::Contains("refuses user bob") && !Catch::Contains("secret-password"));
  c.password = folder.path + "/absent";
  CHECK_THROWS_AS(BitcoinRpc(c), Error);
}

TEST_CASE("no answer says whether the call may have been carried out") {
  const Folder folder;
  {
    const TestServer server(always(200, ""));
    BitcoinRpc rpc(config(folder, server));
    CHECK_FALSE(maybe_done(rpc, Exit::unavailable));  // no cookie
  }
  folder.write_cookie("one");
  const auto with = [&](const TestServer::Handler& handler, Exit code) {
    const TestServer server(handler);
    BitcoinRpcConfig c = config(folder, server);
    c.timeout_ms = 300;
    BitcoinRpc rpc(c);
    return maybe_done(rpc, code);
  };
  CHECK(with([](Connection& c) { c.read_request(), c.wait_for_close(); }, Exit::unavailable));
  CHECK(with([](Connection& c) { c.read_request(); }, Exit::unavailable));
  CHECK(with(always(200, "<html>"), Exit::unavailable));
  CHECK(with(always(200, "{\"result\":"), Exit::unavailable));
  CHECK(with(always(200, "{}"), Exit::unavailable));
  CHECK(with(always(200, "[1]"), Exit::unavailable));
  CHECK_FALSE(with(always(503, "Work queue depth exceeded"), Exit::unavailable));
  CHECK_FALSE(with(always(403, ""), Exit::config));
  uint16_t closed = 0;
  { closed = TestServer(always(200, "")).port(); }
  BitcoinRpc rpc({.chain = "regtest", .url = "http://127.0.0.1:" + std::to_string(closed), .cookie_file = folder.cookie()});
  CHECK_FALSE(maybe_done(rpc, Exit::unavailable));
}

TEST_CASE("calls that change something are not repeated by the client") {
  const Folder folder;
  folder.write_cookie("one");
  std::atomic<int> sends{0};
  const TestServer server([&](Connection& c) {
    for (bool first = true;; first = false) {
      const std::string r = c.read_request();
      if (r.empty()) return;
      sends += r.find("sendtoaddress") != std::string::npos;
      if (!first) return;  // dies on the second call of a connection
      c.answer(200, R"({"result":1,"error":null,"id":1})");
    }
  });
  BitcoinRpc rpc(config(folder, server));
  rpc.call("uptime");
  CHECK(rpc.call("sendtoaddress") == 1);
  CHECK(sends == 1);
  CHECK(server.connections() == 2);
}

TEST_CASE("batches answer in the order of their calls, with errors of their own") {
  const Folder folder;
  folder.write_cookie("one");
  const TestServer server(bitcoind(one, [](const Json& calls) {
    return calls.size() == 1 ? std::string("[]")
                             : std::string(R"([{"error":{"code":-5,"message":"no"},"id":1,"result":null},{"result":[1,{"a":"]}"}],"error":null,"id":0},{"result":null,"error":null,"id":2}])");
  }));
  BitcoinRpc rpc(config(folder, server));
  const auto answers = rpc.batch({{"getblock"}, {"gettx"}, {"submitblock", "[\"00\"]"}});
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].result == R"([1,{"a":"]}"}])");
  CHECK_FALSE(answers[0].error);
  REQUIRE(answers[1].error);
  CHECK(answers[1].error->rpc_code() == -5);
  CHECK(std::string(answers[1].error->what()).find("gettx") != std::string::npos);
  CHECK(answers[2].result == "null");
  CHECK(rpc.batch({}).empty());
  CHECK_THROWS_AS(rpc.batch({{"getblock"}}), RpcUnavailable);
}

TEST_CASE("wait_ready waits for the cookie, the port and the end of warming up") {
  const Folder folder;
  uint16_t port = 0;
  { port = TestServer(always(200, "")).port(); }
  std::unique_ptr<TestServer> server;
  std::thread starting([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    folder.write_cookie("one");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const auto ready_at = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    server = std::make_unique<TestServer>(bitcoind(one, [=](const Json& call) { return std::chrono::steady_clock::now() < ready_at ? error(-28, "Loading block index…") : echo(call); }), port);
  });
  BitcoinRpc rpc({.chain = "regtest", .url = "http://127.0.0.1:" + std::to_string(port), .cookie_file = folder.cookie()});
  CHECK_NOTHROW(rpc.wait_ready(20'000));
  starting.join();
  CHECK(rpc.call("uptime")["method"] == "uptime");
}

TEST_CASE("wait_ready gives up at its time, and at once where waiting does not help") {
  const Folder folder;
  folder.write_cookie("one");
  const TestServer warming(bitcoind(one, [](const Json&) { return error(-28, "Loading"); }));
  BitcoinRpc rpc(config(folder, warming));
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(rpc.wait_ready(700), RpcError);
  CHECK(std::chrono::steady_clock::now() - start > std::chrono::milliseconds(400));
  const TestServer wrong(bitcoind(two, echo));
  BitcoinRpc refused(config(folder, wrong));
  const auto again = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(refused.wait_ready(30'000), RpcUnavailable);
  CHECK(std::chrono::steady_clock::now() - again < std::chrono::seconds(5));
}

TEST_CASE("a long poll is left when another thread says so") {
  const Folder folder;
  folder.write_cookie("one");
  const TestServer silent([](Connection& c) { c.read_request(), c.wait_for_close(); });
  BitcoinRpc rpc(config(folder, silent));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    rpc.abort();
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(rpc.call("getblocktemplate", Json::array(), -1), "getblocktemplate was stopped before bitcoind answered");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  other.join();
  CHECK_THROWS_AS(rpc.wait_ready(10'000), RpcUnavailable);
}

TEST_CASE("ports and cookie files are bitcoind's own for each chain") {
  CHECK(default_rpc_port("main") == 8332);
  CHECK(default_rpc_port("test") == 18332);
  CHECK(default_rpc_port("testnet4") == 48332);
  CHECK(default_rpc_port("signet") == 38332);
  CHECK(default_rpc_port("regtest") == 18443);
  CHECK_THROWS_AS(default_rpc_port("mainnet"), Error);
  CHECK(default_cookie_file("/d", "main") == "/d/.cookie");
  CHECK(default_cookie_file("/d", "test") == "/d/testnet3/.cookie");
  CHECK(default_cookie_file("/d", "regtest") == "/d/regtest/.cookie");
  CHECK(BitcoinRpc({.chain = "signet"}).url() == "http://127.0.0.1:38332/");
  CHECK(BitcoinRpc({.chain = "main", .url = "http://10.0.0.5"}).url() == "http://10.0.0.5:8332/");
  CHECK(BitcoinRpc({.chain = "main", .url = "http://10.0.0.5:80/wallet/a"}).url() == "http://10.0.0.5:80/wallet/a");
  CHECK_THROWS_AS(BitcoinRpc({.chain = "main", .url = "http://u:p@10.0.0.5"}), Error);
  CHECK_THROWS_AS(BitcoinRpc({.chain = "moon"}), Error);
}

TEST_CASE("decimal BTC become satoshis exactly or not at all") {
  CHECK(sat_of_btc("0") == Sat(0));
  CHECK(sat_of_btc("0.00000001") == Sat(1));
  CHECK(sat_of_btc("0.29") == Sat(29'000'000));
  CHECK(sat_of_btc("-3.125") == Sat(-312'500'000));
  CHECK(sat_of_btc("20999999.97690000") == Sat(2'099'999'997'690'000));
  CHECK(sat_of_btc("1e-8") == Sat(1));
  CHECK(sat_of_btc("1.5E-07") == Sat(15));
  CHECK(sat_of_btc("2e+1") == Sat(2'000'000'000));
  CHECK(sat_of_btc("1.000000000000") == Sat(100'000'000));
  CHECK(sat_of_btc("0e30") == Sat(0));
  CHECK(sat_of_btc("0.0e-30") == Sat(0));
  for (const char* bad : {"", "-", ".", "1.", ".5", "0.000000001", "1e-9", "1e", "1e99", "1e30", "92233720369", "99999999999999999999", "1,5", "+1", " 1", "1 ", "0x1", "nan", "1.2.3", "--1"})
    CHECK_FALSE(sat_of_btc(bad));
}

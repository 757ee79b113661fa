#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "http/client.h"
#include "http/test_server.h"

using namespace hh;
using namespace hh::http;

namespace {

Request get(const std::string& url) { return {.url = url, .timeouts = {.connect_ms = 2000, .total_ms = 5000}}; }

Request post(const std::string& url, const std::string& body) {
  Request r = get(url);
  r.method = "POST";
  r.body = body;
  return r;
}

std::string seen(const Result& r) { return std::string(name(r.outcome)) + " " + std::to_string(r.response.status) + " " + r.response.body; }

int64_t milliseconds(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
}

// A port on which nobody listens.
uint16_t closed_port() { return TestServer(always(200, "")).port(); }

}  // namespace

TEST_CASE("answers come whole, whatever their status") {
  Client client;
  for (const int status : {200, 201, 204, 400, 401, 404, 500, 503}) {
    const std::string body = status == 204 ? "" : "body";
    const TestServer server(always(status, body, "X-Two: a\r\nx-two:  b \r\nX-Empty:\r\n"));
    const Result r = client.send(get(server.url("/path?q=1")));
    CHECK(seen(r) == "ok " + std::to_string(status) + " " + body);
    CHECK(r.is_success() == (status < 300));
    CHECK(r.response.header("x-two") == "a");
    CHECK(r.response.headers.at(2) == std::pair<std::string, std::string>("x-two", "b"));
    CHECK(r.response.header("x-empty").empty());
  }
}

TEST_CASE("method, path, headers and body arrive as they were given") {
  std::string request;
  const TestServer server([&](Connection& c) {
    request = c.read_request();
    c.answer(200, "");
  });
  Client client;
  Request r = post(server.url("/v2/router/send?a=%3D"), std::string("{\"x\":\0}", 7));
  r.headers = {{"Grpc-Metadata-macaroon", "0201"}, {"X-Empty", ""}, {"Content-Type", "application/json"}};
  REQUIRE(client.send(r).is_success());
  CHECK(request.starts_with("POST /v2/router/send?a=%3D HTTP/1.1\r\n"));
  CHECK(request.find("\r\nGrpc-Metadata-macaroon: 0201\r\n") != std::string::npos);
  CHECK(request.find("\r\nX-Empty:\r\n") != std::string::npos);
  CHECK(request.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  CHECK(request.find("Expect") == std::string::npos);
  CHECK(request.ends_with(std::string("\r\n\r\n{\"x\":\0}", 11)));
}

TEST_CASE("what cannot have left is not_sent", "[L022][L086]") {
  Client client;
  const Result refused = client.send(post("http://127.0.0.1:" + std::to_string(closed_port()) + "/", "pay"));
  CHECK(refused.outcome == Outcome::not_sent);
  CHECK(refused.error.find("Connection refused") != std::string::npos);
  const Result unnamed = client.send(post("http://no-such-host.invalid/", "pay"));
  CHECK(unnamed.outcome == Outcome::not_sent);
  CHECK(unnamed.error == "http://no-such-host.invalid:80: host name not found");
}

TEST_CASE("what may have arrived is unknown: silence, hanging up, half an answer, rubbish", "[L022][L086]") {
  const auto outcome = [](const TestServer::Handler& handler) {
    const TestServer server(handler);
    Client client;
    Request r = post(server.url(), "pay");
    r.timeouts.total_ms = 300;
    const Result result = client.send(r);
    CHECK_FALSE(result.error.empty());
    return std::string(name(result.outcome)) + (result.timed_out ? " timed out" : "");
  };
  CHECK(outcome([](Connection& c) { c.read_request(), c.wait_for_close(); }) == "unknown timed out");
  CHECK(outcome([](Connection& c) { c.read_request(); }) == "unknown");
  CHECK(outcome([](Connection& c) { c.read_request(), c.reset(); }) == "unknown");
  CHECK(outcome([](Connection&) {}) == "unknown");  // hung up at once: the request may have been read all the same
  CHECK(outcome([](Connection& c) { c.read_request(), c.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"); }) == "unknown");
  CHECK(outcome([](Connection& c) { c.read_request(), c.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), c.wait_for_close(); }) == "unknown timed out");
  CHECK(outcome([](Connection& c) { c.read_request(), c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"); }) == "unknown");
  CHECK(outcome([](Connection& c) { c.read_request(), c.write("HTTP/1.1 200 OK\r\nConte"); }) == "unknown");
  CHECK(outcome([](Connection& c) { c.read_request(), c.write("SSH-2.0-OpenSSH_9.2\r\n"); }) == "unknown");
}

TEST_CASE("an answer larger than allowed is cut off", "[X053]") {
  Client client;
  const TestServer server(always(200, std::string(100'000, 'x')));
  Request r = get(server.url());
  r.max_response = 100'000;
  CHECK(client.send(r).is_success());
  r.max_response = 99'999;
  const Result large = client.send(r);
  CHECK(large.outcome == Outcome::unknown);
  CHECK(large.error.find("larger than 99999 bytes") != std::string::npos);
  const TestServer many([](Connection& c) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 2600; ++i) c.write("X-Header: " + std::string(100, 'x') + "\r\n");
    c.write("Content-Length: 0\r\n\r\n");
  });
  CHECK(client.send(get(many.url())).outcome == Outcome::unknown);
}

TEST_CASE("a request that does not allow it is never sent twice", "[L022][L086]") {
  // Answers the first request of a connection and hangs up on the second after reading it, as a server does that dies.
  std::atomic<int> requests{0};
  const TestServer server([&](Connection& c) {
    if (!c.read_request().empty()) ++requests, c.answer(200, "first");
    if (!c.read_request().empty()) ++requests;
  });
  Client client;
  Request pay = post(server.url(), "pay");
  CHECK(seen(client.send(pay)) == "ok 200 first");
  CHECK(seen(client.send(pay)) == "ok 200 first");  // a connection of its own each time
  CHECK(server.connections() == 2);
  CHECK(requests == 2);

  Client other;
  Request read = post(server.url(), "read");
  read.repeatable = true;
  CHECK(seen(other.send(read)) == "ok 200 first");
  CHECK(seen(other.send(read)) == "ok 200 first");  // went out on the kept connection, which died, and then again
  CHECK(requests == 5);
}

TEST_CASE("repeatable requests share a connection") {
  const TestServer server(always(200, "x"));
  Client client;
  Request r = get(server.url());
  r.repeatable = true;
  for (int i = 0; i < 10; ++i) REQUIRE(client.send(r).is_success());
  CHECK(server.connections() == 1);
}

TEST_CASE("redirects are followed only when asked for, and do not carry secrets elsewhere") {
  std::string request;
  const TestServer target([&](Connection& c) {
    request = c.read_request();
    c.answer(200, "there");
  });
  const TestServer server([&](Connection& c) {
    while (true) {
      const std::string r = c.read_request();
      if (r.empty()) return;
      if (r.find(" /away ") != std::string::npos) c.answer(302, "", "Location: " + target.url("/new") + "\r\n");
      else if (r.find(" /loop ") != std::string::npos) c.answer(302, "", "Location: /loop\r\n");
      else if (r.find(" /file ") != std::string::npos) c.answer(302, "", "Location: file:///etc/passwd\r\n");
      else if (r.find(" /near ") != std::string::npos) c.answer(307, "", "Location: here?a=1\r\n");
      else c.answer(200, r);
    }
  });
  Client client;
  Request r = get(server.url("/away"));
  r.headers = {{"Authorization", "Basic c2VjcmV0"}, {"Rune", "secret"}};
  CHECK(client.send(r).response.status == 302);
  r.follow_redirects = true;
  CHECK(seen(client.send(r)) == "ok 200 there");
  CHECK(request.starts_with("GET /new "));
  CHECK(request.find("c2VjcmV0") == std::string::npos);
  CHECK(request.find("secret") == std::string::npos);
  r.url = server.url("/near");
  const Result near = client.send(r);
  CHECK(near.response.body.starts_with("GET /here?a=1 "));
  CHECK(near.response.body.find("Rune: secret") != std::string::npos);
  for (const char* path : {"/loop", "/file"}) {
    r.url = server.url(path);
    CHECK(client.send(r).response.status == 302);
  }
  Request p = post(server.url("/away"), "pay");
  p.follow_redirects = true;
  CHECK(client.send(p).response.status == 302);
}

TEST_CASE("time-outs: the whole request, and silence within it") {
  const TestServer drip([](Connection& c) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
    for (int i = 0; i < 8; ++i) {
      c.write("x");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  const TestServer silent([](Connection& c) { c.read_request(), c.wait_for_close(); });
  Client client;
  Request r = get(drip.url());
  r.timeouts = {.connect_ms = 2000, .total_ms = 0, .idle_ms = 3000};
  CHECK(seen(client.send(r)) == "ok 200 xxxxxxxx");
  r.timeouts = {.connect_ms = 2000, .total_ms = 250, .idle_ms = 0};
  CHECK(client.send(r).timed_out);
  r = get(silent.url());
  r.timeouts = {.connect_ms = 2000, .total_ms = 0, .idle_ms = 200};
  Result result;
  CHECK(milliseconds([&] { result = client.send(r); }) < 5000);
  CHECK(result.timed_out);
  CHECK(result.outcome == Outcome::unknown);
}

TEST_CASE("abort from another thread ends the request that runs, and those that come", "[L022][L086]") {
  const TestServer silent([](Connection& c) { c.read_request(), c.wait_for_close(); });
  Client client;
  Request r = post(silent.url(), "pay");
  r.timeouts = {.connect_ms = 60'000, .total_ms = 0};  // no timer of libcurl's that would wake it up anyway
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    client.abort();
  });
  Result result;
  CHECK(milliseconds([&] { result = client.send(r); }) < 5000);
  other.join();
  CHECK(result.outcome == Outcome::unknown);
  CHECK(client.send(r).outcome == Outcome::not_sent);
  CHECK(milliseconds([&] { CHECK_FALSE(client.pause(60'000)); }) < 5000);
  client.resume();
  const TestServer server(always(200, "x"));
  CHECK(client.send(get(server.url())).is_success());
  CHECK(milliseconds([&] { CHECK(client.pause(100)); }) >= 100);
}

TEST_CASE("a stop function ends a request too, as a signal handler's flag does") {
  const TestServer silent([](Connection& c) { c.read_request(), c.wait_for_close(); });
  Client client;
  const auto start = std::chrono::steady_clock::now();
  client.stop_when([&] { return std::chrono::steady_clock::now() - start > std::chrono::milliseconds(200); });
  Request r = get(silent.url());
  r.timeouts.total_ms = 0;
  CHECK(milliseconds([&] { CHECK(client.send(r).error.find("stopped") != std::string::npos); }) < 5000);
}

TEST_CASE("streams come piece by piece, and can be left") {
  const TestServer server([](Connection& c) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"n\":1}\n{\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    c.write("c\r\n\"n\":2}\r\n\n{\"n\r\n5\r\n\":3}\n\r\n");
    c.write("4\r\ntail\r\n0\r\n\r\n");
    c.wait_for_close();
  });
  std::vector<std::string> lines;
  const auto run = [&](const char* last) {
    lines.clear();
    Client client;
    LineSplitter splitter([&](std::string_view line) {
      lines.emplace_back(line);
      return line != last;
    });
    Request r = get(server.url());
    r.on_data = [&](std::string_view piece) { return splitter(piece); };
    Result result = client.send(r);
    if (!result.response.cancelled) splitter.flush();
    return result;
  };
  const Result whole = run("");
  CHECK(whole.is_success());
  CHECK(whole.response.body.empty());
  CHECK(lines == std::vector<std::string>{"{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "tail"});
  const Result left = run("{\"n\":2}");
  CHECK(left.outcome == Outcome::ok);
  CHECK(left.response.cancelled);
  CHECK(lines == std::vector<std::string>{"{\"n\":1}", "{\"n\":2}"});
}

TEST_CASE("a stream that breaks off is unknown, and an error's body is kept whole", "[L022][L086]") {
  const TestServer breaking([](Connection& c) {
    c.read_request();
    c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"n\":1}\n\r\n");
  });
  const TestServer failing(always(500, "{\"code\":2}"));
  Client client;
  std::string got;
  Request r = get(breaking.url());
  r.on_data = [&](std::string_view piece) {
    got += piece;
    return true;
  };
  CHECK(client.send(r).outcome == Outcome::unknown);
  CHECK(got == "{\"n\":1}\n");
  got.clear();
  r.url = failing.url();
  CHECK(seen(client.send(r)) == "ok 500 {\"code\":2}");
  CHECK(got.empty());
}

TEST_CASE("an exception in a callback comes out of send, and the client goes on") {
  const TestServer server(always(200, "x"));
  Client client;
  Request r = get(server.url());
  r.on_data = [](std::string_view) -> bool { throw Error(Exit::data, "bad line"); };
  CHECK_THROWS_WITH(client.send(r), "bad line");
  CHECK(client.send(get(server.url())).is_success());
}

TEST_CASE("lines that never end are cut off", "[X053]") {
  LineSplitter splitter([](std::string_view) { return true; }, 10);
  CHECK(splitter("1234567890\n123"));
  CHECK_FALSE(splitter("45678901"));
  CHECK(splitter.overflowed());
  LineSplitter once([](std::string_view) { return true; }, 10);
  CHECK_FALSE(once("12345678901\n"));
}

TEST_CASE("addresses of strangers do not lead into our own network", "[L022]") {
  const TestServer server(always(200, "secret"));
  Client client;
  Request r = get(server.url());
  r.repeatable = true;
  REQUIRE(client.send(r).is_success());  // leaves a kept connection behind, which must not be a way in
  r.public_hosts_only = true;
  const Result result = client.send(r);
  CHECK(result.outcome == Outcome::not_sent);
  CHECK(result.error.find("not on the public Internet") != std::string::npos);
  CHECK(server.connections() == 1);
}

TEST_CASE("no proxy is taken from the environment") {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  const TestServer server(always(200, "x"));
  CHECK(Client().send(get(server.url())).is_success());
  ::unsetenv("http_proxy");
}

TEST_CASE("requests that can never work throw, and secrets stay out of messages", "[C084]") {
  Client client;
  CHECK_THROWS_AS(client.send(get("ftp://127.0.0.1/")), Error);
  CHECK_THROWS_AS(client.send(get("http://user:password@127.0.0.1/")), Error);
  const std::string address = "http://127.0.0.1:" + std::to_string(closed_port());
  Request r = get(address + "/path?k1=topsecret");
  r.headers = {{"Grpc-Metadata-macaroon", "topsecret"}};
  r.body = "topsecret";
  CHECK(client.send(r).error == address + ": cannot connect: Connection refused");
  for (const auto& header : Headers{{"Rune", "topsecret\r\nX: y"}, {"Rune", std::string("topsecret\0", 10)}, {"Bad Name", "topsecret"}, {"", "topsecret"}, {"Name:", "topsecret"}}) {
    r.headers = {header};
    CHECK_THROWS_WITH(client.send(r), !Catch::Contains("topsecret"));
  }
}

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "base/error.h"
#include "base/file.h"
#include "http/client.h"
#include "http/server.h"

using namespace hh;
using namespace hh::http;

namespace {

struct Pages {
  explicit Pages(Server::Limits limits = {}) : server("127.0.0.1:0", "http", [this](const std::string& path) { return page(path); }, limits) { server.start(); }
  Page page(const std::string& path) {
    ++asked;
    last_path = path;
    if (path == "/throws") throw std::runtime_error("secret detail");
    if (path == "/sick") return {503, "sick\n"};
    if (path == "/large") return {200, std::string(32u << 20, 'x')};
    return {200, "page " + path, "text/plain; version=0.0.4"};
  }
  std::string url(const std::string& path) const { return "http://" + server.address() + path; }
  std::atomic<int> asked{0};
  std::string last_path;
  Server server;
};

FileHandle connect_to(const Server& server) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(static_cast<uint16_t>(std::stoi(server.address().substr(server.address().rfind(':') + 1))));
  FileHandle fd(::socket(AF_INET, SOCK_STREAM, 0));
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0);
  return fd;
}

std::string say(const Server& server, const std::string& text) {
  const FileHandle fd = connect_to(server);
  REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  std::string all;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<size_t>(n));
  return all;
}

Result get(const std::string& url) {
  Client client;
  return client.send({.url = url, .timeouts = {.connect_ms = 5000, .total_ms = 20'000}, .max_response = 64u << 20});
}

}  // namespace

TEST_CASE("pages, their status and type, and what goes wrong in a handler [C080]", "[C080]") {
  Pages p;
  const Result r = get(p.url("/metrics?x=1"));
  CHECK(r.response.status == 200);
  CHECK(r.response.body == "page /metrics");
  CHECK(r.response.header("content-type") == "text/plain; version=0.0.4");
  CHECK(r.response.header("x-content-type-options") == "nosniff");
  CHECK(get(p.url("/sick")).response.status == 503);
  const Result bad = get(p.url("/throws"));
  CHECK(bad.response.status == 500);
  CHECK(bad.response.body.find("secret") == std::string::npos);
  CHECK(get(p.url("/large")).response.body.size() == 32u << 20);
}

TEST_CASE("one connection serves several requests, HEAD has no body, others are refused [C080]", "[C080]") {
  Pages p;
  const std::string all = say(p.server, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /b HTTP/1.1\r\nHost: x\r\n\r\nPOST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
                                        "GET /d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(all.find("page /a") != std::string::npos);
  CHECK(all.find("page /b") == std::string::npos);
  CHECK(all.find("405 Method Not Allowed") != std::string::npos);
  CHECK(all.find("page /d") != std::string::npos);
  CHECK(p.asked == 3);
  CHECK(say(p.server, "GET /old HTTP/1.0\r\n\r\n").find("page /old") != std::string::npos);
}

TEST_CASE("what is no request, too long or has a body gets an error and is let go [C113]", "[C113]") {
  Pages p;
  CHECK(say(p.server, "nonsense\r\n\r\n").find("400 Bad Request") != std::string::npos);
  CHECK(say(p.server, "GET / HTTP/1.1\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n").find("431 ") != std::string::npos);
  CHECK(say(p.server, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nsomething").find("413 ") != std::string::npos);
  CHECK(say(p.server, std::string("\0\x01\xff\r\n\r\n", 7)).find("400 ") != std::string::npos);
  CHECK(say(p.server, "GET / HTTP/1.1\r\n\r\n").find("400 ") != std::string::npos);  // no Host
  CHECK(say(p.server, "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n").find("400 ") != std::string::npos);
  CHECK(say(p.server, "GET / HTTP/2.0\r\nHost: x\r\n\r\n").find("400 ") != std::string::npos);
  CHECK(say(p.server, "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n").find("400 ") != std::string::npos);
  CHECK(say(p.server, "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").find("413 ") != std::string::npos);
  CHECK(p.asked == 0);
}

TEST_CASE("clients that are slow, silent or do not read are dropped, and others wait their turn [C113]", "[C113]") {
  Pages p({3, 400});
  const FileHandle silent = connect_to(p.server), half = connect_to(p.server), deaf = connect_to(p.server);
  const std::string some = "GET / HT", large = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
  REQUIRE(::send(half.get(), some.data(), some.size(), MSG_NOSIGNAL) > 0);
  REQUIRE(::send(deaf.get(), large.data(), large.size(), MSG_NOSIGNAL) > 0);
  CHECK(get(p.url("/")).response.status == 200);  // accepted once one of the three has been dropped
  char byte;
  CHECK(::read(silent.get(), &byte, 1) == 0);
  CHECK(::read(half.get(), &byte, 1) == 0);
}

TEST_CASE("it ends while clients are connected, and says what is wrong with an address [C080]", "[C080]") {
  FileHandle fd;
  std::string address;
  {
    Pages p;
    fd = connect_to(p.server);
    address = p.server.address();
    CHECK_THROWS_WITH(Server(address, "http", [](const std::string&) { return Page(); }), Catch::Matchers::StartsWith("http: cannot listen on " + address));
  }
  char byte;
  CHECK(::read(fd.get(), &byte, 1) <= 0);
  for (const char* bad : {"", "9100", "localhost:9100", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:80x"})
    CHECK_THROWS_WITH(Server(bad, "http", [](const std::string&) { return Page(); }), Catch::Matchers::StartsWith("http: \"" + std::string(bad) + "\" "));
}

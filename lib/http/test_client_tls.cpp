#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "http/client.h"
#include "http/test_server.h"
#include "http/tls.h"

using namespace hh;
using namespace hh::http;

namespace {

// Certificates made for the test: "lnd" as lnd makes its own (self-signed, for localhost), "other" like it, "ip" for 127.0.0.1, "signed"
// with the key of "lnd".
struct Certificates {
  std::string folder;
  Certificates() {
    std::string name = (std::filesystem::temp_directory_path() / "hh-tls-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    make("lnd", "DNS:localhost");
    make("other", "DNS:localhost");
    make("ip", "IP:127.0.0.1");
    make("signed", "IP:127.0.0.1", " -CA " + cert("lnd") + " -CAkey " + key("lnd"));
  }
  ~Certificates() { std::filesystem::remove_all(folder); }
  std::string cert(const std::string& name) const { return folder + "/" + name + ".cert"; }
  std::string key(const std::string& name) const { return folder + "/" + name + ".key"; }

 private:
  void make(const std::string& name, const std::string& san, const std::string& more = "") const {
    const std::string command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=test -addext subjectAltName=" + san + " -keyout " + key(name) +
                                " -out " + cert(name) + more + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl req failed");
  }
};

const Certificates& certificates() {
  static const Certificates c;
  return c;
}

std::string outcome(const TestServer& server, const Tls& tls) {
  Client client;
  const Result r = client.send({.method = "POST", .url = server.url(), .body = "pay", .timeouts = {.connect_ms = 3000, .total_ms = 5000}, .tls = tls});
  return r.is_success() ? "success" : std::string(name(r.outcome));
}

TestServer serving(const std::string& name) { return TestServer(always(200, "x"), certificates().cert(name), certificates().key(name)); }

}  // namespace

TEST_CASE("a server that nobody vouches for gets no request", "[C031]") {
  const TestServer server = serving("ip");
  CHECK(outcome(server, {}) == "not_sent");
  CHECK(outcome(server, {.ca_file = certificates().cert("ip")}) == "success");
  CHECK(outcome(server, {.ca_file = certificates().cert("other")}) == "not_sent");
}

TEST_CASE("a certificate for another name gets no request, unless it is pinned", "[C031]") {
  const TestServer server = serving("lnd");
  CHECK(outcome(server, {.ca_file = certificates().cert("lnd")}) == "not_sent");
  CHECK(outcome(server, {.pinned_cert_file = certificates().cert("lnd")}) == "success");
  CHECK(outcome(server, {.pinned_cert_file = certificates().cert("other")}) == "not_sent");
  const TestServer issued = serving("signed");  // a certificate that the pinned one could vouch for is still another one
  CHECK(outcome(issued, {.ca_file = certificates().cert("lnd")}) == "success");
  CHECK(outcome(issued, {.pinned_cert_file = certificates().cert("lnd")}) == "not_sent");
}

TEST_CASE("client certificates are shown to servers that ask for them", "[C031][N311]") {
  const Certificates& c = certificates();
  const TestServer server(always(200, "x"), c.cert("ip"), c.key("ip"), c.cert("lnd"));
  CHECK(outcome(server, {.ca_file = c.cert("ip"), .client_cert_file = c.cert("lnd"), .client_key_file = c.key("lnd")}) == "success");
  CHECK(outcome(server, {.ca_file = c.cert("ip"), .client_cert_file = c.cert("other"), .client_key_file = c.key("other")}) != "success");
  CHECK(outcome(server, {.ca_file = c.cert("ip")}) != "success");
}

TEST_CASE("a pinned key stands for itself, and no other key does", "[C031]") {
  const TestServer server = serving("lnd");
  CHECK(outcome(server, {.pinned_key = pin_of_certificate(certificates().cert("lnd"))}) == "success");
  CHECK(outcome(server, {.pinned_key = pin_of_certificate(certificates().cert("other"))}) == "not_sent");
  Client client;
  const Result r = client.send({.url = server.url(), .tls = {.pinned_key = pin_of_certificate(certificates().cert("other"))}});
  CHECK(r.error.find("not the pinned one") != std::string::npos);
}

TEST_CASE("the pin is the one that openssl(1) computes") {
  const std::string file = certificates().folder + "/pin";
  const std::string command = "openssl x509 -in " + certificates().cert("lnd") + " -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64 > " + file;
  REQUIRE(std::system(command.c_str()) == 0);
  std::string expected(60, '\0');
  FILE* in = std::fopen(file.c_str(), "r");
  expected.resize(std::fread(expected.data(), 1, expected.size(), in));
  std::fclose(in);
  CHECK("sha256//" + expected == pin_of_certificate(certificates().cert("lnd")) + "\n");
}

TEST_CASE("wrong certificate settings are told at once") {
  const TestServer server = serving("ip");
  Client client;
  const std::string absent = certificates().folder + "/absent", no_cert = certificates().key("ip");
  for (const Tls& tls : {Tls{.ca_file = absent}, Tls{.pinned_cert_file = absent}, Tls{.pinned_cert_file = no_cert}, Tls{.pinned_key = "c2hh"}, Tls{.client_cert_file = absent, .client_key_file = absent}}) {
    try {
      client.send({.url = server.url(), .tls = tls});
      FAIL("it was taken");
    } catch (const Error& e) {
      CHECK(e.code() == Exit::config);
    }
  }
}

TEST_CASE("a redirect does not lead from https to http", "[C031]") {
  const TestServer plain(always(200, "plain")), safe(always(200, "safe"), certificates().cert("ip"), certificates().key("ip"));
  for (const TestServer* target : {&plain, &safe}) {
    const TestServer server(always(302, "", "Location: " + target->url() + "\r\n"), certificates().cert("ip"), certificates().key("ip"));
    Client client;
    const Result r = client.send({.url = server.url(), .tls = {.ca_file = certificates().cert("ip")}, .follow_redirects = true});
    CHECK(r.response.status == (target == &safe ? 200 : 302));
  }
  CHECK(plain.connections() == 0);
}

TEST_CASE("a server that speaks no TLS on its port got no request", "[C031]") {
  const TestServer plain([](Connection& c) { c.write("SSH-2.0-OpenSSH_9.2\r\n"); });
  Client client;
  const Result r = client.send({.method = "POST", .url = "https://127.0.0.1:" + std::to_string(plain.port()) + "/", .body = "pay"});
  CHECK(r.outcome == Outcome::not_sent);
}

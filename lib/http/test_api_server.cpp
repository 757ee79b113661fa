// The HTTPS server from outside: with the project's own client where it behaves, with a bare TLS socket where it does not.
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "http/api_server.h"
#include "http/client.h"

using namespace hh;
using namespace hh::http;

namespace {

// "ca" vouches for "server" (127.0.0.1) and "client" (CN=core); "stranger" is another authority, with "other" under it; "renewed" is another server's.
struct Certificates {
  std::string folder;
  Certificates() {
    std::string name = (std::filesystem::temp_directory_path() / "hh-api-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    make("ca", "/CN=ca", "");
    make("server", "/CN=server", signed_by("ca") + " -addext subjectAltName=IP:127.0.0.1");
    make("renewed", "/CN=renewed", signed_by("ca") + " -addext subjectAltName=IP:127.0.0.1");
    make("client", "/CN=core/O=Hyper Hash", signed_by("ca"));
    make("stranger", "/CN=ca", "");
    make("other", "/CN=core", signed_by("stranger"));
  }
  ~Certificates() { std::filesystem::remove_all(folder); }
  std::string cert(const std::string& name) const { return folder + "/" + name + ".cert"; }
  std::string key(const std::string& name) const { return folder + "/" + name + ".key"; }

 private:
  std::string signed_by(const std::string& name) const { return " -CA " + cert(name) + " -CAkey " + key(name); }
  void make(const std::string& name, const std::string& subject, const std::string& more) const {
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '" + subject + "' -keyout " + key(name) + " -out " + cert(name) + more + " 2>/dev/null && chmod 600 " + key(name);
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl req failed");
  }
};

const Certificates& certificates() {
  static const Certificates c;
  return c;
}

ApiTls server_tls(bool ask = false, bool required = false) {
  const Certificates& c = certificates();
  return {.certificate = c.cert("server"), .key = c.key("server"), .client_ca = ask ? c.cert("ca") : "", .client_required = required};
}

ApiResponse echo(const ApiRequest& r) {
  return {.body = r.method + " " + r.target + " [" + r.body.substr(0, 20) + "] " + std::to_string(r.body.size()) + " " + r.client, .content_type = "text/plain"};
}

struct Running {
  ApiServer server;
  explicit Running(const ApiTls& tls, ApiLimits limits = {}, ApiServer::Handler handler = echo, size_t most_body = 1000)
      : server("127.0.0.1:0", "api", tls, std::move(handler), [most_body](const ApiRequest&) { return most_body; }, limits) {
    server.start();
  }
  uint16_t port() const { return static_cast<uint16_t>(std::stoi(server.address().substr(server.address().rfind(':') + 1))); }
  Request request(const std::string& target = "/", const std::string& client = "") const {
    Request r;
    r.url = "https://" + server.address() + target;
    r.tls.ca_file = certificates().cert("ca");
    if (!client.empty()) r.tls.client_cert_file = certificates().cert(client), r.tls.client_key_file = certificates().key(client);
    return r;
  }
};

// A TLS client that sends what it is told to. Throws where the handshake fails.
class Bare {
 public:
  explicit Bare(uint16_t port, int version = TLS1_3_VERSION) {
    std::signal(SIGPIPE, SIG_IGN);
    sockaddr_in at{};
    at.sin_family = AF_INET, at.sin_port = htons(port), at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) throw std::runtime_error("connect");
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(context_, version);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    is_up_ = SSL_connect(ssl_) == 1;
  }
  ~Bare() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  Bare(const Bare&) = delete;
  bool is_up() const { return is_up_; }
  bool send(const std::string& text) { return SSL_write(ssl_, text.data(), static_cast<int>(text.size())) > 0; }
  std::string read_all() {  // until the server hangs up
    std::string out;
    char buffer[4096];
    for (int n; (n = SSL_read(ssl_, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<size_t>(n));
    return out;
  }
  std::string read_some() {
    char buffer[4096];
    const int n = SSL_read(ssl_, buffer, sizeof buffer);
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
  }

 private:
  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool is_up_ = false;
};

std::string status_line(const std::string& answer) { return answer.substr(0, answer.find('\r')); }

}  // namespace

TEST_CASE("requests reach the handler whole, and one connection serves many", "[C019]") {
  Running s(server_tls());
  Client client;
  for (int i = 0; i < 3; ++i) {
    Request r = s.request("/v1/x?y=" + std::to_string(i));
    r.method = "POST", r.body = "body", r.repeatable = true;
    const Result result = client.send(r);
    REQUIRE(result.is_success());
    CHECK(result.response.body == "POST /v1/x?y=" + std::to_string(i) + " [body] 4 ");
    CHECK(result.response.header("cache-control") == "no-store");
    CHECK(result.response.header("x-content-type-options") == "nosniff");
  }
  CHECK(s.server.answers().at(200) == 3);
  CHECK(s.server.days_left() >= 28);
  Bare bare(s.port());
  REQUIRE(bare.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  const std::string all = bare.read_all();
  CHECK((all.find("GET /1 ") < all.find("GET /2 ") && all.find("GET /2 ") < all.find("GET /3 ") && all.find("GET /3 ") != std::string::npos));
}

TEST_CASE("only who shows a certificate of the authority gets in where one is required", "[L070]") {
  Running s(server_tls(true, true));
  Client client;
  const Result good = client.send(s.request("/", "client"));
  REQUIRE(good.is_success());
  CHECK(good.response.body.ends_with(" O=Hyper Hash,CN=core"));
  for (const char* no : {"", "other"}) {
    INFO(no);
    CHECK_FALSE(Client().send(s.request("/", no)).is_success());
  }
}

TEST_CASE("where a certificate is not required the handler is told that there is none, and a wrong one is still refused", "[L070]") {
  Running s(server_tls(true, false));
  CHECK(Client().send(s.request("/")).response.body == "GET / [] 0 ");
  CHECK(Client().send(s.request("/", "client")).response.body.ends_with("CN=core"));
  CHECK_FALSE(Client().send(s.request("/", "other")).is_success());
}

TEST_CASE("TLS 1.2 is refused, and plain HTTP is", "[L070]") {
  Running s(server_tls());
  CHECK(Bare(s.port()).is_up());
  CHECK_FALSE(Bare(s.port(), TLS1_2_VERSION).is_up());
  Request plain;
  plain.url = "http://" + s.server.address() + "/";
  CHECK_FALSE(Client().send(plain).is_success());
}

TEST_CASE("a body over the limit is 413, whether its size is told or not, and the handler never sees it", "[L074]") {
  std::atomic<int> calls{0};
  Running s(server_tls(), {}, [&](const ApiRequest& r) { return ++calls, echo(r); });
  Request r = s.request();
  r.method = "POST", r.body = std::string(1000, 'x');
  CHECK(Client().send(r).response.status == 200);
  r.body += 'x';
  CHECK(Client().send(r).response.status == 413);
  r.body.resize(3'000'000, 'x');
  CHECK(Client().send(r).response.status == 413);
  Bare bare(s.port());
  std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) chunked += "40\r\n" + std::string(64, 'x') + "\r\n";
  bare.send(chunked);
  CHECK(status_line(bare.read_all()) == "HTTP/1.1 413 Payload Too Large");
  CHECK(calls == 1);
}

TEST_CASE("who asks first whether to send its body is told", "[C019]") {
  Running s(server_tls());
  Bare bare(s.port());
  bare.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  CHECK(status_line(bare.read_some()) == "HTTP/1.1 100 Continue");
  bare.send("abcd");
  CHECK(bare.read_all().find("[abcd] 4") != std::string::npos);
}

TEST_CASE("what is no request is 400, a head without end 431", "[L074]") {
  Running s(server_tls());
  for (const char* bad : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\nHost a\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    INFO(bad);
    Bare bare(s.port());
    bare.send(bad);
    const std::string answer = bare.read_all();
    CHECK(status_line(answer) == "HTTP/1.1 400 Bad Request");
    CHECK(answer.find("{\"type\":\"error\",\"v\":1,\"status\":400,") != std::string::npos);
  }
  Bare bare(s.port());
  bare.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  CHECK(status_line(bare.read_all()) == "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_CASE("a slow client is let go after its time, and holds up nobody", "[L074]") {
  Running s(server_tls(), {.patience_ms = 600});
  Bare slow(s.port()), half(s.port());
  slow.send("GET / HTTP/1.1\r\nHo");
  half.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
  const int64_t start = system_clock().monotonic_ms();
  CHECK(Client().send(s.request()).is_success());
  CHECK(system_clock().monotonic_ms() - start < 500);
  CHECK(slow.read_all().empty());
  CHECK(half.read_all().empty());
  CHECK(system_clock().monotonic_ms() - start < 5000);
}

TEST_CASE("one address may ask so often: then 429 with the time to wait", "[L074]") {
  Running s(server_tls(), {.requests_per_minute = 60, .at_once = 2});
  Client client;
  CHECK(client.send(s.request()).is_success());
  CHECK(client.send(s.request()).is_success());
  const Result third = client.send(s.request());
  CHECK(third.response.status == 429);
  CHECK(third.response.header("retry-after") == "1");
}

TEST_CASE("one address has so many connections, and the server in all", "[L074]") {
  Running s(server_tls(), {.most_connections = 256, .most_per_address = 2});
  Bare first(s.port()), second(s.port());
  REQUIRE((first.is_up() && second.is_up()));
  CHECK_FALSE(Bare(s.port()).is_up());
  Running few(server_tls(), {.most_connections = 1, .patience_ms = 1000});
  Bare only(few.port());
  REQUIRE(only.is_up());
  Bare waits(few.port());  // until the first has used up its time
  CHECK(waits.is_up());
}

TEST_CASE("a handler that fails is 500 and no more is told", "[C019]") {
  Running s(server_tls(), {}, [](const ApiRequest&) -> ApiResponse { throw std::runtime_error("/secret/path is broken"); });
  const Result r = Client().send(s.request());
  CHECK(r.response.status == 500);
  CHECK(r.response.body.find("secret") == std::string::npos);
}

TEST_CASE("stopping lets the answer that is being made go out", "[C019]") {
  std::atomic<bool> begun{false};
  auto s = std::make_unique<Running>(server_tls(), ApiLimits{}, [&](const ApiRequest&) {
    begun = true;
    system_clock().sleep_ms(300);
    return ApiResponse{.body = "done"};
  });
  Result result;
  std::thread asking([&, r = s->request()] { result = Client().send(r); });
  while (!begun) system_clock().sleep_ms(5);
  Bare idle(s->port());
  const int64_t start = system_clock().monotonic_ms();
  s->server.stop();
  CHECK(system_clock().monotonic_ms() - start < 3000);
  asking.join();
  CHECK(result.response.body == "done");
}

TEST_CASE("new certificates are for new connections; bad ones change nothing and name their setting", "[L070]") {
  const Certificates& c = certificates();
  Running s(server_tls());
  Request pinned = s.request();
  pinned.tls = {.pinned_cert_file = c.cert("renewed")};
  CHECK_FALSE(Client().send(pinned).is_success());
  const auto refused = [&](const ApiTls& tls) {
    try {
      s.server.use(tls);
      return std::string("taken");
    } catch (const Error& e) {
      CHECK(e.code() == Exit::config);
      return std::string(e.what()).substr(0, std::string(e.what()).find(':'));
    }
  };
  CHECK(refused({.certificate = c.folder + "/absent", .key = c.key("server"), .client_ca = ""}) == "api.tls_certificate");
  CHECK(refused({.certificate = c.cert("server"), .key = c.key("client"), .client_ca = ""}) == "api.tls_key");
  CHECK(refused({.certificate = c.cert("server"), .key = c.key("server"), .client_ca = c.key("ca")}) == "api.client_ca");
  CHECK(Client().send(s.request()).is_success());
  CHECK_FALSE(Client().send(pinned).is_success());
  s.server.use({.certificate = c.cert("renewed"), .key = c.key("renewed"), .client_ca = ""});
  CHECK(Client().send(pinned).is_success());
}

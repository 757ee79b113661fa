// The server's side of TLS against OpenSSL's client, both in memory.
#include <catch2/catch.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "base/error.h"
#include "net/tls_filter.h"

using namespace hh;
using namespace hh::net;

namespace {

template <auto f>
struct Call {
  template <class T>
  void operator()(T* p) const { f(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Call<EVP_PKEY_free>>;

// A new key and a certificate of it for localhost, as files.
struct Identity {
  explicit Identity(const std::string& name, long valid_seconds = 10 * 86'400 + 60)
      : certificate((std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()))).string() + ".pem"), key(certificate + ".key") {
    const Key pair(EVP_EC_gen("P-256"));
    const std::unique_ptr<X509, Call<X509_free>> x(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -100 * 86'400);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), valid_seconds);
    X509_set_pubkey(x.get(), pair.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x.get()), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x.get(), X509_get_subject_name(x.get()));
    X509_sign(x.get(), pair.get(), EVP_sha256());
    std::unique_ptr<FILE, Call<std::fclose>> out(std::fopen(certificate.c_str(), "w"));
    PEM_write_X509(out.get(), x.get());
    out.reset(std::fopen(key.c_str(), "w"));
    ::chmod(key.c_str(), 0600);
    PEM_write_PrivateKey(out.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  ~Identity() {
    std::filesystem::remove(certificate);
    std::filesystem::remove(key);
  }
  std::string certificate, key;
};

// OpenSSL as a client, and the filter: what one says is carried to the other in pieces of `piece` bytes.
struct Talk {
  Talk(const TlsContext& server, int version, size_t piece_size = SIZE_MAX) : piece(piece_size), filter(server.make_filter()), context(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_CTX_set_security_level(context.get(), 0);
    client.reset(SSL_new(context.get()));
    SSL_set_bio(client.get(), in = BIO_new(BIO_s_mem()), out = BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client.get());
    SSL_do_handshake(client.get());
  }
  void to_server() {
    std::string bytes(static_cast<size_t>(BIO_pending(out)), '\0');
    if (!bytes.empty()) BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
    for (size_t at = 0; at < bytes.size() && why == nullptr; at += std::min(piece, bytes.size() - at)) why = filter->receive(std::string_view(bytes).substr(at, piece), heard, sent);
  }
  void to_client() {
    if (!sent.empty()) BIO_write(in, sent.data(), static_cast<int>(sent.size()));
    sent.clear();
    char buffer[4096];
    for (int n; (n = SSL_read(client.get(), buffer, sizeof buffer)) > 0;) got.append(buffer, static_cast<size_t>(n));
    if (SSL_get_shutdown(client.get()) & SSL_RECEIVED_SHUTDOWN) goodbye = true;
  }
  void shake_hands() {
    for (int i = 0; i < 4; ++i) to_server(), to_client();
    ERR_clear_error();
  }
  void say(std::string_view text) {
    SSL_write(client.get(), text.data(), static_cast<int>(text.size()));
    to_server();
  }
  size_t piece;
  std::unique_ptr<StreamFilter> filter;
  std::unique_ptr<SSL_CTX, Call<SSL_CTX_free>> context;
  std::unique_ptr<SSL, Call<SSL_free>> client;
  BIO *in = nullptr, *out = nullptr;
  std::string heard, got, sent;
  const char* why = nullptr;
  bool goodbye = false;
};

std::string refusal(const std::string& certificate, const std::string& key) {
  try {
    TlsContext(certificate, key);
  } catch (const Error& e) {
    CHECK(e.code() == Exit::config);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("lines go both ways through TLS 1.2 and 1.3, in whatever pieces they come [C113]", "[C113]") {
  const Identity id("tls");
  const TlsContext server(id.certificate, id.key);
  CHECK(server.days_left() == 10);
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const size_t piece = GENERATE(size_t{1}, size_t{7}, size_t{100'000});
  Talk t(server, version, piece);
  CHECK(t.filter->is_dear());
  t.filter->send(std::array<std::string_view, 1>{"too early"}, t.sent);
  CHECK(t.sent.empty());
  t.shake_hands();
  REQUIRE(SSL_is_init_finished(t.client.get()));
  CHECK_FALSE(t.filter->is_dear());
  CHECK(t.why == nullptr);
  t.say("hello\n");
  CHECK(t.heard == "hello\n");
  const std::string large(100'000, 'x');  // more than one record
  t.filter->send(std::array<std::string_view, 4>{"one", "", "two", large}, t.sent);
  t.to_client();
  CHECK(t.got == "onetwo" + large);
  t.heard.clear();
  t.say(large);
  CHECK(t.heard == large);
  t.filter->end(t.sent);
  t.to_client();
  CHECK(t.goodbye);
  SSL_shutdown(t.client.get());
  t.to_server();
  CHECK(t.why == std::string("the peer closed it"));
}

TEST_CASE("what is no TLS, and TLS below 1.2, ends with a reason; the client hears an alert [C113] [X052]", "[C113][X052]") {
  const Identity id("tls_bad");
  const TlsContext server(id.certificate, id.key);
  Talk old(server, TLS1_1_VERSION);
  old.to_server();
  REQUIRE(old.why != nullptr);
  CHECK(std::string(old.why).find("unsupported protocol") != std::string::npos);
  CHECK_FALSE(old.sent.empty());
  const auto filter = server.make_filter();
  std::string plain, out;
  CHECK(filter->receive("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n", plain, out) != nullptr);
  CHECK(plain.empty());
  Talk spoilt(server, TLS1_3_VERSION);
  spoilt.shake_hands();
  CHECK(spoilt.filter->receive(std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'x'), spoilt.heard, spoilt.sent) != nullptr);
  CHECK(spoilt.heard.empty());
}

TEST_CASE("a certificate and its key: what does not fit is said by setting and file; filters keep what they began with [C113]", "[C113]") {
  const Identity a("tls_a"), b("tls_b", -86'000);
  CHECK(refusal("/nonexistent", a.key).find("tls.certificate: /nonexistent") == 0);
  CHECK(refusal(a.key, a.key).find("tls.certificate: " + a.key) == 0);
  CHECK(refusal(a.certificate, b.key).find("tls.key: " + b.key + " is not the key") == 0);
  CHECK(refusal(a.certificate, "exec:cat " + a.certificate).find("tls.key: ") == 0);
  CHECK(TlsContext(b.certificate, b.key).days_left() == -1);
  auto server = std::make_unique<TlsContext>(a.certificate, a.key);
  Talk t(*server, TLS1_3_VERSION);
  server.reset();
  t.shake_hands();
  t.say("still here");
  CHECK(t.heard == "still here");
}

#include "net/tls_filter.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/secret.h"

namespace hh::net {
namespace {

template <auto f>
struct Call {
  template <class T>
  void operator()(T* p) const { f(p); }
};

// What OpenSSL reads from and writes to, while it is called and no longer.
struct Ends {
  std::string_view in;
  std::string* out = nullptr;
};

int read_bytes(BIO* bio, char* to, int size) {
  auto& ends = *static_cast<Ends*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t n = std::min(ends.in.size(), static_cast<size_t>(std::max(size, 0)));
  if (n == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(to, ends.in.data(), n);
  ends.in.remove_prefix(n);
  return static_cast<int>(n);
}

int write_bytes(BIO* bio, const char* from, int size) {
  const auto& ends = *static_cast<Ends*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (ends.out == nullptr || size < 0) return -1;
  ends.out->append(from, static_cast<size_t>(size));
  return size;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* make_method() {
  BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
  BIO_meth_set_read(m, read_bytes);
  BIO_meth_set_write(m, write_bytes);
  BIO_meth_set_ctrl(m, control);
  return m;
}

class TlsFilter final : public StreamFilter {
 public:
  explicit TlsFilter(SSL_CTX* context) : ssl_(SSL_new(context)) {
    static BIO_METHOD* const method = make_method();  // as long as the process
    BIO* const bio = ssl_ ? BIO_new(method) : nullptr;
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, &ends_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
  }

  const char* receive(std::string_view bytes, std::string& plain, std::string& out) override {
    ends_ = {bytes, &out};
    char buffer[16 * 1024];  // a TLS record
    int n = 0;
    ERR_clear_error();
    while ((n = SSL_read(ssl_.get(), buffer, sizeof buffer)) > 0) plain.append(buffer, static_cast<size_t>(n));
    const char* const why = reason_of(n);
    ends_ = {};
    return why;
  }

  // A server says nothing before the client has: nothing is lost where the handshake is not over.
  void send(std::span<const std::string_view> pieces, std::string& out) override {
    if (!SSL_is_init_finished(ssl_.get())) return;
    ends_.out = &out;
    ERR_clear_error();
    if (pieces.size() == 1) {
      write(pieces.front());
    } else {
      std::string all;
      for (const std::string_view piece : pieces) all += piece;
      write(all);
    }
    ends_ = {};
  }

  bool is_dear() const override { return !SSL_is_init_finished(ssl_.get()); }

  void end(std::string& out) override {
    if (!SSL_is_init_finished(ssl_.get())) return;
    ends_.out = &out;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ends_ = {};
  }

 private:
  void write(std::string_view bytes) {
    if (!bytes.empty()) SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  const char* reason_of(int result) {
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ) return nullptr;
    if (error == SSL_ERROR_ZERO_RETURN) return "the peer closed it";
    const char* const text = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return text != nullptr ? text : "TLS failed";
  }
  Ends ends_;
  std::unique_ptr<SSL, Call<SSL_free>> ssl_;
};

int no_password(char*, int, int, void*) { return 0; }

}  // namespace

struct TlsContext::Impl {
  std::unique_ptr<SSL_CTX, Call<SSL_CTX_free>> context{SSL_CTX_new(TLS_server_method())};
};

TlsContext::TlsContext(const std::string& certificate, const std::string& key) : impl_(std::make_unique<Impl>()) {
  SSL_CTX* const c = impl_->context.get();
  if (c == nullptr) throw std::bad_alloc();
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate_chain_file(c, certificate.c_str()) != 1) {
    ERR_clear_error();
    throw Error(Exit::config, fmt::format("tls.certificate: {} cannot be read, or is no certificate in PEM form", certificate));
  }
  const std::string pem = load_secret_bytes(key, "tls.key");
  const std::unique_ptr<BIO, Call<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<EVP_PKEY, Call<EVP_PKEY_free>> private_key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!private_key) throw Error(Exit::config, fmt::format("tls.key: {} has no private key in PEM form without a password", shown_reference(key)));
  const bool fits = SSL_CTX_use_PrivateKey(c, private_key.get()) == 1 && SSL_CTX_check_private_key(c) == 1;
  ERR_clear_error();
  if (!fits) throw Error(Exit::config, fmt::format("tls.key: {} is not the key of the certificate in {}", shown_reference(key), certificate));
}

TlsContext::~TlsContext() = default;

std::unique_ptr<StreamFilter> TlsContext::make_filter() const { return std::make_unique<TlsFilter>(impl_->context.get()); }

int64_t TlsContext::days_left() const {
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(SSL_CTX_get0_certificate(impl_->context.get()))) != 1) return 0;
  return seconds < 0 ? days - 1 : days;
}

}  // namespace hh::net

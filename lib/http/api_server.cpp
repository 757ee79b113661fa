#include "http/api_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "http/rate_limit.h"
#include "json/fields.h"
#include "net/endpoint.h"

namespace hh::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

template <auto f>
struct CallWith {
  template <class T>
  void operator()(T* p) const { f(p); }
};

int no_password(char*, int, int, void*) { return 0; }

[[noreturn]] void refuse(const std::string& setting, const std::string& why) {
  ERR_clear_error();
  throw Error(Exit::config, setting + ": " + why);
}

void use_key(SSL_CTX* c, const ApiTls& tls, const std::string& what) {
  std::string pem = load_secret_bytes(tls.key, what + ".tls_key");
  const std::unique_ptr<BIO, CallWith<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<EVP_PKEY, CallWith<EVP_PKEY_free>> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  crypto::wipe(pem);
  if (!key) refuse(what + ".tls_key", fmt::format("{} has no private key in PEM form without a password", shown_reference(tls.key)));
  if (SSL_CTX_use_PrivateKey(c, key.get()) != 1 || SSL_CTX_check_private_key(c) != 1)
    refuse(what + ".tls_key", fmt::format("{} is not the key of the certificate in {}", shown_reference(tls.key), tls.certificate));
}

// No resumption: a ticket would outlive the certificate that its client has shown.
std::shared_ptr<asio::ssl::context> make_context(const ApiTls& tls, const std::string& what) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const c = context->native_handle();
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate_chain_file(c, tls.certificate.c_str()) != 1) refuse(what + ".tls_certificate", tls.certificate + " cannot be read, or is no certificate in PEM form");
  use_key(c, tls, what);
  if (tls.client_ca.empty()) return context;
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(tls.client_ca.c_str());
  if (names == nullptr || SSL_CTX_load_verify_locations(c, tls.client_ca.c_str(), nullptr) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    refuse(what + ".client_ca", tls.client_ca + " cannot be read, or has no certificate in PEM form");
  }
  SSL_CTX_set_client_CA_list(c, names);
  context->set_verify_mode(asio::ssl::verify_peer | (tls.client_required ? asio::ssl::verify_fail_if_no_peer_cert : 0));
  return context;
}

std::string subject_of(X509* certificate) {
  const std::unique_ptr<BIO, CallWith<BIO_free_all>> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(std::max(size, 0L))};
}

std::string fingerprint_of(X509* certificate) {
  crypto::Digest digest{};
  unsigned size = 0;
  return X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1 ? to_hex(digest) : "";
}

// What counts as one client: whoever has one IPv6 address has the whole /64.
std::string rate_name(const asio::ip::address& a) {
  if (a.is_v4()) return a.to_string();
  auto bytes = a.to_v6().to_bytes();
  if (a.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, a.to_v6()).to_string();
  std::fill(bytes.begin() + 8, bytes.end(), uint8_t{0});
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

std::string_view ApiRequest::header(std::string_view name) const {
  for (const auto& [is, value] : headers)
    if (is == name) return value;
  return {};
}

ApiResponse error_response(unsigned status, std::string_view reason) {
  json::Json r = json::make_record("error");
  r["status"] = status;
  r["reason"] = json::clean_text(reason, 500);
  return {.status = status, .body = json::to_line(r) + "\n"};
}

struct ApiServer::Impl {
  class Session;
  std::string what;
  Handler handler;
  BodyLimit body_limit;
  ApiLimits limits;
  mutable std::mutex mutex;  // tls, answers
  std::shared_ptr<asio::ssl::context> tls;
  std::map<unsigned, uint64_t> answers;
  // The rest is the network thread's.
  RateLimit rate;
  std::map<std::string, size_t> by_address;
  size_t connections = 0;
  bool accepting = false, stopping = false;
  log::Bounded refused_log{"api_refused"};
  // Behind what sessions refer to: they may live until io ends.
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::unique_ptr<asio::thread_pool> handlers;
  std::thread thread;

  Impl(const std::string& w, Handler h, BodyLimit b, const ApiLimits& l)
      : what(w), handler(std::move(h)), body_limit(std::move(b)), limits(l), rate(l.requests_per_minute, l.at_once) {}
  void listen(const std::string& at);
  void accept();
  void took(const ErrorCode& error, tcp::socket socket);
  void left(const std::string& name);
  std::shared_ptr<asio::ssl::context> current_tls() const {
    const std::lock_guard lock(mutex);
    return tls;
  }
};

// One connection: handshake, then request after request. Every step has a deadline; where one fails the connection is closed without words.
class ApiServer::Impl::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Impl& impl, tcp::socket socket, std::string name, std::string address)
      : impl_(impl), context_(impl.current_tls()), stream_(beast::tcp_stream(std::move(socket)), *context_), name_(std::move(name)), address_(std::move(address)) {}
  ~Session() { impl_.left(name_); }

  void start() {
    deadline();
    stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const ErrorCode& error) {
      if (error) return;
      self->read_certificate();
      self->read_head();
    });
  }

 private:
  void deadline() { beast::get_lowest_layer(stream_).expires_after(std::chrono::milliseconds(impl_.limits.patience_ms)); }

  void read_certificate() {
    const std::unique_ptr<X509, CallWith<X509_free>> certificate(SSL_get1_peer_certificate(stream_.native_handle()));
    if (!certificate || SSL_get_verify_result(stream_.native_handle()) != X509_V_OK) return;
    client_ = subject_of(certificate.get());
    client_sha256_ = fingerprint_of(certificate.get());
  }

  void read_head() {
    deadline();
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(impl_.limits.most_head));
    parser_->body_limit(boost::none);  // until the head is known
    bhttp::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](const ErrorCode& error, size_t) { error ? self->cannot_read(error) : self->take_head(); });
  }

  void take_head() {
    const auto& head = parser_->get();
    request_ = {};
    request_.method = std::string(head.method_string());
    request_.target = std::string(head.target());
    for (const auto& field : head) request_.headers.emplace_back(lower({field.name_string().data(), field.name_string().size()}), std::string(field.value()));
    request_.address = address_, request_.client = client_, request_.client_sha256 = client_sha256_;
    if (const int64_t wait = impl_.rate.wait_seconds(name_, system_clock().monotonic_ms())) {
      ApiResponse response = error_response(429, "too many requests from this address");
      response.headers.emplace_back("Retry-After", std::to_string(wait));
      return refuse(std::move(response));
    }
    const size_t most = impl_.body_limit(request_);
    const auto length = parser_->content_length();
    if (length && *length > most) return refuse(error_response(413, fmt::format("the body is larger than {} bytes", most)));
    parser_->body_limit(most);
    beast::iequals(head[bhttp::field::expect], "100-continue") ? invite_body() : read_body();
  }

  void invite_body() {
    continue_ = bhttp::response<bhttp::empty_body>(bhttp::status::continue_, 11);
    bhttp::async_write(stream_, continue_, [self = shared_from_this()](const ErrorCode& error, size_t) {
      if (!error) self->read_body();
    });
  }

  void read_body() {
    bhttp::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](const ErrorCode& error, size_t) { error ? self->cannot_read(error) : self->run_handler(); });
  }

  void cannot_read(const ErrorCode& error) {
    if (error == bhttp::error::end_of_stream || error == asio::ssl::error::stream_truncated || error == beast::error::timeout || error == asio::error::operation_aborted ||
        error == asio::error::connection_reset || error.category() == asio::error::get_ssl_category())
      return;
    if (error == bhttp::error::body_limit) return refuse(error_response(413, "the body is too large"));
    if (error == bhttp::error::header_limit) return refuse(error_response(431, fmt::format("the request's head is larger than {} bytes", impl_.limits.most_head)));
    refuse(error_response(400, "the request is malformed"));
  }

  // The rest of the request is not read, so the connection cannot go on.
  void refuse(ApiResponse response) {
    if (impl_.refused_log.may_write(system_clock().monotonic_ms())) log::warn("api_refused", {{"server", impl_.what}, {"address", address_}, {"status", response.status}});
    keep_alive_ = false;
    answer(std::move(response));
  }

  void run_handler() {
    beast::get_lowest_layer(stream_).expires_never();  // the handler takes the time that it takes
    keep_alive_ = parser_->get().keep_alive();
    request_.body = std::move(parser_->get().body());
    parser_.reset();
    asio::post(*impl_.handlers, [self = shared_from_this()] {
      auto response = std::make_shared<ApiResponse>(self->call_handler());
      asio::post(self->impl_.io, [self, response] { self->answer(std::move(*response)); });
    });
  }

  ApiResponse call_handler() {
    try {
      return impl_.handler(request_);
    } catch (const std::exception& e) {
      log::error("api_failed", {{"server", impl_.what}, {"method", json::clean_text(request_.method, 20)}, {"path", json::clean_text(request_.target.substr(0, request_.target.find('?')), 200)}, {"reason", e.what()}});
      return error_response(500, "the server has failed; its log says why");
    }
  }

  void answer(ApiResponse response) {
    {
      const std::lock_guard lock(impl_.mutex);
      ++impl_.answers[response.status];
    }
    keep_alive_ &= !impl_.stopping;
    response_ = {};
    response_.version(11);
    response_.result(response.status);
    response_.set(bhttp::field::content_type, response.content_type);
    response_.set(bhttp::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) response_.set(name, value);
    response_.keep_alive(keep_alive_);
    response_.body() = request_.method == "HEAD" ? std::string() : std::move(response.body);
    response_.prepare_payload();
    deadline();
    bhttp::async_write(stream_, response_, [self = shared_from_this()](const ErrorCode& error, size_t) {
      if (error) return;
      self->keep_alive_ ? self->read_head() : self->hang_up();
    });
  }

  // Whoever still sends must not lose the answer to a reset: it is told the end, and what comes is read for a moment and thrown away.
  void hang_up() {
    deadline();
    stream_.async_shutdown([self = shared_from_this()](const ErrorCode&) {
      ErrorCode ignored;
      beast::get_lowest_layer(self->stream_).socket().shutdown(tcp::socket::shutdown_send, ignored);
      self->swallow(16);
    });
  }
  void swallow(int more) {
    beast::get_lowest_layer(stream_).expires_after(std::chrono::seconds(1));
    buffer_.clear();
    beast::get_lowest_layer(stream_).async_read_some(buffer_.prepare(64 * 1024), [self = shared_from_this(), more](const ErrorCode& error, size_t) {
      if (!error && more > 0) self->swallow(more - 1);
    });
  }

  Impl& impl_;
  std::shared_ptr<asio::ssl::context> context_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  bhttp::response<bhttp::empty_body> continue_;
  bhttp::response<bhttp::string_body> response_;
  ApiRequest request_;
  std::string name_, address_, client_, client_sha256_;
  bool keep_alive_ = false;
};

void ApiServer::Impl::listen(const std::string& at) {
  const auto endpoint = net::Endpoint::parse(at, what + ".listen");
  FileHandle fd;
  try {
    fd = net::listen_on(endpoint, {.backlog = 128});
  } catch (const Error& e) {
    throw e.in(what + ".listen");
  }
  const int own = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
  if (own < 0) throw Error(Exit::io, fmt::format("{}.listen: {}", what, reason(errno)));
  acceptor.assign(endpoint.address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), own);
}

void ApiServer::Impl::accept() {
  if (accepting || stopping || connections >= limits.most_connections) return;
  accepting = true;
  acceptor.async_accept([this](const ErrorCode& error, tcp::socket socket) {
    accepting = false;
    took(error, std::move(socket));
  });
}

void ApiServer::Impl::took(const ErrorCode& error, tcp::socket socket) {
  if (stopping) return;
  if (error) {  // no descriptors left, or the client has gone: breathe, rather than spin
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([this](const ErrorCode&) { accept(); });
    return;
  }
  ErrorCode gone;
  const auto peer = socket.remote_endpoint(gone);
  if (!gone) {
    std::string name = rate_name(peer.address());
    if (by_address[name] < limits.most_per_address) {
      ++by_address[name], ++connections;
      socket.set_option(tcp::no_delay(true), gone);
      std::make_shared<Session>(*this, std::move(socket), std::move(name), peer.address().to_string())->start();
    } else if (refused_log.may_write(system_clock().monotonic_ms())) {
      log::warn("api_refused", {{"server", what}, {"address", peer.address().to_string()}, {"reason", "too many connections"}});
    }
  }
  accept();
}

void ApiServer::Impl::left(const std::string& name) {
  --connections;
  const auto found = by_address.find(name);
  if (found != by_address.end() && --found->second == 0) by_address.erase(found);
  accept();
}

ApiServer::ApiServer(const std::string& listen, const std::string& what, const ApiTls& tls, Handler handler, BodyLimit body_limit, const ApiLimits& limits)
    : impl_(std::make_unique<Impl>(what, std::move(handler), std::move(body_limit), limits)) {
  impl_->tls = make_context(tls, what);
  impl_->listen(listen);
}

ApiServer::~ApiServer() { stop(); }

void ApiServer::use(const ApiTls& tls) {
  auto fresh = make_context(tls, impl_->what);
  const std::lock_guard lock(impl_->mutex);
  impl_->tls = std::move(fresh);
}

std::string ApiServer::address() const { return net::Endpoint::of_socket(const_cast<tcp::acceptor&>(impl_->acceptor).native_handle()).text(); }

int64_t ApiServer::days_left() const {
  int days = 0, seconds = 0;
  const auto tls = impl_->current_tls();
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(SSL_CTX_get0_certificate(tls->native_handle()))) != 1) return 0;
  return seconds < 0 ? days - 1 : days;
}

std::map<unsigned, uint64_t> ApiServer::answers() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->answers;
}

void ApiServer::start() {
  impl_->handlers = std::make_unique<asio::thread_pool>(std::max(impl_->limits.handlers, 1u));
  impl_->accept();
  impl_->thread = std::thread([impl = impl_.get()] {
    const auto work = asio::make_work_guard(impl->io);
    impl->io.run();
  });
}

// Idle connections are cut; those whose answer is being made get it.
void ApiServer::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->io, [impl = impl_.get()] {
    impl->stopping = true;
    ErrorCode ignored;
    impl->acceptor.close(ignored);
    impl->pause.cancel();
  });
  const int64_t end = system_clock().monotonic_ms() + impl_->limits.drain_ms;
  std::thread watch([impl = impl_.get(), end] {
    while (system_clock().monotonic_ms() < end && !impl->io.stopped()) system_clock().sleep_ms(20);
    impl->io.stop();
  });
  impl_->handlers->join();  // what has begun and what waits behind it
  asio::post(impl_->io, [impl = impl_.get()] {
    auto timer = std::make_shared<asio::steady_timer>(impl->io, std::chrono::milliseconds(100));  // answers that were just made go out
    timer->async_wait([impl, timer](const ErrorCode&) { impl->io.stop(); });
  });
  impl_->thread.join();
  watch.join();
}

}  // namespace hh::http

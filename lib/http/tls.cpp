#include "http/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "crypto/base64url.h"
#include "crypto/digest.h"

namespace hh::http {
namespace {

template <auto f>
struct Call {
  template <class T>
  void operator()(T* p) const { f(p); }
};

std::string read_certificate(const std::string& path) {
  try {
    return read_file(path, 1u << 20);
  } catch (const Error& e) {
    throw Error(Exit::config, fmt::format("certificate: {}", e.what()));
  }
}

}  // namespace

std::string pin_of_certificate(const std::string& path) {
  const std::string pem = read_certificate(path);
  const std::unique_ptr<BIO, Call<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<X509, Call<X509_free>> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) throw Error(Exit::config, fmt::format("{} is no PEM certificate", path));
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  if (size <= 0) throw Error(Exit::config, fmt::format("the certificate {} has no public key", path));
  const crypto::Digest digest = crypto::sha256(BytesView(der, static_cast<size_t>(size)));
  OPENSSL_free(der);
  return "sha256//" + crypto::to_base64(BytesView(digest));
}

}  // namespace hh::http

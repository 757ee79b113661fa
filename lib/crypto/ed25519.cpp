#include "crypto/ed25519.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "crypto/base64url.h"
#include "crypto/digest.h"

namespace hh::crypto {
namespace {

template <auto f>
struct Call {
  template <class T>
  void operator()(T* p) const { f(p); }
};
using Bio = std::unique_ptr<BIO, Call<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Call<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Call<EVP_MD_CTX_free>>;

constexpr size_t max_key_file = 64u << 10;

[[noreturn]] void defect(const char* doing) { throw Error(Exit::software, fmt::format("OpenSSL cannot {}", doing)); }

template <class T>
T must(T pointer, const char* doing) {
  if (pointer == nullptr) defect(doing);
  return pointer;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const size_t begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

// A PEM that asks for a pass phrase must fail, not stop at a prompt.
int no_pass_phrase(char*, int, int, void*) { return -1; }

Bio reader(std::string_view text) { return Bio(must(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), "allocate")); }

std::string content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

// The JWK with its members in the order that RFC 7638 section 3.2 prescribes, hashed.
std::string thumbprint(const RawKey& raw) {
  return to_base64url(sha256(fmt::format(R"({{"crv":"Ed25519","kty":"OKP","x":"{}"}})", to_base64url(BytesView(raw)))));
}

RawKey raw_public(const EVP_PKEY* key) {
  RawKey raw;
  size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 || size != raw.size()) defect("read an Ed25519 public key");
  return raw;
}

Key public_handle(const RawKey& raw) {
  return Key(must(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size()), "load an Ed25519 public key"));
}

}  // namespace

VerifyKey::VerifyKey(const RawKey& raw) : raw_(raw), kid_(thumbprint(raw)) {}

VerifyKey VerifyKey::parse(std::string_view text, std::string_view what) {
  text = trim(text);
  if (text.starts_with("-----BEGIN")) {
    const Bio bio = reader(text);
    const Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_pass_phrase, nullptr));
    ERR_clear_error();
    if (!key) throw Error(Exit::data, fmt::format("{} is no PEM public key", what));
    if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) throw Error(Exit::data, fmt::format("{} is a public key of another kind than Ed25519", what));
    return VerifyKey(raw_public(key.get()));
  }
  const auto bytes = from_base64url(text);
  RawKey raw;
  if (!bytes || bytes->size() != raw.size())
    throw Error(Exit::data, fmt::format("{} is no Ed25519 public key: expected PEM or 43 characters of base64url", what));
  std::copy(bytes->begin(), bytes->end(), raw.begin());
  return VerifyKey(raw);
}

VerifyKey VerifyKey::load(const std::string& path) { return parse(read_file(path, max_key_file), path); }

std::string VerifyKey::base64url() const { return to_base64url(BytesView(raw_)); }

std::string VerifyKey::pem() const {
  const Bio bio(must(BIO_new(BIO_s_mem()), "allocate"));
  if (PEM_write_bio_PUBKEY(bio.get(), public_handle(raw_).get()) != 1) defect("write a public key");
  return content(bio.get());
}

bool VerifyKey::verify(BytesView message, BytesView signature) const {
  if (signature.size() != Signature().size()) return false;
  const Key key = public_handle(raw_);
  const Context context(must(EVP_MD_CTX_new(), "allocate"));
  const bool good = EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                    EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  ERR_clear_error();
  return good;
}

void SigningKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

SigningKey::SigningKey(Handle key) : key_(std::move(key)), public_(raw_public(key_.get())) {}

SigningKey SigningKey::generate() { return SigningKey(Handle(must(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), "generate an Ed25519 key"))); }

SigningKey SigningKey::from_seed(const RawKey& seed) {
  return SigningKey(Handle(must(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()), "load an Ed25519 key")));
}

SigningKey SigningKey::parse_pem(std::string_view pem, std::string_view what) {
  const Bio bio = reader(pem);
  Handle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  ERR_clear_error();
  if (!key) throw Error(Exit::config, fmt::format("{} is no unencrypted PEM private key (PKCS#8)", what));
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
    throw Error(Exit::config, fmt::format("{} is a key of another kind than Ed25519: make one with openssl genpkey -algorithm ed25519", what));
  return SigningKey(std::move(key));
}

SigningKey SigningKey::load(const std::string& reference, const std::string& setting) {
  struct Wiped {
    std::string text;
    ~Wiped() { wipe(text); }
  } pem{load_secret(reference, setting)};
  return parse_pem(pem.text, fmt::format("{} ({})", setting, reference));
}

void SigningKey::save_new(const std::string& path) const {
  // secmem: the buffer is wiped when it is freed, so the key's text is never left behind on the heap.
  const Bio bio(must(BIO_new(BIO_s_secmem()), "allocate"));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) defect("write a private key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  const FileHandle file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  try {
    write_all(file.get(), {data, static_cast<size_t>(size)}, path);
    sync_file(file.get(), path);
    sync_folder_of(path);
  } catch (const Error&) {
    ::unlink(path.c_str());
    throw;
  }
}

Signature SigningKey::sign(BytesView message) const {
  const Context context(must(EVP_MD_CTX_new(), "allocate"));
  Signature signature;
  size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1 || size != signature.size())
    defect("sign with Ed25519");
  return signature;
}

KeySet::KeySet(std::initializer_list<VerifyKey> keys) {
  for (const VerifyKey& key : keys) add(key);
}

void KeySet::add(const VerifyKey& key) { keys_.insert_or_assign(key.kid(), key); }

KeySet KeySet::load(const std::string& path) {
  constexpr std::string_view pem_end = "-----END PUBLIC KEY-----";
  const std::string text = read_file(path, max_key_file);
  std::string_view rest = text;
  KeySet set;
  while (!(rest = trim(rest)).empty()) {
    size_t end = rest.find('\n');
    if (rest.starts_with("-----BEGIN PRIVATE")) throw Error(Exit::data, fmt::format("{} holds a private key: give the public one", path));
    if (rest.starts_with("-----BEGIN")) {
      const size_t at = rest.find(pem_end);
      if (at == std::string_view::npos) throw Error(Exit::data, fmt::format("{}: a PEM public key without its last line", path));
      end = at + pem_end.size();
    }
    const std::string_view one = rest.substr(0, end);
    if (!one.starts_with('#')) set.add(VerifyKey::parse(one, path));
    rest.remove_prefix(one.size());
  }
  if (set.size() == 0) throw Error(Exit::data, fmt::format("{} holds no public key", path));
  return set;
}

const VerifyKey* KeySet::find(std::string_view kid) const {
  const auto at = keys_.find(kid);
  return at == keys_.end() ? nullptr : &at->second;
}

}  // namespace hh::crypto

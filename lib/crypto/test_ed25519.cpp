#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "crypto/base64url.h"
#include "crypto/ed25519.h"

using namespace hh;
using namespace hh::crypto;

namespace {

RawKey raw(std::string_view hex) {
  RawKey out;
  REQUIRE(from_hex(hex, out));
  return out;
}

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / ("hh-ed25519-" + std::to_string(::getpid()))).string();
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return path + "/" + name; }
};

Exit code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.code();
  }
  return Exit::ok;
}

struct Vector {
  const char *seed, *public_key, *message, *signature;
};
// RFC 8032 section 7.1, tests 1 to 3.
const Vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"}};

}  // namespace

TEST_CASE("Ed25519 gives the keys and signatures of RFC 8032", "[C032]") {
  for (const Vector& v : vectors) {
    const auto key = SigningKey::from_seed(raw(v.seed));
    const Bytes message = *from_hex(v.message);
    CHECK(to_hex(BytesView(key.public_key().raw())) == v.public_key);
    CHECK(to_hex(BytesView(key.sign(message))) == v.signature);
    CHECK(VerifyKey(raw(v.public_key)).verify(message, *from_hex(v.signature)));
  }
}

TEST_CASE("a changed message, signature or key does not verify", "[L021][L088]") {
  const auto key = SigningKey::generate();
  const Signature good = key.sign(as_bytes("pay alice"));
  REQUIRE(key.public_key().verify(as_bytes("pay alice"), good));
  CHECK_FALSE(key.public_key().verify(as_bytes("pay alicf"), good));
  CHECK_FALSE(SigningKey::generate().public_key().verify(as_bytes("pay alice"), good));
  for (size_t i = 0; i < good.size(); ++i) {
    Signature bad = good;
    bad[i] ^= 1;
    CHECK_FALSE(key.public_key().verify(as_bytes("pay alice"), bad));
  }
  CHECK_FALSE(key.public_key().verify(as_bytes("pay alice"), BytesView(good).first(63)));
  CHECK_FALSE(key.public_key().verify(as_bytes("pay alice"), {}));
}

TEST_CASE("kid is the thumbprint of RFC 8037 appendix A.3", "[C032]") {
  CHECK(VerifyKey::parse("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "key").kid() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST_CASE("keys go to disk and back: 0600, never over another key", "[C032]") {
  const Folder folder;
  const auto key = SigningKey::generate();
  const std::string path = folder.file("signer.pem");
  key.save_new(path);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(SigningKey::load(path, "signing_key").kid() == key.kid());
  CHECK(code_of([&] { SigningKey::generate().save_new(path); }) == Exit::cant_create);
  CHECK(SigningKey::load(path, "signing_key").kid() == key.kid());
  ::chmod(path.c_str(), 0644);
  CHECK(code_of([&] { SigningKey::load(path, "signing_key"); }) == Exit::config);
}

TEST_CASE("openssl(1) and we read each other's keys", "[C032]") {
  const Folder folder;
  const std::string theirs = folder.file("theirs.pem"), ours = folder.file("ours.pem"), pub = folder.file("pub.pem");
  REQUIRE(std::system(("umask 077; openssl genpkey -algorithm ed25519 -out " + theirs + " && openssl pkey -in " + theirs + " -pubout -out " + pub).c_str()) == 0);
  CHECK(VerifyKey::load(pub) == SigningKey::load(theirs, "k").public_key());
  const auto key = SigningKey::generate();
  key.save_new(ours);
  REQUIRE(std::system(("openssl pkey -in " + ours + " -pubout -out " + pub).c_str()) == 0);
  CHECK(read_file(pub) == key.public_key().pem());
}

TEST_CASE("keys of other kinds and damaged files are refused with a reason") {
  const Folder folder;
  const std::string rsa = folder.file("p256.pem");
  REQUIRE(std::system(("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out " + rsa + " && openssl pkey -in " + rsa + " -pubout -out " + rsa + ".pub").c_str()) == 0);
  CHECK_THROWS_WITH(SigningKey::parse_pem(read_file(rsa), "p256.pem"), Catch::Contains("another kind than Ed25519"));
  CHECK_THROWS_WITH(VerifyKey::load(rsa + ".pub"), Catch::Contains("another kind than Ed25519"));
  CHECK_THROWS_WITH(SigningKey::parse_pem("junk", "it"), Catch::Contains("it is no unencrypted PEM"));
  CHECK_THROWS_WITH(SigningKey::parse_pem("", "it"), Catch::Contains("it is no unencrypted PEM"));
  CHECK_THROWS_WITH(VerifyKey::parse("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "it"), Catch::Contains("it is no PEM public key"));
  CHECK_THROWS_WITH(VerifyKey::parse("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR", "it"), Catch::Contains("it is no Ed25519 public key"));
  CHECK_THROWS_WITH(VerifyKey::parse("", "it"), Catch::Contains("it is no Ed25519 public key"));
  const std::string encrypted = folder.file("encrypted.pem");
  REQUIRE(std::system(("openssl genpkey -algorithm ed25519 -aes256 -pass pass:abcd -out " + encrypted).c_str()) == 0);
  CHECK_THROWS_WITH(SigningKey::parse_pem(read_file(encrypted), "it"), Catch::Contains("unencrypted"));
}

TEST_CASE("a key set holds several keys, PEM or base64url, and finds them by kid", "[C032]") {
  const Folder folder;
  const auto a = SigningKey::generate(), b = SigningKey::generate(), c = SigningKey::generate();
  const std::string path = folder.file("trusted");
  write_file_durably(path, "# old\n" + a.public_key().pem() + "\n# new\n" + b.public_key().base64url() + "\n" + c.public_key().pem(), 0644);
  const KeySet set = KeySet::load(path);
  CHECK(set.size() == 3);
  for (const auto* key : {&a, &b, &c}) {
    REQUIRE(set.find(key->kid()) != nullptr);
    CHECK(*set.find(key->kid()) == key->public_key());
  }
  CHECK(set.find(SigningKey::generate().kid()) == nullptr);
  write_file_durably(path, "# nothing\n", 0644);
  CHECK(code_of([&] { KeySet::load(path); }) == Exit::data);
  write_file_durably(path, a.public_key().pem() + "rubbish\n", 0644);
  CHECK(code_of([&] { KeySet::load(path); }) == Exit::data);
  CHECK(code_of([&] { KeySet::load(folder.file("absent")); }) == Exit::no_input);
}

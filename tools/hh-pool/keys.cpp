#include "keys.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "json/fields.h"
#include "json/lines.h"
#include "json/strict.h"

namespace hh::pool {
namespace {

constexpr int64_t day_s = 86'400;
constexpr int64_t clock_skew_s = 3'600;  // miners whose clock is so much behind still take a certificate that was made just now

template <size_t n>
std::array<uint8_t, n> bytes_of(const json::Fields& f, const char* name) {
  std::array<uint8_t, n> out{};
  from_hex(f.hex_text(name, n), out);
  return out;
}

json::Json parse_secret(const std::string& reference, const std::string& setting, const char* type) {
  const std::string text = load_secret(reference, setting);
  try {
    json::Json j = json::parse(text);
    json::require_record(j, type);
    return j;
  } catch (const Error&) {  // its reason may show what is secret
    throw Error(Exit::config, fmt::format("{}: {} holds no {}: hh-pool keys makes it", setting, shown_reference(reference), type));
  }
}

void write_new_secret(const std::string& path, const json::Json& record) {
  const FileHandle file = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  write_all(file.get(), json::to_line(record) + "\n", path);
  sync_file(file.get(), path);
  sync_folder_of(path);
}

}  // namespace

PoolKeys load_keys(const std::string& reference, const std::string& setting) {
  const json::Json j = parse_secret(reference, setting, "sv2_pool_keys");
  try {
    const json::Fields f(j);
    PoolKeys k;
    const auto authority = stratum::parse_authority_key(f.text("authority"));
    if (!authority) throw Error(Exit::data, "the authority's key is none");
    k.authority = *authority;
    k.server.keys = stratum::key_pair(bytes_of<32>(f, "secret"), crypto::system_random());
    k.server.certificate = stratum::Certificate::from_bytes(bytes_of<stratum::Certificate::size>(f, "certificate"));
    // At the time of its own beginning: that it has ended is an alarm, not a reason to stop a pool that V1 miners use too.
    const std::string why = stratum::refuse_certificate(k.server.certificate, k.authority, k.server.keys.x, k.server.certificate.valid_from);
    if (!why.empty()) throw Error(Exit::data, why);
    return k;
  } catch (const Error& e) {
    throw Error(Exit::config, fmt::format("{}: {}: {}", setting, shown_reference(reference), e.what()));
  }
}

int64_t days_left(const PoolKeys& keys, int64_t unix_ms) {
  const int64_t seconds = int64_t{keys.server.certificate.not_valid_after} - unix_ms / 1000;
  return seconds >= 0 ? seconds / day_s : -((-seconds + day_s - 1) / day_s);
}

int make_authority(const std::string& file) {
  const stratum::KeyPair k = stratum::generate_key_pair(crypto::system_random());
  json::Json secret = json::make_record("sv2_authority_key");
  secret["secret"] = to_hex(k.secret);
  write_new_secret(file, secret);
  json::Json shown = json::make_record("sv2_authority");
  shown["authority"] = stratum::authority_key_text(k.x);
  json::print(shown);
  return 0;
}

int certify(const std::string& authority_file, int64_t days, const std::string& file) {
  const json::Json j = parse_secret(authority_file, "--authority", "sv2_authority_key");
  const auto secret = bytes_of<32>(json::Fields(j), "secret");
  if (!stratum::is_secret_key(secret)) throw Error(Exit::config, fmt::format("--authority: {} holds no secret key", shown_reference(authority_file)));
  const int64_t now = system_clock().unix_ms() / 1000;
  const stratum::KeyPair k = stratum::generate_key_pair(crypto::system_random());
  const auto certificate = stratum::sign_certificate(secret, k.x, static_cast<uint32_t>(now - clock_skew_s), static_cast<uint32_t>(now + days * day_s), crypto::system_random());
  json::Json keys = json::make_record("sv2_pool_keys");
  keys["authority"] = stratum::authority_key_text(stratum::public_x(secret));
  keys["secret"] = to_hex(k.secret);
  keys["certificate"] = to_hex(certificate.to_bytes());
  write_new_secret(file, keys);
  return show_keys(file);
}

int show_keys(const std::string& reference) {
  const PoolKeys k = load_keys(reference, "sv2.keys");
  const int64_t left = days_left(k, system_clock().unix_ms());
  json::Json r = json::make_record("sv2_keys");
  r["authority"] = k.authority_text();
  r["public"] = to_hex(k.server.keys.x);
  r["valid_from"] = k.server.certificate.valid_from;
  r["not_valid_after"] = k.server.certificate.not_valid_after;
  r["days_left"] = left;
  json::print(r);
  return left < 0 ? 1 : 0;
}

}  // namespace hh::pool

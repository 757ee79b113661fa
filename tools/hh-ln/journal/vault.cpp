#include "journal/vault.h"

#include <fmt/format.h>

#include "base/error.h"
#include "crypto/base64url.h"
#include "crypto/digest.h"

namespace hh::ln {
namespace {

constexpr std::string_view mark = "sealed:1:";
constexpr std::string_view key_place = "hh-ln journal, data key";

std::string place_of(std::string_view column, std::string_view row) { return fmt::format("hh-ln journal, {}, {}", column, row); }

}  // namespace

crypto::AesGcm::Key journal_key_from(std::string_view secret) {
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r' || secret.back() == ' ')) secret.remove_suffix(1);
  crypto::AesGcm::Key key{};
  if (secret.size() != 2 * key.size() || !from_hex(secret, key))
    throw Error(Exit::config, "journal_key: the secret is not a key of 64 hex digits; `openssl rand -hex 32` makes one");
  return key;
}

Vault Vault::with_new_key(const crypto::AesGcm::Key& operators_key) {
  Vault v;
  Bytes bytes = crypto::system_random().bytes(32);
  crypto::AesGcm::Key key{};
  std::copy(bytes.begin(), bytes.end(), key.begin());
  v.data_key_.emplace(key);
  v.wrapped_ = std::string(mark) + crypto::to_base64url(crypto::AesGcm(operators_key).seal(key, as_bytes(key_place)));
  crypto::wipe(bytes);
  crypto::wipe(key);
  return v;
}

Vault Vault::unwrap(const std::string& wrapped, const crypto::AesGcm::Key& operators_key) {
  const auto bytes = wrapped.starts_with(mark) ? crypto::from_base64url(std::string_view(wrapped).substr(mark.size())) : std::nullopt;
  auto opened = bytes ? crypto::AesGcm(operators_key).open(*bytes, as_bytes(key_place)) : std::nullopt;
  if (!opened || opened->size() != std::tuple_size_v<crypto::AesGcm::Key>) throw Error(Exit::config, "journal_key is not the key of this journal: give the one that it was sealed with");
  crypto::AesGcm::Key key{};
  std::copy(opened->begin(), opened->end(), key.begin());
  Vault v;
  v.data_key_.emplace(key);
  v.wrapped_ = wrapped;
  crypto::wipe(*opened);
  crypto::wipe(key);
  return v;
}

std::string Vault::seal(std::string_view column, std::string_view row, const std::string& text) const {
  if (!data_key_ || text.empty()) return text;
  return std::string(mark) + crypto::to_base64url(data_key_->seal(as_bytes(text), as_bytes(place_of(column, row))));
}

std::string Vault::open(std::string_view column, std::string_view row, const std::string& stored) const {
  const bool sealed = stored.starts_with(mark);
  if (stored.empty() || (!data_key_ && !sealed)) return stored;
  if (!data_key_) throw Error(Exit::config, "the journal is sealed: set journal_key");
  const auto bytes = sealed ? crypto::from_base64url(std::string_view(stored).substr(mark.size())) : std::nullopt;
  const auto opened = bytes ? data_key_->open(*bytes, as_bytes(place_of(column, row))) : std::nullopt;
  if (!opened) throw Error(Exit::data, fmt::format("the journal's {} of row {} is not what was written there: the file was changed", column, row));
  return std::string(as_text(*opened));
}

std::optional<std::string> Vault::seal(std::string_view column, std::string_view row, const std::optional<std::string>& text) const {
  return text ? std::optional(seal(column, row, *text)) : std::nullopt;
}

std::optional<std::string> Vault::open(std::string_view column, std::string_view row, const std::optional<std::string>& stored) const {
  return stored ? std::optional(open(column, row, *stored)) : std::nullopt;
}

}  // namespace hh::ln

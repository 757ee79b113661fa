// What of the journal is sealed: destinations, invoices, payees, the manifests that have them, what services answered, and the keysend secret from which preimages
// of unpaid lines follow. [L072]
//
// Each text is sealed with AES-256-GCM under the journal's own data key and bound to table, row and column, so that it can be neither read nor put elsewhere by who
// has only the file. The data key is random, and stands in the journal sealed under the operator's key (setting journal_key). Hashes, amounts, states and
// the preimages of PAID lines, which are receipts, stay in clear: the tables' rules and the auditors need them.
// Without a key everything is in clear, as it always was. A sealed journal takes no text in clear: who can write the file could otherwise put another destination.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/aes_gcm.h"

namespace hh::ln {

using JournalKey = std::optional<crypto::AesGcm::Key>;

// The key that a secret's text is: 64 hex digits. Throws Error(config) that says how to make one.
crypto::AesGcm::Key journal_key_from(std::string_view secret);

class Vault {
 public:
  Vault() = default;  // in clear
  // A new data key for a new journal, or a rotation; wrapped() is to be stored.
  static Vault with_new_key(const crypto::AesGcm::Key& operators_key);
  // Throws Error(config) where the key is another one.
  static Vault unwrap(const std::string& wrapped, const crypto::AesGcm::Key& operators_key);

  bool is_sealing() const { return data_key_.has_value(); }
  const std::string& wrapped() const { return wrapped_; }
  // column: "lines.note"; row: its key, as text. No text is sealed as no text.
  std::string seal(std::string_view column, std::string_view row, const std::string& text) const;
  // Throws Error(data) where it was changed or moved, Error(config) where it is sealed and there is no key.
  std::string open(std::string_view column, std::string_view row, const std::string& stored) const;
  std::optional<std::string> seal(std::string_view column, std::string_view row, const std::optional<std::string>& text) const;
  std::optional<std::string> open(std::string_view column, std::string_view row, const std::optional<std::string>& stored) const;

 private:
  std::optional<crypto::AesGcm> data_key_;
  std::string wrapped_;
};

}  // namespace hh::ln

// Who may ask the service for what: bearer tokens with roles, and one-time codes for what changes something. [L044, L073]
//
// Kept in a database of its own beside the journal (DB.access), so that tokens can be made and revoked while the service runs, and a copy of the journal
// for an auditor has none. A token is 256 random bits; what is stored is its SHA-256. A slow hash such as argon2 is for passwords, which can be
// guessed; 2^256 tokens cannot, with whatever hash, so a fast one loses nothing and lets no stranger burn our time. The secret of the one-time
// codes has to be stored as it is, because the code is computed from it: the file is private (mode 0600), and the code alone opens nothing.
//
// Roles have the least that their work needs; hh-ln-api(7) has the table:
//   auditor    reads everything, proofs too, and changes nothing
//   ops        reads without proofs (a preimage is a receipt, and until it is published somebody else's money); pauses and resumes
//   treasurer  reads everything; pauses, resumes, holds and releases; rebalances and sets the policy of channels
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/random.h"
#include "store/sqlite.h"

namespace hh::ln {

enum class Role { treasurer, auditor, ops };
const char* role_name(Role role);
std::optional<Role> role_from_name(std::string_view name);

inline constexpr int64_t most_wrong_codes = 20;

enum class Right { read, read_proofs, pause, decide, channels };  // decide: hold and release; channels: rebalance and policy
bool may(Role role, Right right);

struct Token {
  int64_t id = 0;
  std::string name;   // of the person or program; several tokens may have it (rotation)
  Role role = Role::auditor;
  int64_t created_ms = 0, expires_ms = 0;
  std::optional<int64_t> revoked_ms;
  bool has_totp = false;
  bool is_valid(int64_t now_ms) const { return !revoked_ms && now_ms < expires_ms; }
};

// What is shown once.
struct NewToken {
  Token token;
  std::string secret;   // "hhln_…"
  std::string otpauth;  // "": its role changes nothing, or the name keeps its old one
};

class Access {
 public:
  // Makes the file where there is none.
  Access(const std::string& path, Clock& clock = system_clock(), crypto::RandomSource& random = crypto::system_random());
  // Throws Error(data) where the name is bad (1 … 64 of a-z 0-9 . _ -) or has a valid token.
  NewToken add(const std::string& name, Role role, int64_t lifetime_ms);
  // Another token for the same name, role and one-time secret; the old ones end after overlap_ms. Throws Error(data) where the name has no valid token.
  NewToken rotate(const std::string& name, int64_t lifetime_ms, int64_t overlap_ms);
  // Ends all tokens of the name; how many there were.
  int64_t revoke(const std::string& name);
  std::vector<Token> list();
  // The token whose secret this is, if it is valid now.
  std::optional<Token> find(std::string_view secret);
  // Whether this is the name's one-time code now. Each code counts once, also across restarts and between two requests at the same time. After most_wrong_codes that
  // were wrong, with no right one between them, none is taken for this secret until the next start: whoever has a token only does not guess the code in the long run.
  bool take_code(const Token& token, std::string_view code);

 private:
  NewToken insert(const std::string& name, Role role, int64_t lifetime_ms);
  std::optional<Token> valid(const std::string& name);
  std::string path_;
  Clock& clock_;
  crypto::RandomSource& random_;
  store::Database db_;
  std::map<std::string, int64_t> wrong_codes_;  // by the secret, of those in a row
};

}  // namespace hh::ln

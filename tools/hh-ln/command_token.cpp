// hh-ln token: who may ask the HTTPS interface for what. Works whether or not the service runs: it looks into the same file at each request.
#include <fmt/format.h>

#include "base/error.h"
#include "commands.h"
#include "json/fields.h"
#include "json/lines.h"
#include "service/access.h"
#include "service/settings.h"

namespace hh::ln {
namespace {

constexpr int64_t day_ms = 86'400'000, minute_ms = 60'000;

json::Json record_of(const Token& t) {
  json::Json r = json::make_record("token");
  r["id"] = t.id;
  r["name"] = t.name;
  r["role"] = role_name(t.role);
  r["created_ms"] = t.created_ms;
  r["expires_ms"] = t.expires_ms;
  if (t.revoked_ms) r["revoked_ms"] = *t.revoked_ms;
  r["valid"] = t.is_valid(system_clock().unix_ms());
  return r;
}

// The one time at which secrets are on standard output: whoever makes a token has to get it.
int print_new(const NewToken& n) {
  json::Json r = record_of(n.token);
  r["token"] = n.secret;
  if (!n.otpauth.empty()) r["otpauth"] = n.otpauth;
  json::print(r);
  return 0;
}

}  // namespace

int token_add_command(const Settings& settings, const std::string& name, const std::string& role, int64_t days) {
  const auto r = role_from_name(role);
  if (!r) throw Error(Exit::usage, fmt::format("--role: \"{}\" is none of treasurer, auditor, ops", role));
  return print_new(Access(access_path(settings)).add(name, *r, days * day_ms));
}

int token_rotate_command(const Settings& settings, const std::string& name, int64_t days, int64_t overlap_minutes) {
  return print_new(Access(access_path(settings)).rotate(name, days * day_ms, overlap_minutes * minute_ms));
}

int token_revoke_command(const Settings& settings, const std::string& name) {
  Access access(access_path(settings));
  if (access.revoke(name) == 0) throw Error(Exit::data, fmt::format("{} has no valid token", name));
  for (const Token& t : access.list())
    if (t.name == name) json::print(record_of(t));
  return 0;
}

int token_list_command(const Settings& settings) {
  for (const Token& t : Access(access_path(settings)).list()) json::print(record_of(t));
  return 0;
}

}  // namespace hh::ln

// Stratum V2's keys: the authority, whose public key miners have in the pool's address, and the pool's own key with the certificate that the authority
// gave it for some time. [sv2-spec: 4.5.3, 4.7] [C124]
//
// The authority's secret is needed only where certificates are made, best on another machine: `hh-pool keys authority` makes it and `hh-pool keys certify`
// uses it. What a pool needs is the file that certify writes. Both are JSON, mode 0600, and never replaced by these commands.
#pragma once
#include <cstdint>
#include <string>

#include "stratum/noise_filter.h"

namespace hh::pool {

inline constexpr int64_t keys_alarm_days = 14;

struct PoolKeys {
  stratum::ServerKeys server;
  stratum::XOnly authority{};
  std::string authority_text() const { return stratum::authority_key_text(authority); }
};
// reference: as load_secret takes it; setting names it in errors. Throws Error(config) where it is no such file or the certificate is not the authority's.
PoolKeys load_keys(const std::string& reference, const std::string& setting);
// Until the certificate ends; negative: it has ended.
int64_t days_left(const PoolKeys& keys, int64_t unix_ms);

// The commands. Throw Error(cant_create) where the file exists, Error(usage) for days out of range.
int make_authority(const std::string& file);
int certify(const std::string& authority, int64_t days, const std::string& file);
int show_keys(const std::string& reference);

}  // namespace hh::pool

// The commands of hh-ln. Each takes the settings and what its own options gave, prints records, and returns the exit code.
#pragma once
#include <memory>
#include <string>

#include "backends/backend.h"
#include "base/config.h"

namespace hh::ln {

// What `settle` and `audit` need to reach the wallet. Throws Error(config).
std::unique_ptr<Backend> make_backend(const Settings& settings);

int settle_command(const Settings& settings, const std::string& manifest, bool dry_run);
int status_command(const Settings& settings, const std::string& manifest_id, bool json);
int audit_command(const Settings& settings);
int acknowledge_command(const Settings& settings, const std::string& hash, bool all, const std::string& reason);
int invoices_command(const Settings& settings, const std::string& manifest_id);
int reissue_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& invoice, const std::string& reason);
int hold_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& reason);
int release_command(const Settings& settings, const std::string& manifest_id, int64_t line);
int fail_command(const Settings& settings, const std::string& manifest_id, int64_t line, bool force, const std::string& reason);
int migrate_command(const Settings& settings);

}  // namespace hh::ln

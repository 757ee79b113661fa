// The commands of hh-ln. Each takes the settings and what its own options gave, prints records, and returns the exit code.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "backends/backend.h"
#include "base/config.h"
#include "journal/journal.h"

namespace hh::ln {

// Reads what is needed to reach the wallet, secrets too, once; each call of what it returns makes a backend with connections of its own. Throws Error(config).
std::function<std::unique_ptr<Backend>()> backend_maker(const Settings& settings);
std::unique_ptr<Backend> make_backend(const Settings& settings);  // one of them
void print_foreign(const std::string& node, const Foreign& payment);

int settle_command(const Settings& settings, const std::string& manifest, bool dry_run);
int status_command(const Settings& settings, const std::string& manifest_id, bool json);
int held_command(const Settings& settings, const std::string& manifest_id, bool json);
int batches_command(const Settings& settings, const std::string& manifest_id);
int decisions_command(const Settings& settings, const std::string& manifest_id);
int audit_command(const Settings& settings);
int acknowledge_command(const Settings& settings, const std::string& hash, bool all, const std::string& reason);
int invoices_command(const Settings& settings, const std::string& manifest_id);
int reissue_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& invoice, const std::string& reason);
int hold_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& reason);
int release_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& reason);
int revoke_command(const Settings& settings, const std::string& manifest_id, const std::string& reason);
int reconcile_command(const Settings& settings, const std::string& reason);
int fail_command(const Settings& settings, const std::string& manifest_id, int64_t line, bool force, const std::string& reason);
int migrate_command(const Settings& settings);

}  // namespace hh::ln

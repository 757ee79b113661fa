// The commands of hh-ln. Each takes the settings and what its own options gave, prints records, and returns the exit code.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "backends/backend.h"
#include "base/config.h"
#include "crypto/ed25519.h"
#include "journal/journal.h"
#include "json/strict.h"

namespace hh::ln {

// Reads what is needed to reach the wallet, secrets too, once; each call of what it returns makes a backend with connections of its own. Throws Error(config).
std::function<std::unique_ptr<Backend>()> backend_maker(const Settings& settings);
std::unique_ptr<Backend> make_backend(const Settings& settings);  // one of them
// Those that may sign manifests. Throws Error(config, no_input).
crypto::KeySet load_keys(const Settings& settings);
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
// hh-ln onchain …
int onchain_plan_command(const Settings& settings, const std::string& manifest_id);
int onchain_pay_command(const Settings& settings, const std::string& manifest_id);
int onchain_follow_command(const Settings& settings);
int onchain_list_command(const Settings& settings);
int onchain_address_command(const Settings& settings, const std::string& manifest_id, int64_t line, const std::string& address, const std::string& reason);
// What `hh-ln onchain follow` does, without printing, any number of times; settings are read once. Throws Error(config) where the wallet cannot pay on chain.
std::function<void()> onchain_follower(const Settings& settings);
int onchain_bump_command(const Settings& settings, const std::string& txid, int64_t sat_per_vbyte, int64_t budget_sat);
int rotate_key_command(const Settings& settings, const std::string& to);
int migrate_command(const Settings& settings);

// service/: commands that write into the journal, by name, with their options as JSON: what the service runs for a command line that finds it at work.
using Writers = std::map<std::string, std::function<int(const json::Json& options)>>;
int serve_command(Settings& settings, const std::string& input, const Writers& writers);
// Has the service run the command where one is at work on this journal, else runs it here.
int write_command(const Settings& settings, const std::string& name, const json::Json& options, const Writers& writers);
int pause_command(const Settings& settings, const std::string& reason);
int resume_command(const Settings& settings, const std::string& reason);
int report_command(const Settings& settings, const std::string& day, const std::string& format);
int verify_report_command(const Settings& settings, const std::string& file, const std::string& signer);
int events_command(const Settings& settings, const std::string& day);
int token_add_command(const Settings& settings, const std::string& name, const std::string& role, int64_t days);
int token_rotate_command(const Settings& settings, const std::string& name, int64_t days, int64_t overlap_minutes);
int token_revoke_command(const Settings& settings, const std::string& name);
int token_list_command(const Settings& settings);

}  // namespace hh::ln

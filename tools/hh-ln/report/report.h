// Daily reports: what was paid, at what fees, and what failed, on one day (UTC), each row with its row in the journal, and signed. [L030, L064]
//
// A report is the rows, and one last line that sums them up: the record `payment_report`, with the SHA-256 of all bytes before it and an Ed25519 signature over
// the rest of itself. So one file is all that has to be kept, the rows can be read with any tool, and whoever has the signer's public key can see
// years later that nothing was changed. In CSV the last line begins with '#', which readers of CSV take for a comment when they are told so.
//
// Rows are the journal's own events, which are never changed or deleted: a day that is over has the same report whenever it is made, but for the
// time of its signature.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "crypto/ed25519.h"
#include "json/strict.h"
#include "store/sqlite.h"

namespace hh::ln {

inline constexpr const char* report_typ = "hh-report+jws";

struct EventRange {
  int64_t from_ms = 0, to_ms = INT64_MAX;  // unix; to: the first that is too late
  bool ends_only = false;                  // only those into PAID and FAILED_SAFE
};
// payment_event records, oldest first: those over Lightning, then those on chain, a record for each line of a transaction.
void each_event(store::Database& journal, const EventRange& range, const std::function<void(const json::Json& record)>& each);

struct Day {
  std::string text;  // 2026-11-24
  int64_t begin_ms = 0, end_ms = 0;
};
Day parse_day(const std::string& text);  // throws Error(usage)

enum class ReportFormat { json, csv };
// The whole text. now: unix seconds.
std::string make_report(store::Database& journal, const Day& day, ReportFormat format, const crypto::SigningKey& key, int64_t now);

// Whether it is what the signer made, and its sums are those of its rows. Returns the payment_report record; throws Error(data, no_permission) with the reason.
json::Json verify_report(std::string_view text, const crypto::KeySet& signers);
// Whether the journal has each of its rows. Throws Error(data) naming the first that it has not.
void compare_report(std::string_view text, store::Database& journal);

}  // namespace hh::ln

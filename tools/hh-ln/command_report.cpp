// hh-ln report and events: what auditors get.
#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "commands.h"
#include "writing.h"
#include "json/fields.h"
#include "json/lines.h"
#include "report/report.h"
#include "writing.h"

namespace hh::ln {
namespace {

void print_text(const std::string& text) { json::print_line(std::string_view(text).substr(0, text.size() - 1)); }

}  // namespace

int report_command(const Settings& settings, const std::string& day, const std::string& format) {
  if (format != "json" && format != "csv") throw Error(Exit::usage, fmt::format("--format: \"{}\" is neither json nor csv", format));
  const Day d = parse_day(day);
  const auto key = crypto::SigningKey::load(settings.required("report.key"), "report.key");
  Journal journal(settings.required("db"), false, journal_key(settings));
  print_text(make_report(journal.database(), d, format == "csv" ? ReportFormat::csv : ReportFormat::json, key, system_clock().unix_seconds()));
  return 0;
}

int verify_report_command(const Settings& settings, const std::string& file, const std::string& signer) {
  if (signer.empty()) throw Error(Exit::usage, "--verify needs --signer: the public key of whoever signs reports, base64url or a file");
  crypto::KeySet signers;
  if (std::filesystem::exists(signer))
    signers = crypto::KeySet::load(signer);
  else
    signers.add(crypto::VerifyKey::parse(signer, "--signer"));
  const std::string text = read_file(file, 1u << 30);
  const json::Json last = verify_report(text, signers);
  if (settings.is_set("db")) {
    Journal journal(settings.text("db"), false, journal_key(settings));
    compare_report(text, journal.database());
  }
  json::Json r = json::make_record("verified");
  r["what"] = fmt::format("report of {}{}", json::Fields(last).text("day"), settings.is_set("db") ? ", row by row in the journal" : "");
  r["ok"] = true;
  json::print(r);
  return 0;
}

int events_command(const Settings& settings, const std::string& day) {
  Journal journal(settings.required("db"), false, journal_key(settings));
  EventRange range;
  if (!day.empty()) {
    const Day d = parse_day(day);
    range.from_ms = d.begin_ms, range.to_ms = d.end_ms;
  }
  each_event(journal.database(), range, [](const json::Json& record) { json::print(record); });
  return 0;
}

}  // namespace hh::ln

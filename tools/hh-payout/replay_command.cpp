// hh-payout replay.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/file.h"
#include "base/terminal.h"
#include "commands.h"
#include "input.h"
#include "json/fields.h"
#include "json/lines.h"
#include "payout/explain.h"
#include "payout/replay.h"

namespace hh::payout {
namespace {

constexpr size_t max_share_line = 1u << 20;
constexpr uint64_t lines_between_progress = 4096;

records::Round read_closed_round(const std::string& path) {
  auto record = read_round_or_cycle(path);
  if (auto* round = std::get_if<records::Round>(&record)) return std::move(*round);
  throw Error(Exit::data, fmt::format("{}: a cycle has no shares to replay", path));
}

records::Round replay_shares(const std::string& path, const records::Round& round) {
  const FileHandle file = path == standard_input ? FileHandle(::dup(STDIN_FILENO)) : open_file(path, O_RDONLY);
  json::LineReader reader(file.get(), path == standard_input ? "standard input" : path, max_share_line);
  Replay replay(round);
  Progress progress("replaying shares", round.shares);
  std::string_view line;
  while (reader.next(line)) {
    try {
      replay.add_line(line);
    } catch (const Error& e) {
      throw e.in(reader.where());
    }
    if (reader.number() % lines_between_progress == 0) progress.update(replay.shares());
  }
  try {
    return replay.finish();
  } catch (const Error& e) {
    throw e.in(reader.name());
  }
}

int compare(const Payout& replayed, const Manifest& given) {
  const std::string bytes = manifest_bytes(replayed);
  if (bytes != given.bytes)
    throw Error(Exit::data, fmt::format("the manifest is not the one that these shares, round and policy give: {}", first_difference(replayed, given.payout)));
  json::Json record = json::make_record("verified");
  record["what"] = fmt::format("manifest {} of round {}: {} shares", given.id, replayed.number, replayed.shares);
  record["ok"] = true;
  json::print(record);
  return 0;
}

}  // namespace

int replay(const Options& o, const Settings& s) {
  if (o.shares == standard_input && (o.round_record == standard_input || o.manifest == standard_input))
    throw Error(Exit::usage, "only one of --shares, --round-record and --manifest can be standard input");
  if (o.round_record == standard_input && o.manifest == standard_input)
    throw Error(Exit::usage, "only one of --shares, --round-record and --manifest can be standard input");
  const records::Round round = read_closed_round(o.round_record);
  require_chain(s, round.chain);
  const Policy policy = policy_of(s);
  compute_round(round, policy);  // refuses what cannot be paid before reading millions of shares
  const Payout replayed = compute_round(replay_shares(o.shares, round), policy);
  if (!o.manifest.empty()) return compare(replayed, read_payout(o.manifest).manifest);
  json::print_line(manifest_bytes(replayed));
  return 0;
}

}  // namespace hh::payout

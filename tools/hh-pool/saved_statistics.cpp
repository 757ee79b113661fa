#include "saved_statistics.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <iterator>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"
#include "json/fields.h"
#include "json/lines.h"

namespace hh::pool {
namespace {

using json::Json;

std::string decimal(Uint128 n) { return bitcoin::Work(n).to_text(); }

Uint128 number(const Json& value) {
  const auto w = value.is_string() ? bitcoin::Work::from_text(value.get<std::string>()) : std::nullopt;
  if (!w) throw Error(Exit::data, "a number is not one");
  return w->hashes();
}

std::string text_of_hex(const json::Fields& f, const char* name) {
  const Bytes b = f.hex(name);
  return std::string(b.begin(), b.end());
}

void put_tally(std::string& out, const Tally& t) { fmt::format_to(std::back_inserter(out), "[{},\"{}\"]", t.shares, decimal(t.work)); }
Tally tally(const Json& value) {
  if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned()) throw Error(Exit::data, "a tally is not one");
  return {value[0].get<uint64_t>(), number(value[1])};
}

}  // namespace

// Put together by hand: a handover writes a hundred thousand of these while miners wait. Nothing in it needs escaping.
std::string to_line(const Statistics::Saved& s) {
  std::string out = fmt::format(R"({{"type":"statistics","v":1,"miner":"{}","worker":"{}","first_seen_ms":{},"last_share_ms":{},"as_of_s":{},"accepted":)",
                                to_hex(as_bytes(s.miner)), to_hex(as_bytes(s.worker)), s.first_seen_ms, s.last_share_ms, s.faded_s);
  put_tally(out, s.accepted);
  const char* separator = ",\"rejected\":[";
  for (const Tally& t : s.refused) {
    out += std::exchange(separator, ",");
    put_tally(out, t);
  }
  fmt::format_to(std::back_inserter(out), R"(],"best":"{:016x}{:016x}")", static_cast<uint64_t>(s.best >> 64), static_cast<uint64_t>(s.best));
  separator = ",\"sums\":[\"";
  for (const Uint128 sum : s.sums) out.append(std::exchange(separator, "\",\"")).append(decimal(sum));
  return out + "\"]}\n";
}

Statistics::Saved parse_saved(const Json& r) {
  json::require_record(r, "statistics");
  const json::Fields f(r);
  Statistics::Saved s;
  s.miner = text_of_hex(f, "miner");
  s.worker = text_of_hex(f, "worker");
  s.first_seen_ms = f.integer("first_seen_ms");
  s.last_share_ms = f.integer("last_share_ms");
  s.faded_s = f.integer("as_of_s");
  s.accepted = tally(r.at("accepted"));
  const Json &refused = f.array("rejected"), &sums = f.array("sums");
  if (refused.size() != s.refused.size() || sums.size() != s.sums.size()) throw Error(Exit::data, "a list has another length");
  for (size_t i = 0; i < s.refused.size(); ++i) s.refused[i] = tally(refused[i]);
  s.best = 0;
  const auto best = from_hex(f.hex_text("best", 16));
  for (const uint8_t byte : *best) s.best = s.best << 8 | byte;
  for (size_t i = 0; i < s.sums.size(); ++i) s.sums[i] = number(sums[i]);
  return s;
}

bool restore(Statistics& to, const std::string& path, std::string& why) {
  why.clear();
  if (::access(path.c_str(), F_OK) != 0) return false;
  try {
    std::vector<Statistics::Saved> all;
    const FileHandle file = open_file(path, O_RDONLY);
    json::LineReader reader(file.get(), path);
    json::for_each_record(reader, [&](const Json& record, const std::string&) { all.push_back(parse_saved(record)); });
    if (all.empty() || reader.is_torn()) throw Error(Exit::data, path + ": its end is missing");
    for (const auto& s : all) to.restore(s);
    return true;
  } catch (const std::exception& e) {
    why = e.what();
    return false;
  }
}

}  // namespace hh::pool

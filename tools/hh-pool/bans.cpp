#include "bans.h"

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/replace_file.h"
#include "json/fields.h"
#include "json/lines.h"
#include "status.h"

namespace hh::pool {
namespace {

constexpr size_t longest_address = 64, longest_reason = 32;
constexpr int64_t most_times = 1'000'000;
constexpr const char* by_operator = "operator";

}  // namespace

std::string ban_line(const Ban& b) {
  json::Json r = json::make_record("ban");
  r["address"] = b.address.text();
  r["reason"] = b.reason ? name(*b.reason) : by_operator;
  r["until_ms"] = b.until_ms;
  r["times"] = b.times;
  return json::to_line(r) + "\n";
}

Ban parse_ban(const json::Json& r) {
  json::require_record(r, "ban");
  const json::Fields f(r);
  const std::string reason = f.text("reason", longest_reason);
  const auto offence = offence_from(reason);
  if (!offence && reason != by_operator) throw Error(Exit::data, "reason is unknown");
  const auto times = static_cast<uint32_t>(f.integer("times", 1, most_times));
  try {
    return {net::AddressRange::parse(f.text("address", longest_address), "address"), offence, f.integer("until_ms"), times};
  } catch (const Error& e) {
    throw Error(Exit::data, e.what());
  }
}

Table bans_table() { return Table({"address", "reason", ">ends in", ">times"}); }

void add_ban_row(Table& table, const json::Json& r, int64_t now_ms) {
  const Ban b = parse_ban(r);
  table.add({b.address.text(), b.reason ? name(*b.reason) : by_operator, duration_text(std::max<int64_t>(0, b.until_ms - now_ms) / 1000), std::to_string(b.times)});
}

std::string bans_path(const std::string& spool) { return spool + ".bans"; }

void keep_bans(const std::vector<Ban>& bans, const std::string& path) {
  std::string text;
  for (const Ban& b : bans) text += ban_line(b);
  replace_file(path, text, 0640);
}

bool restore_bans(Guard& guard, const std::string& path, std::string& why) {
  why.clear();
  if (::access(path.c_str(), F_OK) != 0) return false;
  try {
    std::vector<Ban> all;
    json::for_each_record(path, [&](const json::Json& record, const std::string&) { all.push_back(parse_ban(record)); });
    for (const Ban& b : all) guard.restore(b);
    return true;
  } catch (const std::exception& e) {
    why = e.what();
    return false;
  }
}

}  // namespace hh::pool

#include "records/common.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "json/fields.h"

namespace hh::records {
namespace {

[[noreturn]] void bad(const char* field, std::string_view must) { throw Error(Exit::data, fmt::format("field \"{}\" must be {}", field, must)); }

bool is_printable_word(std::string_view s) {
  return !s.empty() && s.size() <= max_name && std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string_view name(FeeTo f) { return f == FeeTo::coinbase ? "coinbase" : "manifest"; }

std::vector<Cut> parse_cuts(const Json& array) {
  std::vector<Cut> cuts;
  for (const Json& item : array) {
    const json::Fields f(item);
    Cut c{source_field(f), seq_field(f, "first_seq"), static_cast<uint64_t>(f.integer("last_seq", 0, static_cast<int64_t>(max_seq)))};
    if (c.last_seq + 1 < c.first_seq) bad("last_seq", "at least first_seq - 1");
    if (!cuts.empty() && cuts.back().source >= c.source) bad("cuts", "sorted by source, each source once");
    cuts.push_back(std::move(c));
  }
  return cuts;
}

Json to_json(const std::vector<Cut>& cuts) {
  Json array = Json::array();
  for (const Cut& c : cuts) array.push_back(Json{{"source", c.source}, {"first_seq", c.first_seq}, {"last_seq", c.last_seq}});
  return array;
}

bool is_miner_name(std::string_view text) { return is_printable_word(text); }
bool is_source_name(std::string_view text) { return is_printable_word(text); }
bool is_worker_name(std::string_view text) {  // that it is UTF-8 is the JSON reader's business
  return text.size() <= max_name && std::none_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
}

Network chain_field(const json::Fields& f) {
  if (auto n = bitcoin::network_from_name(f.text("chain", 16))) return *n;
  bad("chain", "main, testnet4, signet, regtest or dev");
}

std::optional<Sat> treasury_keeps_field(const json::Fields& f, Sat reward) {
  if (f.has("subsidy_to") != f.has("treasury_sat")) throw Error(Exit::data, "fields \"subsidy_to\" and \"treasury_sat\" come together");
  if (!f.has("subsidy_to")) return std::nullopt;
  if (f.text("subsidy_to", 16) != "miner") bad("subsidy_to", "miner, or absent");
  const Sat keeps = f.sat("treasury_sat");
  if (keeps > reward) bad("treasury_sat", "at most the block's subsidy and fees");
  return keeps;
}

void put_treasury_keeps(Json& record, std::optional<Sat> keeps) {
  if (!keeps) return;
  record["subsidy_to"] = "miner";
  record["treasury_sat"] = keeps->count();
}

FeeTo fee_to_field(const json::Fields& f) {
  const std::string text = f.text("fee_to", 16);
  if (text == "coinbase") return FeeTo::coinbase;
  if (text == "manifest") return FeeTo::manifest;
  bad("fee_to", "coinbase or manifest");
}

bool simulated_field(const json::Fields& f) {
  if (!f.has("simulated")) return false;
  if (!f.boolean("simulated")) bad("simulated", "true, or absent");
  return true;
}

std::string source_field(const json::Fields& f) {
  std::string s = f.text("source");
  if (!is_source_name(s)) bad("source", "1 to 128 printable ASCII characters without space");
  return s;
}

std::string miner_field(const json::Fields& f) {
  std::string s = f.text("miner");
  if (!is_miner_name(s)) bad("miner", "1 to 128 printable ASCII characters without space");
  return s;
}

std::string worker_field(const json::Fields& f) {
  std::string s = f.text("worker");
  if (!is_worker_name(s)) bad("worker", "at most 128 bytes without control characters");
  return s;
}

uint64_t seq_field(const json::Fields& f, const char* field) {
  return static_cast<uint64_t>(f.integer(field, 1, static_cast<int64_t>(max_seq)));
}

uint32_t hex32_field(const json::Fields& f, const char* field) {
  uint32_t n = 0;
  for (char c : f.hex_text(field, 4)) n = n << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return n;
}

Work work_field(const json::Fields& f, const char* field) {
  if (auto w = Work::from_text(f.decimal(field))) return *w;
  bad(field, "below 2^127");
}

void require_simulated_on_dev(Network chain, bool simulated) {
  if (chain == Network::dev && !simulated) throw Error(Exit::data, "chain \"dev\" is simulated, but the record does not say \"simulated\":true");
}

std::string hex32(uint32_t n) { return fmt::format("{:08x}", n); }

void put_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace hh::records

#include "payout/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/config.h"
#include "base/error.h"
#include "base/file.h"
#include "base/toml.h"
#include "json/fields.h"

namespace hh::payout {
namespace {

constexpr int64_t million = 1'000'000;
constexpr size_t max_policy_bytes = 64u << 10;

// The one list of integer keys: for the TOML file and for the object in a manifest.
struct Number {
  const char* key;
  int64_t least, most;
  int64_t (*get)(const Policy&);
  void (*set)(Policy&, int64_t);
};
const std::array<Number, 5> numbers{{
    {"operator_ppm", 0, million, [](const Policy& p) { return p.operator_ppm; }, [](Policy& p, int64_t n) { p.operator_ppm = n; }},
    {"node_pool_ppm", 0, million, [](const Policy& p) { return p.node_pool_ppm; }, [](Policy& p, int64_t n) { p.node_pool_ppm = n; }},
    {"min_payout_sat", 1, 100'000'000, [](const Policy& p) { return p.min_payout.count(); }, [](Policy& p, int64_t n) { p.min_payout = Sat(n); }},
    {"pplns_factor", 1, 100, [](const Policy& p) { return p.pplns_factor; }, [](Policy& p, int64_t n) { p.pplns_factor = n; }},
    {"pay_unit_msat", 1, 100'000'000'000, [](const Policy& p) { return p.pay_unit.count(); }, [](Policy& p, int64_t n) { p.pay_unit = Msat(n); }},
}};
constexpr std::string_view factor_key = "pplns_factor";

// What the ranges of single keys cannot say. Empty: nothing.
std::string wrong_together(const Policy& p) {
  if (p.operator_ppm + p.node_pool_ppm <= million) return "";
  return fmt::format("operator_ppm {} and node_pool_ppm {} are more than the whole ({})", p.operator_ppm, p.node_pool_ppm, million);
}

[[noreturn]] void refuse(const std::string& name, const toml::source_region& at, const std::string& why) {
  throw Error(Exit::config, fmt::format("policy {}, line {}: {}", name, at.begin.line, why));
}

void read_key(Policy& p, const std::string& name, std::string_view key, const toml::node& value) {
  if (key == "scheme") {
    const auto scheme = value.is_string() ? records::scheme_from_name(value.as_string()->get()) : std::nullopt;
    if (!scheme) refuse(name, value.source(), "scheme must be \"prop\" or \"pplns\"");
    p.scheme = *scheme;
    return;
  }
  const auto row = std::find_if(numbers.begin(), numbers.end(), [&](const Number& n) { return n.key == key; });
  if (row == numbers.end()) {
    std::vector<std::string> known{"scheme"};
    for (const Number& n : numbers) known.emplace_back(n.key);
    const std::string near = nearest(std::string(key), known);
    refuse(name, value.source(), fmt::format("unknown key \"{}\"{}", key, near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near)));
  }
  const toml::value<int64_t>* n = value.as_integer();
  if (n == nullptr || n->get() < row->least || n->get() > row->most)
    refuse(name, value.source(), fmt::format("{} must be an integer from {} to {}", key, row->least, row->most));
  row->set(p, n->get());
}

bool is_in_manifest(const Policy& p, const Number& n) { return n.key != factor_key || p.scheme == Scheme::pplns; }

}  // namespace

Policy parse_policy(std::string_view text, const std::string& name) {
  const toml::table table = parse_toml(text, "policy " + name);
  Policy p;
  for (const auto& [key, value] : table) read_key(p, name, key.str(), value);
  if (const std::string wrong = wrong_together(p); !wrong.empty()) throw Error(Exit::config, fmt::format("policy {}: {}", name, wrong));
  return p;
}

Policy load_policy(const std::string& path) { return parse_policy(read_file(path, max_policy_bytes), path); }

json::Json to_json(const Policy& p) {
  json::Json out{{"scheme", records::name(p.scheme)}};
  for (const Number& n : numbers)
    if (is_in_manifest(p, n)) out[n.key] = n.get(p);
  return out;
}

Policy policy_from_json(const json::Json& object) {
  const json::Fields f(object);
  Policy p;
  const auto scheme = records::scheme_from_name(f.text("scheme", 16));
  if (!scheme) throw Error(Exit::data, "field \"scheme\" must be \"prop\" or \"pplns\"");
  p.scheme = *scheme;
  for (const Number& n : numbers)
    if (is_in_manifest(p, n)) n.set(p, f.integer(n.key, n.least, n.most));
  if (const std::string wrong = wrong_together(p); !wrong.empty()) throw Error(Exit::data, wrong);
  return p;
}

json::Json to_record(const Policy& p) {
  json::Json out = json::make_record("policy");
  out.update(to_json(p));
  return out;
}

}  // namespace hh::payout

#include "base/config.h"

#include <fmt/format.h>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/toml.h"

namespace hh {
namespace {

constexpr size_t most_config_bytes = 1 << 20;

std::string flag_name(const std::string& key) {
  std::string flag = "--" + key;
  for (char& c : flag)
    if (c == '.' || c == '_') c = '-';
  return flag;
}

// "hh-pool", "vardiff.target" -> HH_POOL_VARDIFF_TARGET
std::string environment_name(const std::string& tool, const std::string& key) {
  std::string name = tool + "_" + key;
  for (char& c : name) c = (c == '-' || c == '.') ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

bool parse_integer(const std::string& text, int64_t& out) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && at == end && !text.empty();
}

std::string json_text(const std::string& s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + "\"";
}

// http://user:password@host -> http://user:[redacted]@host
std::string without_password(const std::string& text) {
  const size_t scheme = text.find("://"), at = text.find('@', scheme == std::string::npos ? 0 : scheme);
  if (scheme == std::string::npos || at == std::string::npos) return text;
  const size_t colon = text.find(':', scheme + 3);
  if (colon == std::string::npos || colon > at) return text;
  return text.substr(0, colon + 1) + "[redacted]" + text.substr(at);
}

std::string scalar_text(const toml::node& node) {
  if (const auto s = node.value_exact<std::string>()) return *s;
  if (const auto n = node.value_exact<int64_t>()) return fmt::format("{}", *n);
  if (const auto b = node.value_exact<bool>()) return *b ? "true" : "false";
  throw Error(Exit::config, "is neither text nor an integer nor true or false");
}

std::string node_text(const toml::node& node) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return scalar_text(node);
  std::string joined;
  for (const toml::node& element : *array) joined += (joined.empty() ? "" : ",") + scalar_text(element);
  return joined;
}

// Every leaf of the file as ("a.b", its text, its line).
struct Leaf {
  std::string key, text;
  unsigned line;
};
void collect_leaves(const toml::table& table, const std::string& prefix, const std::string& path, std::vector<Leaf>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* inner = node.as_table()) {
      collect_leaves(*inner, key + ".", path, out);
      continue;
    }
    const unsigned line = node.source().begin.line;
    try {
      out.push_back({key, node_text(node), line});
    } catch (const Error& e) {
      throw Error(Exit::config, fmt::format("{}, line {}: {} {}", path, line, key, e.what()));
    }
  }
}

// 'unknown key "lisen": did you mean "listen"?'
std::string unknown(std::string_view what, const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest(name, known);
  return fmt::format("unknown {} \"{}\"{}", what, name, near.empty() ? "" : fmt::format(": did you mean \"{}\"?", near));
}

std::vector<std::string> keys_of(const std::vector<Setting>& settings) {
  std::vector<std::string> keys;
  for (const Setting& s : settings) keys.push_back(s.key);
  return keys;
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  const auto distance = [](const std::string& a, const std::string& b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= b.size(); ++j) {
        const size_t up = row[j];
        row[j] = std::min({up + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
        diagonal = up;
      }
    }
    return row[b.size()];
  };
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 2);  // further than this is no help
  for (const std::string& c : candidates)
    if (const size_t d = distance(word, c); d <= best_distance && (best.empty() || d < best_distance)) best = c, best_distance = d;
  return best;
}

Settings::Settings(std::string tool, std::vector<Setting> settings) : tool_(std::move(tool)), settings_(std::move(settings)) {
  settings_.push_back({"log.format", "auto", Kind::text, "messages as auto, json or text"});
  settings_.push_back({"log.level", "info", Kind::text, "least level: debug, info, warn, error"});
  for (const Setting& s : settings_) values_[s.key] = {s.default_value, "default"};
}

Settings::~Settings() = default;

const Setting& Settings::find(const std::string& key) const {
  for (const Setting& s : settings_)
    if (s.key == key) return s;
  throw Error(Exit::software, fmt::format("the program asks for a setting it does not declare: {}", key));
}

void Settings::add_flags(CLI::App& app) {
  app.add_option("--config", config_path_, fmt::format("configuration file (default /etc/hyperhash/{}.toml)", tool_))->type_name("FILE");
  for (const Setting& s : settings_) {
    std::string help = s.help;
    if (!s.default_value.empty()) help += fmt::format(" (default {})", s.default_value);
    const auto take = [this, key = s.key](const std::string& value) { flags_[key] = value; };
    if (s.kind == Kind::boolean)
      app.add_option_function<std::string>(flag_name(s.key), take, help)->type_name("BOOL")->expected(0, 1)->default_str("true")->take_last();
    else
      app.add_option_function<std::string>(flag_name(s.key), take, help)
          ->type_name(s.kind == Kind::integer ? "N" : s.kind == Kind::list ? "A,B" : "TEXT")
          ->take_last();  // a flag given again wins over the one before, as an alias or a wrapper's default must give way
  }
}

void Settings::set(const Setting& s, std::string value, std::string origin) {
  const Exit code = origin == "flag" ? Exit::usage : Exit::config;
  if (s.kind == Kind::integer && !value.empty()) {
    int64_t n = 0;
    if (!parse_integer(value, n)) throw Error(code, fmt::format("{} ({}): \"{}\" is not an integer", s.key, origin, value));
    if (n < s.least || n > s.most) {
      const std::string range = s.most == INT64_MAX ? fmt::format("at least {}", s.least) : fmt::format("from {} to {}", s.least, s.most);
      throw Error(code, fmt::format("{} ({}): {} is out of range: {}", s.key, origin, n, range));
    }
  }
  if (s.kind == Kind::boolean && value.empty()) value = "true";
  if (s.kind == Kind::boolean && value != "true" && value != "false")
    throw Error(code, fmt::format("{} ({}): \"{}\" is neither true nor false", s.key, origin, value));
  values_[s.key] = {std::move(value), std::move(origin)};
}

void Settings::load_file(const std::string& path) {
  std::vector<Leaf> leaves;
  collect_leaves(parse_toml(read_file(path, most_config_bytes), path), "", path, leaves);
  for (const Leaf& leaf : leaves) {
    const auto known = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& s) { return s.key == leaf.key; });
    if (known == settings_.end()) throw Error(Exit::config, fmt::format("{}, line {}: {}", path, leaf.line, unknown("key", leaf.key, keys_of(settings_))));
    set(*known, leaf.text, fmt::format("file {}", path));
  }
}

void Settings::load() {
  for (const Setting& s : settings_) values_[s.key] = {s.default_value, "default"};
  const std::string standard = fmt::format("/etc/hyperhash/{}.toml", tool_);
  if (!config_path_.empty() && !std::filesystem::exists(config_path_)) throw Error(Exit::config, fmt::format("configuration file {} does not exist", config_path_));
  if (!config_path_.empty())
    load_file(config_path_);
  else if (std::filesystem::exists(standard))
    load_file(standard);
  load_environment();
  for (const auto& [key, value] : flags_) set(find(key), value, "flag");
  apply_log_settings();
}

void Settings::reload(const std::function<void()>& accept) {
  const auto before = values_;
  try {
    load();
    accept();
  } catch (...) {
    values_ = before;
    apply_log_settings();
    throw;
  }
}

void Settings::load_environment() {
  std::vector<std::string> names;
  for (const Setting& s : settings_) {
    names.push_back(environment_name(tool_, s.key));
    if (const char* value = std::getenv(names.back().c_str())) set(s, value, "environment " + names.back());
  }
  const std::string prefix = environment_name(tool_, "");
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name(*entry, std::strcspn(*entry, "="));
    if (name.starts_with(prefix) && std::find(names.begin(), names.end(), name) == names.end())
      throw Error(Exit::config, fmt::format("environment: {}", unknown("variable", name, names)));
  }
}

void Settings::apply_log_settings() const {
  const auto apply = [&](const char* key, void (*take)(std::string_view)) {
    try {
      take(text(key));
    } catch (const Error& e) {
      throw Error(origin(key) == "flag" ? Exit::usage : Exit::config, fmt::format("{} ({}): {}", key, origin(key), e.what()));
    }
  };
  apply("log.format", log::set_format);
  apply("log.level", log::set_level);
}

const std::string& Settings::text(const std::string& key) const { return values_.at(find(key).key).text; }

int64_t Settings::integer(const std::string& key) const {
  int64_t n = 0;
  if (!parse_integer(required(key), n)) throw Error(Exit::software, fmt::format("setting {} is not an integer", key));
  return n;
}

bool Settings::boolean(const std::string& key) const { return text(key) == "true"; }

std::vector<std::string> Settings::list(const std::string& key) const {
  std::vector<std::string> items;
  const std::string& all = text(key);
  for (size_t start = 0; start < all.size();) {
    const size_t comma = std::min(all.find(',', start), all.size());
    if (comma > start) items.push_back(all.substr(start, comma - start));
    start = comma + 1;
  }
  return items;
}

bool Settings::is_set(const std::string& key) const { return !text(key).empty(); }
const std::string& Settings::origin(const std::string& key) const { return values_.at(find(key).key).origin; }

const std::string& Settings::required(const std::string& key) const {
  const std::string& value = text(key);
  if (value.empty())
    throw Error(Exit::config, fmt::format("{} is not set: give {}, {} or \"{}\" in the configuration file", key, flag_name(key),
                                          environment_name(tool_, key), key));
  return value;
}

std::string Settings::to_records() const {
  std::string out;
  for (const Setting& s : settings_) {
    const Value& v = values_.at(s.key);
    out += fmt::format("{{\"type\":\"config\",\"v\":1,\"key\":{},\"value\":{},\"origin\":{}}}\n", json_text(s.key), json_text(s.secret ? shown_reference(v.text) : without_password(v.text)),
                       json_text(v.origin));
  }
  return out;
}

std::map<std::string, std::string> Settings::snapshot() const {
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : values_) all[key] = value.text;
  return all;
}

std::vector<std::string> Settings::changed_from(const std::map<std::string, std::string>& before) const {
  std::vector<std::string> changed;
  for (const auto& [key, value] : values_) {
    const auto old = before.find(key);
    if (old == before.end() || old->second != value.text) changed.push_back(key);
  }
  return changed;
}

}  // namespace hh

// Configuration, one way for every program: flags > environment (HH_<TOOL>_<KEY>) > TOML file > default.
//
// A program lists its settings once; the list makes the flags (--dotted.key with dots and underscores as dashes), reads the environment,
// the file (/etc/hyperhash/<tool>.toml or --config FILE, which must then exist), refuses unknown keys and unknown variables HH_<TOOL>_… with the
// nearest known one, and prints itself as `config` records that say where each value came from (`hh-X config`). Settings marked secret hold a *reference* to a
// secret (see secret.h), never the secret; values that look like a URL with a password are redacted all the same.
//
//   Settings s("hh-pool", {{"listen", "127.0.0.1:3333", Kind::text, "address:port for miners"}, {"vardiff.target", "20", Kind::integer, "…"}});
//   s.add_flags(app);           // CLI11 app; before parsing
//   s.load();                   // after parsing; throws Error(config) or, for a bad flag, Error(usage)
//   s.text("listen"); s.integer("vardiff.target"); s.boolean("…");
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hh {

enum class Kind { text, integer, boolean, list };  // list: comma separated in flags and environment, an array in TOML

struct Setting {
  std::string key;            // "rpc.url": lower case, dots for TOML tables
  std::string default_value;  // as text; list: comma separated
  Kind kind;
  std::string help;
  bool secret = false;        // the value names a secret (secret.h); shown as it is unless it looks like a secret itself
  int64_t least = INT64_MIN;  // integers only
  int64_t most = INT64_MAX;
};

class Settings {
 public:
  Settings(std::string tool, std::vector<Setting> settings);
  ~Settings();
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  // Adds every setting as an option of app, plus --config, --log-format and --log-level. May be called for several subcommands.
  void add_flags(CLI::App& app);
  // Reads file and environment under the flags that were given and applies the log settings. Calling it again reloads (SIGHUP).
  void load();
  // As load(), and then accept(), which looks at what was read and throws where it is no good. Where either throws, all stays as it was.
  void reload(const std::function<void()>& accept);

  const std::string& text(const std::string& key) const;
  int64_t integer(const std::string& key) const;
  bool boolean(const std::string& key) const;
  std::vector<std::string> list(const std::string& key) const;
  bool is_set(const std::string& key) const;             // not empty
  const std::string& origin(const std::string& key) const;  // "flag", "environment HH_…", "file /etc/…", "default"
  // text(key), or Error(config) "KEY is not set: …how to set it".
  const std::string& required(const std::string& key) const;

  // One line per setting: {"type":"config","v":1,"key":…,"value":…,"origin":…}.
  std::string to_records() const;
  // Keys whose value differs from those of other; to say what a reload changed.
  std::vector<std::string> changed_from(const std::map<std::string, std::string>& before) const;
  std::map<std::string, std::string> snapshot() const;

 private:
  struct Value {
    std::string text, origin;
  };
  const Setting& find(const std::string& key) const;
  void set(const Setting& s, std::string value, std::string origin);
  void load_file(const std::string& path);
  void load_environment();
  void apply_log_settings() const;

  std::string tool_;
  std::vector<Setting> settings_;
  std::map<std::string, Value> values_;
  std::map<std::string, std::string> flags_;  // filled by CLI11
  std::string config_path_, log_format_, log_level_;
};

// The candidate that needs the fewest single-character edits, or "" where none is near: for "did you mean".
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace hh

// Messages for people and for log collectors, on stderr: JSON lines, or plain text when stderr is a terminal.
//
// A log line has `ts level tool event` and then the fields given. Values of fields whose names sound secret (macaroon, rune, token, key,
// seed, password, preimage, cookie, secret) are replaced, and so is every text registered with hide() wherever it appears: a secret that
// slips into an error message of a library still does not reach the log. Control characters are escaped, so hostile names stay in their line.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace hh::log {

enum class Level { debug, info, warn, error };
enum class Format { automatic, json, text };

struct Field {
  std::string_view name;
  std::variant<int64_t, std::string> value;
  Field(std::string_view n, const std::string& v) : name(n), value(v) {}
  Field(std::string_view n, std::string_view v) : name(n), value(std::string(v)) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string(v)) {}
  Field(std::string_view n, bool v) : name(n), value(std::string(v ? "true" : "false")) {}
  template <class T>
    requires std::is_integral_v<T>
  Field(std::string_view n, T v) : name(n), value(static_cast<int64_t>(v)) {}
};
using Fields = std::initializer_list<Field>;

void set_tool(std::string_view name);
void set_level(Level least);
void set_format(Format format);
// "debug", "info", "warn", "error" / "auto", "json", "text"; throws Error(usage).
void set_level(std::string_view name);
void set_format(std::string_view name);

// From now on this text is shown as [redacted] in every log line and failure. Shorter than 8 characters: ignored.
void hide(std::string_view secret);
std::string redact(std::string_view text);

void write(Level level, std::string_view event, Fields fields = {});
inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warn(std::string_view event, Fields fields = {}) { write(Level::warn, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

// Keeps what strangers can bring about as often as they like from filling the disk: so many lines of one event at once, then so many a second. What is
// left out is counted, and a line `lines_left_out` with event and count comes before the next that is written. One thread's.
class Bounded {
 public:
  explicit Bounded(std::string_view event, int64_t at_once = 50, int64_t per_second = 5) : event_(event), most_(at_once), per_second_(per_second), left_(at_once) {}
  // Whether the line may be written. now_ms: monotonic.
  bool may_write(int64_t now_ms);

 private:
  std::string event_;
  int64_t most_, per_second_, left_, since_ms_ = 0;
  uint64_t left_out_ = 0;
};

// The last line of a program that fails: text form "tool: sentence", JSON form event "failed" with `message` and `exit_code`.
void failure(std::string_view sentence, int exit_code);

}  // namespace hh::log

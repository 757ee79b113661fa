#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace hh::log {
namespace {

constexpr std::array level_names{"debug", "info", "warn", "error"};
constexpr std::string_view redacted = "[redacted]";
constexpr std::array secret_words{"macaroon", "rune", "token", "password", "preimage", "cookie", "secret", "seed", "private", "authorization"};

struct State {
  std::mutex mutex;
  std::string tool = "hh";
  std::atomic<Level> least{Level::info};
  std::atomic<Format> format{Format::automatic};
  std::vector<std::string> hidden;
};

State& state() {
  static State s;
  return s;
}

bool is_secret_name(std::string_view name) {
  const auto contains = [&](std::string_view word) { return name.find(word) != std::string_view::npos; };
  return std::any_of(secret_words.begin(), secret_words.end(), contains) || name == "key" || name.ends_with("_key");
}

bool as_json() {
  const Format f = state().format;
  return f == Format::json || (f == Format::automatic && isatty(STDERR_FILENO) == 0);
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u >= 0x7f) {
      out += fmt::format("\\u{:04x}", u);  // bytes above ASCII as Latin-1: never invalid UTF-8, whatever came in
    } else {
      out += c;
    }
  }
  return out;
}

std::string redact_locked(std::string_view text) {
  std::string out(text);
  for (const std::string& secret : state().hidden)
    for (size_t at = out.find(secret); at != std::string::npos; at = out.find(secret, at + redacted.size())) out.replace(at, secret.size(), redacted);
  return out;
}

std::string shown(const Field& f) {
  if (is_secret_name(f.name)) return std::string(redacted);
  return redact_locked(std::get<std::string>(f.value));
}

// For text: in quotes where it could be taken for further fields.
std::string as_word(const std::string& escaped) { return escaped.find_first_of(" =\"") == std::string::npos ? escaped : '"' + escaped + '"'; }

// One write(2) per line, so that lines of several threads and processes do not mix.
void put(const std::string& line) {
  size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
    if (n <= 0) return;  // nowhere left to complain
    done += static_cast<size_t>(n);
  }
}

}  // namespace

void set_tool(std::string_view name) {
  std::lock_guard lock(state().mutex);
  state().tool = name;
}
void set_level(Level least) { state().least = least; }
void set_format(Format format) { state().format = format; }

void set_level(std::string_view name) {
  const auto at = std::find(level_names.begin(), level_names.end(), name);
  if (at == level_names.end()) throw Error(Exit::usage, fmt::format("log level \"{}\" is none of debug, info, warn, error", name));
  set_level(static_cast<Level>(at - level_names.begin()));
}

void set_format(std::string_view name) {
  if (name == "auto") return set_format(Format::automatic);
  if (name == "json") return set_format(Format::json);
  if (name == "text") return set_format(Format::text);
  throw Error(Exit::usage, fmt::format("log format \"{}\" is none of auto, json, text", name));
}

void hide(std::string_view secret) {
  if (secret.size() < 8) return;
  std::lock_guard lock(state().mutex);
  state().hidden.emplace_back(secret);
}

std::string redact(std::string_view text) {
  std::lock_guard lock(state().mutex);
  return redact_locked(text);
}

void write(Level level, std::string_view event, Fields fields) {
  if (level < state().least.load()) return;
  std::lock_guard lock(state().mutex);
  const std::string ts = to_iso8601(system_clock().unix_ms());
  const char* level_name = level_names[static_cast<size_t>(level)];
  std::string line;
  if (as_json()) {
    line = fmt::format(R"({{"ts":"{}","level":"{}","tool":"{}","event":"{}")", ts, level_name, escape(state().tool), escape(redact_locked(event)));
    for (const Field& f : fields) {
      if (const auto* n = std::get_if<int64_t>(&f.value))
        line += fmt::format(R"(,"{}":{})", escape(f.name), *n);
      else
        line += fmt::format(R"(,"{}":"{}")", escape(f.name), escape(shown(f)));
    }
    line += "}\n";
  } else {
    line = fmt::format("{} {:5} {}: {}", ts.substr(11, 12), level_name, state().tool, escape(redact_locked(event)));
    for (const Field& f : fields) {
      if (const auto* n = std::get_if<int64_t>(&f.value))
        line += fmt::format(" {}={}", f.name, *n);
      else
        line += fmt::format(" {}={}", f.name, as_word(escape(shown(f))));
    }
    line += "\n";
  }
  put(line);
}

bool Bounded::may_write(int64_t now_ms) {
  if (const int64_t new_ones = (now_ms - since_ms_) / 1000 * per_second_; new_ones > 0) {
    left_ = std::min(most_, left_ + new_ones);
    since_ms_ = now_ms;
  }
  if (left_ == 0) {
    ++left_out_;
    return false;
  }
  --left_;
  if (left_out_ != 0) warn("lines_left_out", {{"of", event_}, {"count", left_out_}});
  left_out_ = 0;
  return true;
}

void failure(std::string_view sentence, int exit_code) {
  if (as_json() && state().format == Format::json) {
    write(Level::error, "failed", {{"message", sentence}, {"exit_code", exit_code}});
    return;
  }
  std::lock_guard lock(state().mutex);
  std::string text = redact_locked(sentence);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = ' ';
  put(fmt::format("{}: {}\n", state().tool, text));
}

}  // namespace hh::log

#include "base/toml.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hh {
namespace {

// Reads no more of TOML than where strings and comments begin and end. On text that is no TOML it may lose its way, but only behind the place
// where toml++ stops.
class Skipper {
 public:
  explicit Skipper(std::string_view text) : text_(text) {}

  // The line of the first byte outside of ASCII that is in neither a string nor a comment; 0: there is none.
  size_t first_stray() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') skip_to_newline();
      else if (c == '"' || c == '\'') skip_string(c);
      else if (static_cast<unsigned char>(c) >= 0x80) return line_;
      else advance(1);
    }
    return 0;
  }

 private:
  void advance(size_t n) {
    for (const size_t end = std::min(at_ + n, text_.size()); at_ < end; ++at_)
      if (text_[at_] == '\n') ++line_;
  }
  void skip_to_newline() { advance(std::min(text_.find('\n', at_), text_.size()) - at_); }
  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool is_multiline = text_.substr(at_).starts_with(three);
    advance(is_multiline ? 3 : 1);
    while (at_ < text_.size()) {
      if (quote == '"' && text_[at_] == '\\') advance(2);
      else if (is_multiline && text_.substr(at_).starts_with(three)) return advance(3);
      else if (!is_multiline && text_[at_] == '\n') return;  // it should have ended
      else if (!is_multiline && text_[at_] == quote) return advance(1);
      else advance(1);
    }
  }

  std::string_view text_;
  size_t at_ = 0, line_ = 1;
};

}  // namespace

toml::table parse_toml(std::string_view text, const std::string& name) {
  std::string_view body = text;
  if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);  // a byte order mark, which toml++ skips
  if (const size_t line = Skipper(body).first_stray(); line != 0) throw Error(Exit::config, fmt::format("{}, line {}: a character outside of ASCII stands outside of strings and comments", name, line));
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& e) {
    throw Error(Exit::config, fmt::format("{}, line {}: {}", name, e.source().begin.line, e.description()));
  }
}

}  // namespace hh

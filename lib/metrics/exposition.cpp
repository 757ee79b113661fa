#include "metrics/exposition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace hh::metrics {
namespace {

bool is_name(std::string_view s) {
  return !s.empty() && s.front() >= 'a' && s.front() <= 'z' && std::all_of(s.begin(), s.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

void escape(std::string& out, std::string_view value) {
  for (const char c : value) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u >= 0x7f) {
      out += fmt::format("\\\\x{:02x}", u);  // a backslash, shown as such
    } else {
      out += c;
    }
  }
}

}  // namespace

std::string fixed(Uint128 count, unsigned places) {
  std::string digits;
  for (; count != 0; count /= 10) digits += static_cast<char>('0' + static_cast<int>(count % 10));
  while (digits.size() <= places) digits += '0';
  std::reverse(digits.begin(), digits.end());
  if (places == 0) return digits;
  digits.insert(digits.size() - places, ".");
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

void Exposition::family(std::string_view name, Kind kind, std::string_view help) {
  constexpr std::array<const char*, 3> kinds{"counter", "gauge", "histogram"};
  const bool good = is_name(name) && name.starts_with("hh_") && name.ends_with("_total") == (kind == Kind::counter) && !help.empty() && help.find_first_of("\n\\") == std::string_view::npos;
  if (!good) throw Error(Exit::software, fmt::format("metric {}: a name or help that does not fit its kind", name));
  if (text_.find(fmt::format("# TYPE {} ", name)) != std::string::npos) throw Error(Exit::software, fmt::format("metric {} comes twice", name));
  name_ = name;
  text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, kinds[static_cast<size_t>(kind)]);
}

void Exposition::put_with(std::string_view suffix, Labels labels, Label one_more, std::string_view number) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  const auto put_label = [&](const Label& l) {
    if (!is_name(l.name)) throw Error(Exit::software, fmt::format("metric {}: label {}", name_, l.name));
    text_ += separator;
    text_ += l.name;
    text_ += "=\"";
    escape(text_, l.value);
    text_ += '"';
    separator = ',';
  };
  for (const Label& l : labels) put_label(l);
  if (!one_more.name.empty()) put_label(one_more);
  if (separator == ',') text_ += '}';
  text_ += ' ';
  text_ += number;
  text_ += '\n';
}

}  // namespace hh::metrics

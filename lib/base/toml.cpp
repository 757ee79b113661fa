#include "base/toml.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hh {

toml::table parse_toml(std::string_view text, const std::string& name) {
  try {
    return toml::parse(text, name);
  } catch (const toml::parse_error& e) {
    throw Error(Exit::config, fmt::format("{}, line {}: {}", name, e.source().begin.line, e.description()));
  }
}

}  // namespace hh

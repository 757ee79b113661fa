// TOML text to a table, by toml++ 3.3 with what it takes for granted checked first. The one way in: files come from operators. [C090]
//
// Version 3.3 asserts that a table's name begins with a letter, which "[#" does not, and calls "unreachable" what a letter outside of ASCII
// among the keys reaches; with NDEBUG it tells the compiler to take both for granted. Behind the first stands the check that reports it, so
// the assertions are nothing, and NDEBUG is not seen; the second is refused before toml++ sees it.
#pragma once
#include <string>
#include <string_view>

#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace hh {

// name: what the text is, for messages, such as the file's path. Throws Error(config): "NAME, line N: …".
toml::table parse_toml(std::string_view text, const std::string& name);

}  // namespace hh

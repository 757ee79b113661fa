// toml++, with its assertions off in every build. [C090]
//
// Version 3.3 asserts that a table's name begins with a letter, which "[#" does not; with NDEBUG it tells the compiler to take it for granted
// instead. Behind both stands the check that reports it. A file must end neither the program nor the compiler's reasoning, so the
// assertions are nothing, and NDEBUG is not seen.
#pragma once
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

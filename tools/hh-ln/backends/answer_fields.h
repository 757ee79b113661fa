// Reading fields of a node's JSON answers, for every backend. Pure functions: a field that is missing or of another kind reads as nothing, because
// what a node leaves out proves nothing; only a number that cannot be read is an error.
#pragma once
#include <string>
#include <string_view>

#include "backends/backend.h"
#include "json/strict.h"

namespace hh::ln {

using json::Json;

// A report without proof.
Report plain(Evidence evidence, std::string reason);

std::string text(const Json& object, const char* name);     // "" where there is no such text
const Json* member(const Json& object, const char* name);   // nullptr where there is none, or null
bool flag(const Json& object, const char* name);            // false where there is no such boolean
const Json& array(const Json& object, const char* name);    // an empty one where there is none
// An integer, written as a number or as text (as lnd's gateway does); 0 where there is none. Throws Error(data) where it is something else.
int64_t number(const Json& object, const char* name);

std::string shortened(std::string_view s);  // for messages: whole characters, valid UTF-8

}  // namespace hh::ln

// Files that others read while a daemon writes them anew, such as figures for dashboards.
#pragma once
#include <string>
#include <string_view>

namespace hh {

// Replaces path in one step: a reader sees the old or the new. Without fsync, so it is cheap and quick, but a power cut may leave an empty file:
// for what can be made again; write_file_durably is for the rest. Throws Error(cant_create) or Error(io).
void replace_file(const std::string& path, std::string_view content, unsigned mode);

}  // namespace hh

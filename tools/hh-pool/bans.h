// Bans as records, as a person reads them, and over a restart: SPOOL.bans, written when they have changed and at the end, read at the start.
//
// The file holds the records of those in force and of those that ended less than a day ago. Nobody loses money by it, so it is replaced without an
// fsync, and one that cannot be read is a warning and a beginning without bans. [C113]
#pragma once
#include <string>
#include <vector>

#include "base/table.h"
#include "guard.h"
#include "json/strict.h"

namespace hh::pool {

std::string ban_line(const Ban& b);  // record ban, with newline
Ban parse_ban(const json::Json& r);  // throws Error(data)

Table bans_table();
void add_ban_row(Table& table, const json::Json& ban, int64_t now_ms);

std::string bans_path(const std::string& spool);
void keep_bans(const std::vector<Ban>& bans, const std::string& path);  // throws Error
// False, and why in `why`, where the file is missing ("") or not whole: then nothing is restored.
bool restore_bans(Guard& guard, const std::string& path, std::string& why);

}  // namespace hh::pool

// Statistics over a restart: SPOOL.stats, written every five minutes and at the end, read at the start.
//
// What is essential (shares) is in the spool; this file only spares people a day of rates that build up anew. So it is replaced without an fsync,
// a crash loses at most the last five minutes of statistics, and a file that cannot be read is a warning and a fresh beginning. It is private to the
// program: one JSON line for the pool and for each worker, names in hex.
#pragma once
#include <string>

#include "json/strict.h"
#include "statistics.h"

namespace hh::pool {

std::string to_line(const Statistics::Saved& s);  // with newline
// Throws Error(data).
Statistics::Saved parse_saved(const json::Json& record);

// Restores what is there. False, and why in `why`, where the file is missing ("") or not whole: then nothing is restored.
bool restore(Statistics& s, const std::string& path, std::string& why);

}  // namespace hh::pool

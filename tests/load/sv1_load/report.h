// The records that sv1_load prints: one JSON object a line, integers with their units in the names.
#pragma once
#include "load.h"

namespace hh::load {

void report_connect(const Options& o, const Results& r);
void report_idle(const Options& o, const Results& r);
void report_drive(const Options& o, const Results& r, const Counts& c);
// One record for each tip that came while miners were at work. connections: how many should have learned of it.
void report_blocks(const Options& o, const Tips& tips, const Blocks& blocks, uint64_t connections);
void report_hostile(const Hostile& h);

}  // namespace hh::load

// File descriptors: each connection takes one. The limit that a shell or a unit gives (the soft one, 1,024 mostly) is for programs that use select();
// this one may have as many as the hard limit allows.
#pragma once
#include <cstddef>
#include <cstdint>

namespace hh::pool {

// Raises the limit of this process as far as it may, and logs few_descriptors where so many connections do not fit beside what else is open.
// Returns the limit.
uint64_t make_room_for(size_t connections);

}  // namespace hh::pool

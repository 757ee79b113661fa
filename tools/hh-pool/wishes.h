// What a miner asks for in its password, the one field that every firmware lets its owner fill in: "x", "d=4096", "x;sd=1024,md=512".
#pragma once
#include <optional>
#include <string_view>

#include "bitcoin/difficulty.h"

namespace hh::pool {

struct Wishes {
  std::optional<bitcoin::Difficulty> fixed;  // d, diff, difficulty: keep this one
  std::optional<bitcoin::Difficulty> start;  // sd, startdiff: begin there
  std::optional<bitcoin::Difficulty> least;  // md, mindiff: not below it
};
// Parts stand between commas, semicolons, ampersands or spaces; what is no such wish is passed over, as is a number that is none. One that is
// too large for a Difficulty becomes the largest of a share. Capital letters are read as small ones; the last of several equal keys counts.
Wishes wishes_of(std::string_view password);

}  // namespace hh::pool

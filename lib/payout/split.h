// Dividing an amount of msat by weights, such that not one msat is lost, made up, or decided by chance.
//
// The problem. A pool of P msat is divided among miners in proportion to their work w_i, whose sum is W. The exact part P·w_i/W is
// hardly ever a whole number of msat, so each part must be rounded, and rounding must not change the sum: the books (hh-ledger) refuse
// a manifest that is off by one msat. The result must also be the same on every machine, whatever the order of the input, and
// nobody may gain from the order of names more than one msat.
//
// What could be done:
//   Floor and drop         everyone gets floor(P·w_i/W). The sum is short by up to n-1 msat, which then belong to nobody, or silently
//                          to the operator. Small, but every block, and the books would need an account for dust.
//   Round to nearest       (half up, or half to even as banks do) treats each part well, but the sum may be off in both directions: the pool
//                          would pay out msat that it does not have. Three miners with a third each of 2 msat get 1 each: 3 msat.
//   Sequential             each gets the rounded part of what is left by those before it. The sum is right, but the parts depend on the
//                          order: who comes last bears all the rounding.
//   Largest remainder      everyone gets the floor; the fewer than n msat left over go one each to the largest remainders (Hamilton's method).
//
// Largest remainder it is. Everyone gets the exact part rounded down or up, never more than one msat away from it; the sum is exact; the order of
// input does not matter, because remainders are compared, and equal ones are settled by the order of account names as bytes, which anyone
// can check. It is monotone: more work never gets less. (Hamilton's method is known for the Alabama paradox, where a larger pool can take
// a unit from someone. That matters for seats in a parliament; here it is at most 1 msat, and pools of different rounds are not compared.)
//
// Worked example: 100 msat for a, b, c with work 1, 1, 4 (W = 6).
//   a: 100·1/6 = 16 remainder 4      b: 16 remainder 4      c: 100·4/6 = 66 remainder 4        sum of floors 98, 2 msat left
//   All remainders are equal, so names decide: a and b get one each: 17, 17, 66.
// The same with work 1, 2, 4 (W = 7): 14 r 2, 28 r 4, 57 r 1; one left, to b: 14, 29, 57.
//
// P is below 2^53 (records) and work below 2^127, so P·w_i needs up to 180 bits: 256-bit integers, no floating point, no overflow.
#pragma once
#include <span>
#include <vector>

#include "base/amount.h"
#include "bitcoin/work.h"

namespace hh::payout {

struct Part {
  Msat amount;
  bitcoin::Work remainder;  // pool·weight mod the sum of weights
  bool rounded_up = false;  // got one of the left-over msat; amount includes it
};

// One part per weight, in their order; the sum is exactly pool. Where remainders are equal the earlier one wins, so callers pass weights
// in the order of account names. Zero weights get nothing. Throws Error(data) where pool is negative or all weights are zero but pool is not.
std::vector<Part> split_largest_remainder(Msat pool, std::span<const bitcoin::Work> weights);

// floor(amount · ppm / 10^6), exact for every amount that exists. REQUIRES amount >= 0 and 0 <= ppm <= 10^6.
Msat part_per_million(Msat amount, int64_t ppm);

// Everyone the same: floor(pool/count) each; the remainder, fewer than count msat, is not given out. All of it where count is 0.
struct EvenSplit {
  Msat each;
  Msat remainder;
};
EvenSplit split_evenly(Msat pool, int64_t count);

}  // namespace hh::payout

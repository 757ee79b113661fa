// What fuzz targets of answers share: a claim that must hold, and a call that may refuse its input but do nothing worse.
#pragma once
#include <cstdlib>

#include "base/error.h"

inline void check(bool holds) {
  if (!holds) std::abort();
}

template <class F>
void no_crash(F f) {
  try {
    f();
  } catch (const hh::Error&) {
  }
}

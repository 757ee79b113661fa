// What strangers write into the password field. Whatever is read as a difficulty is one that a share may have, or small enough to be raised to the
// pool's least; and what follows a separator does not change what stood before it.
#include <cstdlib>
#include <string>

#include "wishes.h"

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hh;
  const std::string password(reinterpret_cast<const char*>(data), size);
  const auto w = pool::wishes_of(password);
  for (const auto& d : {w.fixed, w.start, w.least}) require(!d || *d <= bitcoin::max_share_difficulty());
  const auto with_more = pool::wishes_of(password + ",x,y=1;d=;sd=abc");
  require(with_more.fixed == w.fixed && with_more.start == w.start && with_more.least == w.least);
  require(pool::wishes_of(password + ";d=64").fixed == bitcoin::Difficulty::whole(64));
  return 0;
}

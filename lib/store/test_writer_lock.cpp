#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <optional>

#include "base/file.h"
#include "store/test_folder.h"
#include "store/writer_lock.h"

using namespace hh;
using namespace hh::store;

TEST_CASE("the second writer is told who the first is", "[C104]") {
  const TestFolder folder;
  std::optional<WriterLock> first(std::in_place, folder.file("ledger.db"));
  CHECK(code_of([&] { WriterLock second(folder.file("ledger.db")); }) == Exit::temp_fail);
  CHECK_THROWS_WITH(WriterLock(folder.file("ledger.db")), Catch::Contains("process " + std::to_string(::getpid())));
  CHECK_NOTHROW(WriterLock(folder.file("other.db")));
  first.reset();
  CHECK_NOTHROW(WriterLock(folder.file("ledger.db")));
}

TEST_CASE("waiting ends at its time, not before") {
  const TestFolder folder;
  const WriterLock first(folder.file("a"));
  FakeClock clock;
  const int64_t start = clock.monotonic_ms();
  CHECK(code_of([&] { WriterLock second(folder.file("a"), 500, clock); }) == Exit::temp_fail);
  CHECK(clock.monotonic_ms() - start == 500);
}

TEST_CASE("a holder that is killed leaves no lock behind", "[C104]") {
  const TestFolder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const WriterLock lock(folder.file("a"));
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK_THROWS_WITH(WriterLock(folder.file("a")), Catch::Contains("process " + std::to_string(child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_NOTHROW(WriterLock(folder.file("a")));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a lock file that cannot be made is told so") {
  const TestFolder folder;
  CHECK(code_of([&] { WriterLock lock(folder.file("no/such/a")); }) == Exit::cant_create);
}

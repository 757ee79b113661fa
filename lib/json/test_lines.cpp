// The line reader on whole, torn, long and blank lines, in every way that reads can be cut.
#include <catch2/catch.hpp>
#include <unistd.h>

#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "json/lines.h"

using namespace hh;

namespace {

// Feeds text through a pipe in pieces of the given size and collects what the reader hands out.
std::vector<std::string> read_lines(const std::string& text, size_t piece, bool* torn = nullptr) {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  const FileHandle in(fds[0]);
  std::thread feeder([&, out = fds[1]] {
    for (size_t at = 0; at < text.size(); at += piece) write_all(out, std::string_view(text).substr(at, piece), "pipe");
    ::close(out);
  });
  std::vector<std::string> lines;
  json::LineReader reader(in.get(), "test", 100);
  for (bool more = true; more;) {
    try {
      std::string_view line;
      more = reader.next(line);
      if (more) lines.emplace_back(line);
    } catch (const Error& e) {
      lines.emplace_back(e.what());
    }
  }
  CHECK(reader.offset_after() == text.size());
  if (torn) *torn = reader.is_torn();
  feeder.join();
  return lines;
}

}  // namespace

TEST_CASE("lines come out whole however they go in", "[json][lines]") {
  for (const size_t piece : {1u, 2u, 7u, 1000u}) {
    bool torn = true;
    CHECK(read_lines("one\n\n  \ntwo\r\nthree\n", piece, &torn) == std::vector<std::string>{"one", "two\r", "three"});
    CHECK_FALSE(torn);
    CHECK(read_lines("one\ntwo", piece, &torn) == std::vector<std::string>{"one", "two"});
    CHECK(torn);
    CHECK(read_lines("", piece).empty());
  }
}

TEST_CASE("a line that is too long is an error that names its number, and the next line still comes", "[json][lines]") {
  for (const size_t piece : {1u, 64u, 100000u}) {
    const auto lines = read_lines("a\n" + std::string(600000, 'x') + "\nb\n" + std::string(101, 'y'), piece == 1 ? 4096 : piece);
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == "a");
    CHECK(lines[1] == "test, line 2: the line is longer than 100 bytes");
    CHECK(lines[2] == "b");
    CHECK(lines[3] == "test, line 4: the line is longer than 100 bytes");
  }
  CHECK(read_lines(std::string(100, 'z') + "\n", 33).at(0).size() == 100);
}

// Lines out of pieces of any size, and batches out of lines. [C042]
#include <catch2/catch.hpp>
#include <unistd.h>

#include <random>

#include "batch.h"
#include "line_buffer.h"
#include "records/share.h"

using namespace hh;
using namespace hh::ledger;

namespace {

// Feeds text through a pipe in pieces of random sizes; returns what comes out, with '!' for a line that is too long.
std::string through(const std::string& text, unsigned seed) {
  std::mt19937 random(seed);
  LineBuffer buffer;
  Chunk chunk;
  std::string out;
  uint64_t line = 1;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto take = [&](bool got) {
    if (!got) return;
    CHECK(chunk.first_line == line);
    line += chunk.too_long ? 1 : static_cast<uint64_t>(std::count(chunk.text.begin(), chunk.text.end(), '\n'));
    out += chunk.too_long ? "!" : chunk.text;
  };
  for (size_t at = 0; at < text.size();) {
    const size_t n = std::min<size_t>(1 + random() % 60'000, text.size() - at);
    REQUIRE(::write(ends[1], text.data() + at, n) == static_cast<ssize_t>(n));
    at += n;
    buffer.fill(ends[0], "test");
    take(buffer.take(chunk));
  }
  take(buffer.take_rest(chunk));
  ::close(ends[0]);
  ::close(ends[1]);
  return out;
}

std::string share(uint64_t seq) {
  records::Share s;
  s.source = "pool", s.job = "1", s.miner = "m", s.seq = seq, s.work = 1;
  return records::share_line(s);
}

}  // namespace

TEST_CASE("lines come out whole and in order whatever the pieces", "[C042]") {
  std::string text;
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) text += std::string(random() % 300, static_cast<char>('a' + i % 26)) + "\n";
  for (unsigned seed = 0; seed < 5; ++seed) CHECK(through(text, seed) == text);
  CHECK(through(text + "torn", 9) == text + "torn");
  CHECK(through("", 1).empty());
}

TEST_CASE("a line that is too long is passed over, not kept", "[C042]") {
  const std::string monster(3u << 20, 'x');
  CHECK(through("a\n" + monster + "\nb\n", 1) == "a\n!b\n");
  CHECK(through("a\n" + monster, 2) == "a\n!");
}

TEST_CASE("a chunk becomes items in the order of its lines, good and bad", "[C042]") {
  Chunk chunk;
  chunk.text = share(1) + "\n\n" + "junk\n{\"type\":\"pool\",\"v\":1}\n " + share(2) + "\n" + share(3);
  const std::string text = chunk.text;
  WorkerNumbers workers;
  const Batch b = parse_chunk(std::move(chunk), workers);
  REQUIRE(b.items.size() == 4);
  CHECK(b.ignored == 1);
  CHECK(b.items[0].share.seq == 1);
  CHECK(b.items[1].kind == Item::Kind::bad);
  CHECK(b.items[1].line == 2);
  CHECK(b.items[2].share.seq == 2);  // with a space before it: not canonical, but the same share
  CHECK(b.items[3].share.seq == 3);
  CHECK(text.substr(b.items[3].at) == share(3));
  CHECK(b.items[2].leaf == parse_chunk({share(2), 1, false, {}}, workers).items[0].leaf);
}

TEST_CASE("each worker has one number, and another worker another", "[C042]") {
  WorkerNumbers workers;
  records::ShareView one;
  one.miner = "m", one.worker = "w";
  const uint64_t numbering = workers.numbering();
  std::vector<records::ShareView> all(6, one);
  all[1].miner = "n";
  all[2].miner = "mw", all[2].worker = "";
  all[3].address = "w";
  all[4].simulated = true;
  all[5].fee_to = records::FeeTo::coinbase;
  for (int round = 0; round < 2; ++round)
    for (uint32_t i = 0; i < all.size(); ++i) CHECK(workers.number_of(all[i]) == i);
  CHECK(workers.numbering() == numbering);
  std::string name;
  for (uint32_t i = 0; i < 200'000; ++i) one.miner = name = std::to_string(i), workers.number_of(one);
  CHECK(workers.numbering() == numbering + 1);
  CHECK(workers.number_of(one) == 0);
}

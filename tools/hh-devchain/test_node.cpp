// The simulated node: what it accepts, with which reason it refuses, how it reorganises, and that its file survives being cut anywhere.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "bitcoin/merkle.h"
#include "bitcoin/script.h"
#include "bitcoin/test_support.h"
#include "mine.h"
#include "node.h"

using namespace hh;
using namespace hh::bitcoin;
using namespace hh::devchain;

namespace {

constexpr uint32_t easy_bits = 0x207fffff;  // every second hash is a block
const Bytes miner = witness_script(0, Bytes(20, 7));

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / ("hh-devchain-test." + std::to_string(::getpid()))).string();
  Folder() { std::filesystem::remove_all(path), std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file() const { return path + "/blocks.dat"; }
};

struct World {
  Folder folder;
  FakeClock clock{1'800'000'000'000};
  World() { log::set_level(log::Level::error); }
  Node open() { return Node({folder.path, easy_bits, false, 10'000}, clock); }
};

Hash256 tip_of(const Node& node) {
  return node.with_chain([](const Chain& c) { return c.tip().hash; });
}
uint32_t height_of(const Node& node) {
  return node.with_chain([](const Chain& c) { return c.tip().height; });
}
int64_t confirmations_of(const Node& node, const Hash256& hash) {
  return node.with_chain([&](const Chain& c) { return c.confirmations(*c.find(hash)); });
}

Block mine_on(const Candidate& c) {
  static uint64_t extranonce = 0;
  return *mine(c, miner, ++extranonce, [] { return false; });
}
void solve(Block& b) {
  b.header.merkle_root = merkle_root(b.txids());
  while (!has_valid_work(b.header)) ++b.header.nonce;
}
Hash256 mine_next(Node& node) {
  const Block b = mine_on(node.candidate());
  REQUIRE_FALSE(node.submit(b));
  return b.header.hash();
}
// A candidate on any block, for side branches.
Candidate on(const Node& node, const Hash256& parent) {
  Candidate c = node.candidate();
  node.with_chain([&](const Chain& chain) {
    const Entry& e = *chain.find(parent);
    c.prev_hash = parent;
    c.height = e.height + 1;
    c.min_time = c.time = std::max(median_time_past(e) + 1, c.time);
    return 0;
  });
  c.transactions = {pooled_transaction(c.height, 0)};
  return c;
}

}  // namespace

TEST_CASE("a mined block becomes the tip and pays subsidy and fees") {
  World w;
  Node node = w.open();
  CHECK(height_of(node) == 0);
  const Candidate c = node.candidate();
  CHECK(c.transactions.size() >= 3);
  const Block b = mine_on(c);
  CHECK_FALSE(node.propose(b));
  CHECK_FALSE(node.submit(b));
  CHECK(tip_of(node) == b.header.hash());
  CHECK(height_of(node) == 1);
  Sat fees;
  for (const auto& p : c.transactions) fees += p.fee;
  CHECK(fees > Sat(0));
  CHECK(b.transactions[0].outputs[0].value == block_subsidy(1) + fees);
  CHECK(node.submit(b) == "duplicate");
  CHECK(node.propose(b) == "duplicate");
}

TEST_CASE("each broken rule is refused with Bitcoin Core's name for it, and changes nothing [C061]") {
  World w;
  Node node = w.open();
  mine_next(node);
  const Hash256 before = tip_of(node);
  const Block good = mine_on(node.candidate());
  const auto refused = [&](const std::string& reason, auto change) {
    Block b = good;
    change(b);
    CAPTURE(reason);
    CHECK(node.submit(b) == reason);
    CHECK(tip_of(node) == before);
  };
  const auto solved = [](auto change) { return [=](Block& b) { change(b), solve(b); }; };
  const auto coinbase = [](auto change) { return [=](Block& b) { change(b.transactions[0]), solve(b); }; };

  refused("high-hash", [](Block& b) { while (has_valid_work(b.header)) ++b.header.nonce; });
  refused("bad-txnmrklroot", [](Block& b) { b.header.merkle_root.bytes[0] ^= 1; while (!has_valid_work(b.header)) ++b.header.nonce; });
  // Until their number is odd, so that the last of them can stand twice without changing the root (CVE-2012-2459).
  refused("bad-txns-duplicate", solved([](Block& b) { b.transactions.resize(3), b.transactions.push_back(b.transactions[2]); }));
  refused("bad-cb-missing", solved([](Block& b) { b.transactions.erase(b.transactions.begin()); }));
  refused("bad-cb-multiple", solved([](Block& b) { b.transactions.push_back(b.transactions[0]); }));
  refused("bad-cb-length", coinbase([](Transaction& tx) { tx.inputs[0].script.resize(101); }));
  refused("bad-cb-length", coinbase([](Transaction& tx) { tx.inputs[0].script.resize(1); }));
  refused("prev-blk-not-found", solved([](Block& b) { b.header.prev_hash.bytes[5] ^= 1; }));
  refused("bad-diffbits", solved([](Block& b) { b.header.bits = 0x207ffffe; }));
  refused("time-too-old", solved([](Block& b) { b.header.time = 1'700'000'000; }));
  refused("time-too-new", solved([](Block& b) { b.header.time += 2 * 60 * 60 + 1; }));
  refused("bad-txns-nonfinal", coinbase([](Transaction& tx) { tx.lock_time = 2; }));
  refused("bad-cb-height", coinbase([](Transaction& tx) { tx.inputs[0].script[0] = 0x53; }));
  refused("bad-witness-nonce-size", coinbase([](Transaction& tx) { tx.inputs[0].witness.clear(); }));
  refused("bad-witness-merkle-match", coinbase([](Transaction& tx) { tx.inputs[0].witness[0][0] = 1; }));
  refused("bad-witness-merkle-match", solved([](Block& b) { b.transactions.pop_back(); }));
  refused("unexpected-witness", coinbase([](Transaction& tx) { tx.outputs.pop_back(); }));
  refused("bad-txns-inputs-missingorspent", solved([](Block& b) {
            b.transactions.erase(b.transactions.begin() + 2, b.transactions.end());
            b.transactions[1].lock_time = 1;
            b.transactions[0].outputs.back().script = witness_commitment_script(witness_commitment({b.transactions[1].wtxid()}));
          }));
  refused("bad-cb-amount", coinbase([](Transaction& tx) { tx.outputs[0].value += Sat(1); }));
  Block poorer = good;
  poorer.transactions[0].outputs[0].value -= Sat(1);
  solve(poorer);
  CHECK_FALSE(node.submit(poorer));
}

TEST_CASE("a block of more than four million weight units is refused") {
  World w;
  Node node = w.open();
  Block b = mine_on(node.candidate());
  b.transactions[0].outputs.push_back({Sat(0), Bytes(1'000'000, 0x6a)});
  solve(b);
  CHECK(node.submit(b) == "bad-blk-weight");
}

TEST_CASE("the branch with more work wins, and the orphaned block says so [C061][X067]") {
  World w;
  Node node = w.open();
  const Hash256 fork = mine_next(node), orphan = mine_next(node);
  const Block side = mine_on(on(node, fork));
  CHECK(node.submit(side) == "inconclusive");  // as much work, but later
  CHECK(tip_of(node) == orphan);
  CHECK(confirmations_of(node, side.header.hash()) == -1);
  const Block second = mine_on(on(node, side.header.hash()));
  CHECK_FALSE(node.submit(second));
  CHECK(height_of(node) == 3);
  CHECK(confirmations_of(node, orphan) == -1);
  CHECK(confirmations_of(node, side.header.hash()) == 2);
  CHECK(confirmations_of(node, fork) == 3);
}

TEST_CASE("an invalidated block takes its descendants with it until it is reconsidered [X067]") {
  World w;
  Node node = w.open();
  const Hash256 first = mine_next(node), second = mine_next(node), third = mine_next(node);
  CHECK(node.invalidate(second));
  CHECK(tip_of(node) == first);
  CHECK(confirmations_of(node, third) == -1);
  CHECK(node.submit(mine_on(on(node, third))) == "bad-prevblk");
  const Hash256 other = mine_next(node);
  CHECK(height_of(node) == 2);
  CHECK(node.reconsider(second));
  CHECK(tip_of(node) == third);
  CHECK(confirmations_of(node, other) == -1);
  CHECK_FALSE(node.invalidate(Hash256{}));
  CHECK_FALSE(node.reconsider(Hash256{}));
  CHECK_FALSE(node.invalidate(node.with_chain([](const Chain& c) { return c.at(0)->hash; })));
}

TEST_CASE("what was accepted is there after a restart, marks too [C061]") {
  World w;
  std::vector<Hash256> hashes;
  {
    Node node = w.open();
    for (int i = 0; i < 5; ++i) hashes.push_back(mine_next(node));
    node.invalidate(hashes[3]);
  }
  Node node = w.open();
  CHECK(tip_of(node) == hashes[2]);
  CHECK(node.reconsider(hashes[3]));
  CHECK(tip_of(node) == hashes[4]);
}

TEST_CASE("a file cut at any byte gives the blocks before the cut, and goes on from there") {
  World w;
  std::vector<uint64_t> ends;
  {
    Node node = w.open();
    ends.push_back(node.size_on_disk());
    for (int i = 0; i < 3; ++i) mine_next(node), ends.push_back(node.size_on_disk());
  }
  const std::string whole = read_file(w.folder.file());
  REQUIRE(whole.size() == ends.back());
  for (size_t cut = 0; cut <= whole.size(); cut += 1 + cut % 23) {
    write_file_durably(w.folder.file(), whole.substr(0, cut), 0644);
    CAPTURE(cut);
    const auto complete = std::count_if(ends.begin() + 1, ends.end(), [&](uint64_t end) { return end <= cut; });
    Node node = w.open();
    CHECK(height_of(node) == complete);
    CHECK(node.size_on_disk() == ends[static_cast<size_t>(complete)]);
  }
  {
    write_file_durably(w.folder.file(), whole.substr(0, ends[2]) + std::string(100, '\0'), 0644);
    Node node = w.open();
    CHECK(height_of(node) == 2);
    mine_next(node);
  }
  Node node = w.open();
  CHECK(height_of(node) == 3);
}

TEST_CASE("damage before the end, and other files, are refused") {
  World w;
  uint64_t first_end = 0;
  {
    Node node = w.open();
    mine_next(node);
    first_end = node.size_on_disk();
    mine_next(node);
  }
  std::string content = read_file(w.folder.file());
  content[first_end - 20] ^= 1;
  write_file_durably(w.folder.file(), content, 0644);
  CHECK_THROWS_WITH(w.open(), Catch::Contains("damaged at byte 12"));
  write_file_durably(w.folder.file(), "{\"type\":\"share\"}", 0644);
  CHECK_THROWS_WITH(w.open(), Catch::Contains("not a file of hh-devchain"));
}

TEST_CASE("a chain keeps its bits: other bits on the command line are refused") {
  World w;
  { Node node = w.open(); }
  CHECK_THROWS_AS(Node({w.folder.path, 0x1e0aaaaa, true, 0}, w.clock), Error);
  Node node({w.folder.path, 0x1e0aaaaa, false, 0}, w.clock);
  CHECK(node.candidate().bits == easy_bits);
}

TEST_CASE("transactions are the same on every run and arrive with time") {
  World w;
  Node node = w.open();
  const auto first = node.candidate();
  w.clock.advance_ms(9'999);
  CHECK(node.candidate().long_poll_id == first.long_poll_id);
  w.clock.advance_ms(1);
  const auto second = node.candidate();
  CHECK(second.transactions.size() == first.transactions.size() + 1);
  CHECK(second.long_poll_id != first.long_poll_id);
  w.clock.advance_ms(1'000'000);
  CHECK(node.candidate().transactions.size() == max_pooled);
  for (uint32_t i = 0; i < max_pooled; ++i) {
    const auto p = pooled_transaction(7, i);
    CHECK(parse_transaction(serialize(p.tx)) == p.tx);
    CHECK(fee_of(7, p.txid) == p.fee);
    CHECK_FALSE(fee_of(8, p.txid));
    CHECK(p.fee >= Sat(1'000));
    CHECK(p.fee < Sat(21'000));
  }
}

TEST_CASE("a long poll ends at a new tip, and when the node stops") {
  World w;
  Node node = w.open();
  const Candidate c = node.candidate();
  std::thread miner_thread([&] { mine_next(node); });
  CHECK(node.wait_for_other(c.long_poll_id, 1'000'000'000));
  miner_thread.join();
  CHECK(node.wait_for_other(c.long_poll_id, 0));  // already another
  const auto id = node.candidate().long_poll_id;
  std::thread stopper([&] { node.stop(); });
  CHECK_FALSE(node.wait_for_other(id, 1'000'000'000));
  stopper.join();
}

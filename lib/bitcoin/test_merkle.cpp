// Merkle roots, Stratum's branch and the witness commitment, against real blocks and against each other.
#include <bit>

#include "bitcoin/block.h"
#include "bitcoin/merkle.h"
#include "bitcoin/test_support.h"
#include "bitcoin/vectors_block.h"

using namespace hh;
using namespace hh::bitcoin;
using test::hex;

namespace {

std::vector<Hash256> any_hashes(test::Random& random, size_t n) {
  std::vector<Hash256> hashes;
  for (; n > 0; --n) hashes.push_back(random.hash());
  return hashes;
}

// The definition, recursively and without cleverness.
Hash256 root_by_definition(std::vector<Hash256> row) {
  if (row.size() == 1) return row[0];
  std::vector<Hash256> above;
  for (size_t i = 0; i < row.size(); i += 2) {
    Bytes both(row[i].bytes.begin(), row[i].bytes.end());
    const Hash256& right = i + 1 < row.size() ? row[i + 1] : row[i];
    both.insert(both.end(), right.bytes.begin(), right.bytes.end());
    above.push_back(sha256d(both));
  }
  return root_by_definition(above);
}

}  // namespace

TEST_CASE("real blocks have the merkle root of their transactions") {
  for (const char* text : {vectors::main_170, vectors::testnet_1263442}) {
    const Block block = parse_block(hex(text));
    bool mutated = true;
    CHECK(merkle_root(block.txids(), &mutated) == block.header.merkle_root);
    CHECK_FALSE(mutated);
  }
}

TEST_CASE("the witness commitment of a real block is that of its transactions (BIP141)") {
  const Block block = parse_block(hex(vectors::testnet_1263442));
  Hash256 stated;
  REQUIRE(read_witness_commitment(block.transactions[0].outputs[1].script, stated));
  auto wtxids = block.wtxids();
  wtxids.erase(wtxids.begin());
  CHECK(witness_commitment(wtxids) == stated);
  CHECK(witness_commitment_script(stated) == block.transactions[0].outputs[1].script);
  CHECK(witness_commitment(wtxids, block.header.hash()) != stated);
}

TEST_CASE("a coinbase with its branch reaches the root of the whole list, for every size up to 70 [C062][X023]") {
  test::Random random(13);
  for (size_t n = 1; n <= 70; ++n) {
    const auto ids = any_hashes(random, n);
    const auto branch = coinbase_branch(std::span(ids).subspan(1));
    CHECK(branch.size() == static_cast<size_t>(std::bit_width(n - 1)));
    CHECK(root_from_branch(ids[0], branch) == merkle_root(ids));
    CHECK(merkle_root(ids) == root_by_definition(ids));
    CHECK(root_from_branch(random.hash(), branch) != merkle_root(ids));
  }
  CHECK(merkle_root({}).is_zero());
}

TEST_CASE("a list that repeats its end to fake a shorter one's root is seen (CVE-2012-2459)") {
  test::Random random(14);
  for (size_t n : {size_t{3}, size_t{5}, size_t{6}, size_t{7}, size_t{11}}) {
    auto ids = any_hashes(random, n);
    const Hash256 root = merkle_root(ids);
    // Repeat the last 2^k hashes, where 2^k is the largest power of two that divides n.
    const size_t tail = n & (~n + 1);
    ids.insert(ids.end(), ids.end() - static_cast<ptrdiff_t>(tail), ids.end());
    bool mutated = false;
    CHECK(merkle_root(ids, &mutated) == root);
    CHECK(mutated);
  }
}

TEST_CASE("only a script with the whole commitment counts as one") {
  test::Random random(15);
  const Hash256 h = random.hash();
  Bytes script = witness_commitment_script(h);
  CHECK(script.size() == 38);
  Hash256 found;
  script.push_back(1);  // "at least 38 bytes"
  CHECK(read_witness_commitment(script, found));
  CHECK(found == h);
  script.resize(37);
  CHECK_FALSE(read_witness_commitment(script, found));
  script = witness_commitment_script(h);
  script[2] ^= 1;
  CHECK_FALSE(read_witness_commitment(script, found));
}

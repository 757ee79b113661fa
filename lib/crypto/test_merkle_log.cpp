#include <catch2/catch.hpp>

#include "base/error.h"
#include "crypto/merkle_log.h"

using namespace hh;
using namespace hh::crypto;

namespace {

// The leaves and roots of the Certificate Transparency project's reference tests (merkle_tree_test.cc), in wide use since RFC 6962.
const std::vector<std::string> leaves_hex{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
const std::vector<std::string> roots_hex{
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::string hex(const Digest& d) { return to_hex(BytesView(d)); }

std::vector<Digest> leaf_hashes(size_t count) {
  std::vector<Digest> out;
  for (size_t i = 0; i < count; ++i) out.push_back(leaf_hash("share " + std::to_string(i)));
  return out;
}

// RFC 9162 section 2.1.1 word for word, as a second opinion.
Digest root_by_definition(std::span<const Digest> d) {
  if (d.empty()) return sha256("");
  if (d.size() == 1) return d[0];
  size_t k = 1;
  while (k * 2 < d.size()) k *= 2;
  return node_hash(root_by_definition(d.first(k)), root_by_definition(d.subspan(k)));
}

// RFC 9162 section 2.1.3.1 word for word.
std::vector<Digest> path_by_definition(size_t m, std::span<const Digest> d) {
  if (d.size() <= 1) return {};
  size_t k = 1;
  while (k * 2 < d.size()) k *= 2;
  auto path = m < k ? path_by_definition(m, d.first(k)) : path_by_definition(m - k, d.subspan(k));
  path.push_back(root_by_definition(m < k ? d.subspan(k) : d.first(k)));
  return path;
}

}  // namespace

TEST_CASE("roots of the Certificate Transparency vectors", "[C073][L103]") {
  MerkleLog log;
  CHECK(hex(log.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (size_t i = 0; i < leaves_hex.size(); ++i) {
    log.append(*from_hex(leaves_hex[i]));
    CHECK(log.size() == i + 1);
    CHECK(hex(log.root()) == roots_hex[i]);
  }
}

TEST_CASE("an inclusion proof of the Certificate Transparency vectors", "[C073]") {
  std::vector<Digest> hashes;
  for (const auto& leaf : leaves_hex) hashes.push_back(leaf_hash(*from_hex(leaf)));
  const auto proof = inclusion_proof(0, hashes);
  REQUIRE(proof.size() == 3);
  CHECK(hex(proof[0]) == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
  CHECK(hex(proof[1]) == "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e");
  CHECK(hex(proof[2]) == "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4");
}

TEST_CASE("streaming root equals the RFC's recursive definition for every size") {
  const auto hashes = leaf_hashes(260);
  MerkleLog log;
  for (size_t n = 0; n <= hashes.size(); ++n) {
    REQUIRE(log.root() == root_by_definition(std::span(hashes).first(n)));
    if (n < hashes.size()) log.append_hash(hashes[n]);
  }
}

TEST_CASE("proofs equal the RFC's recursive definition and verify, for every leaf of every size", "[C073]") {
  const auto hashes = leaf_hashes(67);
  for (size_t n = 1; n <= hashes.size(); ++n) {
    const auto tree = std::span(hashes).first(n);
    const Digest root = root_by_definition(tree);
    for (size_t i = 0; i < n; ++i) {
      const auto proof = inclusion_proof(i, tree);
      REQUIRE(proof == path_by_definition(i, tree));
      REQUIRE(verify_inclusion(tree[i], i, n, proof, root));
    }
  }
}

TEST_CASE("a proof holds for its own leaf, place, size and root only", "[C073][L103]") {
  const size_t n = 13;
  const auto hashes = leaf_hashes(n);
  const Digest root = root_by_definition(hashes);
  for (size_t i = 0; i < n; ++i) {
    const auto proof = inclusion_proof(i, hashes);
    for (size_t other = 0; other < n + 3; ++other) {
      if (other == i) continue;
      CHECK_FALSE(verify_inclusion(hashes[i], other, n, proof, root));
      if (other < n) CHECK_FALSE(verify_inclusion(hashes[other], i, n, proof, root));
    }
    for (size_t k = 0; k < proof.size(); ++k) {
      auto forged = proof;
      forged[k][31] ^= 1;
      CHECK_FALSE(verify_inclusion(hashes[i], i, n, forged, root));
    }
    auto longer = proof, shorter = proof;
    longer.push_back(root);
    shorter.pop_back();
    CHECK_FALSE(verify_inclusion(hashes[i], i, n, longer, root));
    CHECK_FALSE(verify_inclusion(hashes[i], i, n, shorter, root));
    auto other_root = root;
    other_root[0] ^= 0x80;
    CHECK_FALSE(verify_inclusion(hashes[i], i, n, proof, other_root));
  }
  CHECK_FALSE(verify_inclusion(hashes[0], 0, 0, {}, hashes[0]));
  CHECK(verify_inclusion(hashes[0], 0, 1, {}, hashes[0]));
  // A proof that goes on above the root of its tree is none, even towards a root that it would lead to.
  CHECK_FALSE(verify_inclusion(hashes[0], 0, 1, std::vector<Digest>{hashes[1]}, node_hash(hashes[1], hashes[0])));
}

TEST_CASE("an inner node cannot be passed off as a leaf, nor a list as one with its last leaf twice") {
  const auto three = leaf_hashes(3);
  auto four = three;
  four.push_back(three[2]);
  CHECK(root_by_definition(three) != root_by_definition(four));
  Bytes inner(three[0].begin(), three[0].end());
  inner.insert(inner.end(), three[1].begin(), three[1].end());
  CHECK(leaf_hash(inner) != node_hash(three[0], three[1]));
}

TEST_CASE("the frontier goes on after a restart as if nothing had happened") {
  const auto hashes = leaf_hashes(100);
  for (size_t cut = 0; cut <= 100; ++cut) {
    MerkleLog log;
    for (size_t i = 0; i < cut; ++i) log.append_hash(hashes[i]);
    auto restored = MerkleLog::restore(log.save());
    REQUIRE(restored);
    for (size_t i = cut; i < hashes.size(); ++i) restored->append_hash(hashes[i]);
    REQUIRE(restored->root() == root_by_definition(hashes));
  }
}

TEST_CASE("a frontier of the wrong length is refused") {
  MerkleLog log;
  for (const auto& h : leaf_hashes(5)) log.append_hash(h);
  const Bytes saved = log.save();
  CHECK(saved.size() == 8 + 2 * 32);
  CHECK_FALSE(MerkleLog::restore(BytesView(saved).first(saved.size() - 1)));
  CHECK_FALSE(MerkleLog::restore(BytesView(saved).first(40)));
  CHECK_FALSE(MerkleLog::restore(BytesView(saved).first(7)));
  CHECK_FALSE(MerkleLog::restore({}));
  auto longer = saved;
  longer.push_back(0);
  CHECK_FALSE(MerkleLog::restore(longer));
}

TEST_CASE("the prover wants exactly the leaves of its tree") {
  CHECK_THROWS_AS(InclusionProver(0, 0), Error);
  CHECK_THROWS_AS(InclusionProver(5, 5), Error);
  const auto hashes = leaf_hashes(3);
  InclusionProver prover(1, 2);
  prover.append_hash(hashes[0]);
  CHECK_THROWS_AS(prover.proof(), Error);
  prover.append_hash(hashes[1]);
  CHECK(prover.proof() == std::vector<Digest>{hashes[0]});
  CHECK_THROWS_AS(prover.append_hash(hashes[2]), Error);
}

// A share's hash from its job, checked on a block that everybody knows: the genesis block. [C062][C070]
#include <catch2/catch.hpp>

#include "records/share_proof.h"

using namespace hh;
using namespace hh::records;

namespace {

// Bitcoin's genesis block (chainparams.cpp of Bitcoin Core): the coinbase's script is a push of nBits, of 4, and of the headline. The
// headline's last 9 bytes stand for the extranonces.
const std::string coinbase_start = "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420";
const std::string coinbase_end = "ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000";
const std::string headline_end = "666f722062616e6b73";  // "for banks"

Job genesis_job() {
  Job j;
  j.source = "s", j.job = "0", j.chain = Network::main, j.nbits = 0x1d00ffff;
  j.coinbase_prefix = *from_hex(coinbase_start);
  j.coinbase_suffix_treasury = *from_hex(coinbase_end);
  j.extranonce1_size = 4, j.extranonce2_size = 5;
  return j;
}

Share genesis_share() {
  Share s;
  s.source = "s", s.job = "0", s.seq = 1, s.miner = "satoshi";
  const Bytes tail = *from_hex(headline_end);
  s.extranonce1.assign(tail.begin(), tail.begin() + 4);
  s.extranonce2.assign(tail.begin() + 4, tail.end());
  s.ntime = 1231006505, s.nonce = 2083236893, s.version = 1;
  s.work = 4295032833;  // of difficulty 1: floor(2^256 / (0xffff * 2^208 + 1))
  s.fee_to = FeeTo::manifest;
  return s;
}

}  // namespace

TEST_CASE("the genesis block is a share of difficulty 1 and a block", "[C062]") {
  const ShareProof p = verify_share(genesis_job(), genesis_share());
  CHECK(p.fault == "");
  CHECK(p.coinbase_txid.to_display_hex() == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b");
  CHECK(p.hash.to_display_hex() == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
  CHECK(p.is_block);
}

TEST_CASE("whatever is changed in a share, its hash no longer proves its work", "[C070]") {
  const Job job = genesis_job();
  auto broken = [&](auto change) {
    Share s = genesis_share();
    change(s);
    return !verify_share(job, s);
  };
  CHECK(broken([](Share& s) { ++s.nonce; }));
  CHECK(broken([](Share& s) { ++s.ntime; }));
  CHECK(broken([](Share& s) { ++s.version; }));
  CHECK(broken([](Share& s) { s.extranonce1[0] ^= 1; }));
  CHECK(broken([](Share& s) { s.extranonce2[4] ^= 1; }));
  CHECK(broken([](Share& s) { s.extranonce2.push_back(0); }));
  CHECK(broken([](Share& s) { s.job = "1"; }));
  CHECK(broken([](Share& s) { s.source = "t"; }));
  CHECK(broken([](Share& s) { s.work = INT64_MAX; }));
  CHECK(broken([](Share& s) { s.fee_to = FeeTo::coinbase; }));  // "satoshi" is no address
}

TEST_CASE("work becomes the largest target that has at least that work", "[X060]") {
  for (int64_t w : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}, int64_t{1000}, int64_t{65536}, int64_t{4295032833}, INT64_MAX}) {
    const bitcoin::Target t = target_of_work(w);
    CHECK(bitcoin::work_of(t) >= bitcoin::Work(static_cast<bitcoin::Uint128>(w)));
    if (w > 1) CHECK(bitcoin::work_of({t.value + bitcoin::Uint256(1)}) < bitcoin::Work(static_cast<bitcoin::Uint128>(w)));
  }
  CHECK(target_of_work(1).value == bitcoin::Uint256::max());
}

TEST_CASE("a block record must agree with its job and its share", "[C062]") {
  const Job job = genesis_job();
  const Share share = genesis_share();
  const ShareProof p = verify_share(job, share);
  Block b;
  b.source = "s", b.job = "0", b.seq = 2, b.share_seq = 1, b.nbits = job.nbits, b.miner = share.miner, b.hash = p.hash, b.coinbase_txid = p.coinbase_txid;
  const auto fault = [&](auto change) {
    Block c = b;
    change(c);
    return block_fault(c, job, view_of(share));
  };
  CHECK(fault([](Block&) {}) == "");
  CHECK(fault([](Block& c) { c.hash.bytes[0] ^= 1; }) != "");
  CHECK(fault([](Block& c) { c.coinbase_txid.bytes[0] ^= 1; }) != "");
  CHECK(fault([](Block& c) { c.height = 1; }) != "");
  CHECK(fault([](Block& c) { c.subsidy = Sat(1); }) != "");
  CHECK(fault([](Block& c) { c.miner = "mallory"; }) != "");
  CHECK(fault([](Block& c) { c.fee_to = FeeTo::coinbase; }) != "");
  CHECK(fault([](Block& c) { c.treasury_keeps = Sat(0); }) != "");
}

// Replay: a round is worked out again from its share lines, and whatever was changed in lines or record is found. [C042][C043][C093][C123]
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "payout/replay.h"
#include "payout/test_rounds.h"
#include "records/share_proof.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;
using bitcoin::Uint128;
using bitcoin::Work;

namespace {

constexpr uint32_t nbits = 0x2000ffff;  // a block takes 256 hashes, a share of these tests a few

records::Job job_of(const std::string& source) {
  records::Job j;
  j.source = source, j.job = "a1", j.chain = records::Network::regtest, j.height = 101, j.nbits = nbits, j.version = 0x20000000;
  j.subsidy = Sat(5'000'000'000), j.fees = Sat(1234);
  j.coinbase_prefix = Bytes(40, 1), j.coinbase_suffix_treasury = Bytes(50, 2), j.coinbase_suffix_head = Bytes(45, 3), j.coinbase_suffix_tail = Bytes(4, 4);
  j.extranonce1_size = 4, j.extranonce2_size = 8;
  return j;
}

// Shares of two sources in the order of time, the last one a block, and the round that the ledger would make of them.
struct Fixture {
  std::vector<records::Share> shares;
  records::Round round;

  explicit Fixture(size_t count, uint64_t seed = 1) {
    std::mt19937_64 rng(seed);
    std::map<std::string, uint64_t> seq;
    for (size_t i = 0; i < count; ++i) {
      records::Share s;
      s.source = rng() % 2 != 0 ? "pool-a" : "pool-b", s.job = "a1", s.seq = ++seq[s.source];
      s.time_ms = 1'700'000'000'000 + static_cast<int64_t>(i * 100 + rng() % 250);
      s.miner = "m" + std::to_string(rng() % 4), s.worker = "rig";
      s.work = int64_t{1} << (rng() % 5), s.version = 0x20000000;
      s.extranonce1 = Bytes(4, 7), s.extranonce2 = Bytes(8, static_cast<uint8_t>(i));
      mine(s, i + 1 == count);
      shares.push_back(s);
    }
    make_round();
  }

  static void mine(records::Share& s, bool block) {
    const records::Job job = job_of(s.source);
    for (;; ++s.nonce)
      if (const auto p = records::verify_share(job, s); p && p.is_block == block) return;
  }

  void make_round() {
    const records::Share& last = shares.back();
    round.chain = records::Network::regtest, round.round = 1, round.status = records::RoundStatus::closed;
    const std::string hash = records::verify_share(job_of(last.source), last).hash.to_display_hex();
    round.block = records::RoundBlock{101, hash, nbits, last.time_ms, Sat(5'000'000'000), Sat(1234), FeeTo::manifest, last.miner, 100};
    crypto::MerkleLog tree;
    std::map<std::string, records::RoundMiner> miners;
    for (const char* source : {"pool-a", "pool-b"}) {
      records::Cut cut{source, 1, 0};
      for (const records::Share& s : shares) {
        if (s.source != source) continue;
        cut.last_seq = s.seq;
        tree.append(records::share_line(s));
        auto& m = miners.try_emplace(s.miner, miner(s.miner, 0, 0)).first->second;
        ++m.shares, m.work += Work(static_cast<Uint128>(s.work));
      }
      round.cuts.push_back(cut);
    }
    round.merkle_root = to_hex(tree.root());
    miners.try_emplace("old", miner("old", 0, 0, 4711));  // nothing but a balance from before
    round.miners.clear();
    for (const auto& [name, m] : miners) round.miners.push_back(m), round.shares += m.shares, round.work += m.work;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> out{records::job_line(job_of("pool-a")), records::job_line(job_of("pool-b"))};
    for (const auto& s : shares) out.push_back(records::share_line(s));
    return out;
  }
};

records::Round replayed(const records::Round& round, const std::vector<std::string>& lines) {
  Replay replay(round);
  for (const std::string& line : lines) replay.add_line(line);
  return replay.finish();
}

std::string refused(const records::Round& round, const std::vector<std::string>& lines) {
  return refusal(Exit::data, [&] { replayed(round, lines); });
}

// A Fixture whose window is cut by pplns, by the slow and obvious way: a backward merge of the sources.
Fixture pplns_fixture(uint64_t seed) {
  Fixture f(120, seed);
  const Uint128 window = 512;  // factor 2 × 256 hashes
  std::map<std::string, std::vector<records::Share>> heads;
  for (const auto& s : f.shares) heads[s.source].push_back(s);
  std::map<std::string, records::RoundMiner> miners;
  std::map<std::string, records::Cut> cuts;
  Uint128 filled = 0, cut_share = 0;
  records::Round& r = f.round;
  r.shares = 0, r.work = Work();
  while (filled < window) {
    std::vector<records::Share>* best = nullptr;
    for (auto& [source, list] : heads)
      if (!list.empty() && (best == nullptr || std::pair(list.back().time_ms, source) > std::pair(best->back().time_ms, best->back().source))) best = &list;
    if (best == nullptr) break;
    const records::Share s = best->back();
    best->pop_back();
    cut_share = std::min(static_cast<Uint128>(s.work), window - filled);
    filled += cut_share;
    auto& m = miners.try_emplace(s.miner, miner(s.miner, 0, 0)).first->second;
    ++m.shares, m.work += Work(cut_share), ++r.shares, r.work += Work(cut_share);
    auto& cut = cuts.try_emplace(s.source, records::Cut{s.source, s.seq, s.seq}).first->second;
    cut.first_seq = s.seq;
  }
  r.cuts.clear(), r.miners.clear();
  crypto::MerkleLog tree;
  for (const auto& [source, cut] : cuts) {
    r.cuts.push_back(cut);
    for (const auto& s : f.shares)
      if (s.source == source && s.seq >= cut.first_seq && s.seq <= cut.last_seq) tree.append(records::share_line(s));
  }
  for (const auto& [name, m] : miners) r.miners.push_back(m);
  r.merkle_root = to_hex(tree.root());
  r.scheme = Scheme::pplns;
  r.pplns = records::PplnsWindow{2, Work(window), Work(cut_share)};
  return f;
}

}  // namespace

TEST_CASE("replay: the same round comes out, in any interleaving of sources [C043][C093][C123]", "[C043][C093][C123]") {
  const Fixture f(60);
  const std::string expected = records::round_line(f.round);
  CHECK(records::round_line(replayed(f.round, f.lines())) == expected);
  auto lines = f.lines();
  std::stable_sort(lines.begin() + 2, lines.end(), [](const auto& a, const auto& b) { return has(a, "pool-a") > has(b, "pool-a"); });
  CHECK(records::round_line(replayed(f.round, lines)) == expected);
  std::stable_sort(lines.begin() + 2, lines.end(), [](const auto& a, const auto& b) { return has(a, "pool-b") > has(b, "pool-b"); });
  CHECK(records::round_line(replayed(f.round, lines)) == expected);
}

TEST_CASE("replay: lines that are not canonical count as their canonical form; other records and other shares do not matter [C042]", "[C042]") {
  const Fixture f(20);
  auto lines = f.lines();
  lines[5].insert(1, "\"note\":\"x\", ");
  lines.push_back(R"({"type":"submission","v":1})");
  records::Share later = f.shares.back();
  later.seq += 1, later.nonce += 1;  // no proof of work, but not of this round
  lines.push_back(records::share_line(later));
  CHECK(records::round_line(replayed(f.round, lines)) == records::round_line(f.round));
}

TEST_CASE("replay: a share that is changed, left out, repeated or added is found [C042][C093]", "[C042][C093]") {
  const Fixture f(30);
  const auto changed = [&](const std::function<void(records::Share&)>& change) {
    auto lines = f.lines();
    records::Share s = f.shares[10];
    change(s);
    lines[12] = records::share_line(s);
    return refused(f.round, lines);
  };
  CHECK(changed([](records::Share&) {}) == "");
  CHECK(has(changed([](records::Share& s) { s.miner = "mallory"; }), "merkle_root is"));
  CHECK(has(changed([](records::Share& s) { s.miner = s.miner == "m1" ? "m2" : "m1"; }), "merkle_root is"));
  CHECK(has(changed([](records::Share& s) { s.time_ms += 1; }), "merkle_root is"));
  CHECK(has(changed([](records::Share& s) { s.work = 1'000'000'000; }), "misses the target of its work"));
  CHECK(has(changed([](records::Share& s) { s.job = "ff"; }), "refers to job ff"));
  CHECK(has(changed([](records::Share& s) { s.simulated = true; }), "simulated"));
  auto lines = f.lines();
  lines.erase(lines.begin() + 12);
  CHECK(has(refused(f.round, lines), fmt::format("records {0} to {0} of {1} are missing", f.shares[10].seq, f.shares[10].source)));
  lines = f.lines();
  lines.pop_back();
  CHECK(has(refused(f.round, lines), "missing"));
  lines = f.lines();
  lines.push_back(lines[12]);
  CHECK(has(refused(f.round, lines), "comes twice"));
  lines = f.lines();
  lines.erase(lines.begin());
  CHECK(has(refused(f.round, lines), "refers to job a1"));
  lines.insert(lines.begin(), R"({"type":"share")");
  CHECK_THROWS_AS(replayed(f.round, lines), Error);
}

TEST_CASE("replay: one proof of work under two numbers is found, although record and root agree with it [C042][C070][C093]", "[C042][C070][C093]") {
  Fixture f(20);
  CHECK(refused(f.round, f.lines()) == "");
  records::Share again = f.shares[3];
  ++again.seq, again.miner = "friend";
  for (size_t i = 4; i < f.shares.size(); ++i)
    if (f.shares[i].source == again.source) ++f.shares[i].seq;
  f.shares.insert(f.shares.begin() + 4, again);
  f.round = {};
  f.make_round();
  CHECK(has(refused(f.round, f.lines()), "two shares have the same hash"));
}

TEST_CASE("replay: a record that does not fit its shares is found [C043][C093]", "[C043][C093]") {
  const Fixture f(30);
  const auto changed = [&](const std::function<void(records::Round&)>& change) {
    records::Round r = f.round;
    change(r);
    return refused(r, f.lines());
  };
  CHECK(changed([](records::Round&) {}) == "");
  CHECK(has(changed([](records::Round& r) { r.miners[0].work += Work(1); }), "work of miner m0"));
  CHECK(has(changed([](records::Round& r) { ++r.miners[0].shares; }), "shares of miner m0"));
  CHECK(has(changed([](records::Round& r) { r.miners.erase(r.miners.begin()); }), "not in the round record"));
  CHECK(has(changed([](records::Round& r) { ++r.shares; }), "shares is 31"));
  CHECK(has(changed([](records::Round& r) { r.block->hash = std::string(64, 'e'); }), "no share of the round hashes to its block"));
  CHECK(has(changed([](records::Round& r) { r.block->miner = "mallory"; }), "block.miner"));
  CHECK(has(changed([](records::Round& r) { r.block->subsidy = Sat(1); }), "block.subsidy_sat"));
  CHECK(has(changed([](records::Round& r) { r.block->fees = Sat(1); }), "block.fees_sat"));
  CHECK(has(changed([](records::Round& r) { r.block->fee_to = FeeTo::coinbase; }), "block.fee_to"));
  CHECK(has(changed([](records::Round& r) { r.chain = records::Network::signet; }), "another chain"));
  CHECK(changed([](records::Round& r) { r.cuts[0].last_seq += 1; }) == "");  // a gap that the root vouches for
  CHECK(changed([](records::Round& r) { r.cuts[0].last_seq -= 1; }) != "");
  CHECK(has(changed([](records::Round& r) { r.cuts[0].first_seq += 1; }), "shares is"));
  CHECK(has(changed([](records::Round& r) { r.status = records::RoundStatus::mature; }), "only a closed round"));
}

TEST_CASE("replay: pplns counts the oldest share only as far as it fills the window [C043][C123]", "[C043][C123]") {
  int trimmed = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Fixture f = pplns_fixture(seed);
    CHECK(records::round_line(replayed(f.round, f.lines())) == records::round_line(f.round));
    records::Round wrong = f.round;
    wrong.pplns->cut_share_work += Work(1);
    CHECK(has(refused(wrong, f.lines()), "cut_share_work"));
    wrong = f.round;
    wrong.pplns->window_work += Work(1);
    CHECK(has(refusal(Exit::data, [&] { Replay{wrong}; }), "window_work"));
    wrong = f.round;
    for (auto& c : wrong.cuts) c.first_seq = c.last_seq;  // a window that is not full although there were more shares
    CHECK(has(refused(wrong, f.lines()), "do not fill the pplns window"));
    Work whole;
    for (const auto& s : f.shares)
      for (const auto& c : f.round.cuts)
        if (s.source == c.source && s.seq >= c.first_seq && s.seq <= c.last_seq) whole += Work(static_cast<Uint128>(s.work));
    if (whole > f.round.work) ++trimmed;
  }
  CHECK(trimmed >= 3);
}

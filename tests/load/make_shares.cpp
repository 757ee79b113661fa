// Many share lines, fast, for measuring: make_shares COUNT [MINERS [SOURCES]] >shares.jsonl
//
// The lines are canonical and of the size that a pool writes, with a new job every 20,000 shares, but nothing has been hashed: a ledger takes
// them, `verify --shares` would not. tests/support/make_shares.py makes shares with real work.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "records/job.h"
#include "records/share.h"

using namespace hh;
using namespace hh::records;

namespace {

constexpr size_t shares_per_job = 20'000;

std::string next_job(const std::string& source, size_t number, std::mt19937_64& random) {
  Job j;
  j.source = source, j.job = fmt::format("6553f100{:04x}", number), j.time_ms = 1'700'000'000'000;
  j.chain = Network::regtest, j.height = 1000, j.version = 0x20000000, j.nbits = 0x207fffff, j.ntime = 0x6553f100;
  j.subsidy = Sat(312'500'000), j.fees = Sat(2'000'000);
  j.coinbase_prefix.assign(60, 1), j.coinbase_suffix_treasury.assign(120, 2), j.coinbase_suffix_head.assign(60, 3), j.coinbase_suffix_tail.assign(60, 4);
  j.extranonce1_size = 4, j.extranonce2_size = 8, j.tx_count = 4096;
  for (int i = 0; i < 12; ++i) {
    bitcoin::Hash256 h;
    for (auto& b : h.bytes) b = static_cast<uint8_t>(random());
    j.merkle_branch.push_back(h);
  }
  std::puts(job_line(j).c_str());
  return j.job;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const size_t miners = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000;
  const size_t sources = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1;
  if (count == 0 || miners == 0 || sources == 0 || argc > 4) return std::fputs("usage: make_shares COUNT [MINERS [SOURCES]]\n", stderr), 64;
  std::mt19937_64 random(1);
  std::vector<std::string> names(miners), jobs(sources);
  for (size_t i = 0; i < miners; ++i) names[i] = fmt::format("bcrt1q{:036x}", random() >> 1);
  std::string line;
  for (size_t i = 0; i < count; ++i) {
    const size_t source = i % sources, turn = i / sources;
    const std::string name = fmt::format("pool-{}", source);
    if (turn % shares_per_job == 0) jobs[source] = next_job(name, turn / shares_per_job, random);
    ShareView s;
    s.source = name, s.job = jobs[source], s.seq = turn + 1, s.time_ms = static_cast<int64_t>(1'700'000'000'000 + i);
    s.miner = names[random() % miners], s.worker = random() % 2 ? "rig1" : "rig2";
    for (size_t b = 0; b < 12; ++b) s.extranonce[b] = static_cast<uint8_t>(random());
    s.extranonce1_size = 4, s.extranonce2_size = 8;
    s.ntime = 0x6553f100, s.nonce = static_cast<uint32_t>(random()), s.version = 0x20000000;
    s.work = static_cast<int64_t>(65'536) << (random() % 4);
    s.fee_to = FeeTo::coinbase;
    line.clear();
    put_share_line(line, s);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
  return std::ferror(stdout) || std::fflush(stdout) != 0 ? 74 : 0;
}

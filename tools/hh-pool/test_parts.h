// What the pool's unit tests share: a store in memory, an outlet that keeps lines, a template that any second hash solves or none does,
// and a miner that works with the pool's own parts.
#pragma once
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bitcoin/merkle.h"
#include "records/share_proof.h"
#include "bitcoin/transaction.h"
#include "session_v1.h"

namespace hh::pool::test {

namespace v1 = stratum::v1;

inline const std::string treasury = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85";  // P2WSH of OP_TRUE
inline const std::string miner_address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";                // BIP173's key hash

class MemoryStore : public Store {
 public:
  void start(std::string first_line) override { text += first_line; }
  Strain strain() const override { return failed_.empty() ? strained : Strain::failed; }
  StoreFigures figures() const override { return {strain()}; }
  void write(std::string lines, Acks acks, bool urgent) override {
    if (failed_.empty()) text += lines, urgent_seen = urgent_seen || urgent;
    answer(acks, failed_.empty());
  }
  void close(int64_t) override {}
  std::string rest(int64_t) override { return failed_; }
  void go_on() override {}
  void fail(std::string why) { failed_ = std::move(why); }
  std::vector<std::string> lines(const std::string& type) const {
    std::vector<std::string> out;
    for (size_t start = 0, end; (end = text.find('\n', start)) != std::string::npos; start = end + 1)
      if (const std::string line = text.substr(start, end - start); line.starts_with("{\"type\":\"" + type + "\"")) out.push_back(line);
    return out;
  }
  std::string text;
  Strain strained = Strain::none;
  bool urgent_seen = false;
};

class Lines : public Outlet {
 public:
  void send(std::string_view line) override { sent.emplace_back(line); }
  void send_now(std::span<const std::string_view> pieces) override {
    sent.emplace_back();
    for (const std::string_view piece : pieces) sent.back() += piece;
  }
  void close(const char* why) override { closed = why; }
  void offended(Offence what) override { offences.push_back(what); }
  void mines() override { ++mining; }
  std::string take() {
    std::string all;
    for (const auto& line : sent) all += line;
    sent.clear();
    return all;
  }
  std::vector<std::string> sent;
  std::string closed;
  std::vector<Offence> offences;
  int mining = 0;
};

// bits 0x207fffff: regtest, every second hash is a block. 0x1d00ffff: difficulty 1, no test finds a block.
inline std::shared_ptr<bitcoin::BlockTemplate> simple_template(uint32_t bits = 0x1d00ffff, uint32_t height = 200) {
  auto t = std::make_shared<bitcoin::BlockTemplate>();
  t->height = height;
  t->prev_hash.bytes.fill(static_cast<uint8_t>(height));
  t->version = 0x20000000;
  t->curtime = 1'700'000'000;
  t->mintime = 1'699'999'000;
  t->bits = bits;
  t->target = *bitcoin::Target::from_compact(bits);
  t->subsidy = Sat(2'500'000'000);
  t->fees = Sat(12'345);
  return t;
}

inline JobMaker job_maker(uint64_t run = 0x18b'cfe5'6800, const std::string& source = "pool", std::optional<int64_t> solo_fee_ppm = std::nullopt) {
  return JobMaker({source, bitcoin::Network::regtest, bitcoin::script_from_address(treasury, bitcoin::Network::regtest).script, "/test/", run, solo_fee_ppm});
}

// A pool whose outside is in memory.
struct TestPool {
  explicit TestPool(PoolConfig c = {}) : config(std::move(c)) {
    config.source = "pool";
    config.chain = bitcoin::Network::regtest;
    pool = std::make_unique<Pool>(config, miners, recorder, clock,
                                  Pool::Outside{[this](Submitter::FoundBlock b) { submitted.push_back(std::move(b)), lines_at_submit = store.text; },
                                                [this](std::string_view id, uint64_t last) { return maker.was_ours(id, last); }});
  }
  void end_turn() {
    recorder.flush();
    pool->answer();
    pool->notify_some(SIZE_MAX);
  }
  std::shared_ptr<const Job> give(std::shared_ptr<const bitcoin::BlockTemplate> t, bool new_tip = true) {
    auto job = maker.make(std::move(t), new_tip, clock.unix_ms());
    pool->on_job(job);
    end_turn();
    return job;
  }
  PoolConfig config;
  FakeClock clock;
  Miners miners{bitcoin::Network::regtest, "", {}, false};
  MemoryStore store;
  Recorder recorder{"pool", false, 0, store};
  JobMaker maker = job_maker();
  std::vector<Submitter::FoundBlock> submitted;
  std::string lines_at_submit;
  std::unique_ptr<Pool> pool;
};

// A miner at the other end of a session.
struct TestMiner {
  explicit TestMiner(TestPool& p, const std::string& user = miner_address + ".rig") : test(p), user_name(user), session(SessionV1::make(*p.pool, out, "test")) {}
  std::string say(const std::string& line) {
    out.take();
    session->line(line);
    test.end_turn();
    return out.take();
  }
  void log_in() {
    const std::string answer = say(R"({"id":1,"method":"mining.subscribe","params":["t"]})");
    extranonce1 = answer.substr(answer.find("]],\"") + 4, 8);
    REQUIRE(say(v1::authorize_line(2, user_name, "x")).find("{\"id\":2,\"result\":true") == 0);
  }
  // A share that meets the target (or misses it); the counter makes each differ.
  v1::Submit find(const Job& job, const bitcoin::Target& target, bool meets = true, uint32_t version_bits = 0) {
    LiveJob live(test.pool->find(job.record.job) != nullptr ? test.pool->find(job.record.job)->shared() : std::make_shared<const Job>(job));
    const auto who = std::get<Identity>(test.miners.identify(user_name));
    bitcoin::BlockHeader h;
    h.version = job.record.version | version_bits;
    h.prev_hash = job.record.prev_hash;
    h.time = job.record.ntime;
    h.bits = job.record.nbits;
    Bytes e2(8, 0);
    e2[7] = static_cast<uint8_t>(++count);
    h.merkle_root = bitcoin::root_from_branch(live.coinbase_txid(*from_hex(extranonce1), e2, who.script), job.record.merkle_branch);
    while (target.met_by(h.hash()) != meets) ++h.nonce;
    extranonces2.push_back(to_hex(e2));
    v1::Submit s{user_name, job.record.job, extranonces2.back(), h.time, h.nonce, std::nullopt};
    return s;
  }
  std::string submit(const v1::Submit& s) {
    return say(v1::submit_line(9, {s.user, s.job, from_hex(s.extranonce2).value_or(Bytes{}), s.ntime, s.nonce, s.version_bits}));
  }
  TestPool& test;
  Lines out;
  std::string user_name, extranonce1;
  std::deque<std::string> extranonces2;  // what the submits point to
  std::shared_ptr<SessionV1> session;
  uint32_t count = 0;
};

inline bitcoin::Target easy() { return bitcoin::target_of(bitcoin::Difficulty(1 << 12)); }  // one in about 4,000 hashes

}  // namespace hh::pool::test

// Plays what known firmware says (testdata/dialects) against a session, line by line. [C125][X022]
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "test_parts.h"

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

namespace {

// pattern: * stands for any text.
bool matches(std::string_view text, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return text == pattern;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  for (size_t from = star; from <= text.size(); ++from)
    if (matches(text.substr(from), pattern.substr(star + 1))) return true;
  return false;
}

std::shared_ptr<bitcoin::BlockTemplate> template_with_a_transaction(uint32_t height) {
  auto t = simple_template(0x1d00ffff, height);
  bitcoin::TemplateTransaction tx;
  tx.data_hex = "0200000000000000";
  t->transactions.push_back(tx);
  return t;
}

class Play {
 public:
  explicit Play(const std::string& path) : pool_(config()), miner_(pool_) {
    give(true);
    std::ifstream file(path);
    REQUIRE(file);
    int number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      INFO(std::filesystem::path(path).filename().string() << ":" << number << ": " << line);
      if (line.empty() || line[0] == '#') continue;
      REQUIRE(line.size() > 2);
      const std::string rest = line.substr(2);
      if (line[0] == '<') {
        REQUIRE_FALSE(answers_.empty());
        INFO("it was " << answers_.front());
        CHECK(matches(answers_.front(), rest));
        answers_.erase(answers_.begin());
        continue;
      }
      for (const auto& unexpected : answers_) FAIL_CHECK("not expected: " << unexpected);
      answers_.clear();
      if (line[0] == '>') say(rest);
      else act(rest);
      ++steps;
    }
    for (const auto& unexpected : answers_) FAIL_CHECK("not expected at the end: " << unexpected);
    CHECK(miner_.out.closed.empty());
  }
  int steps = 0;
  size_t shares() const { return pool_.store.lines("share").size(); }
  // Each share's record proves itself.
  void verify() const {
    std::map<std::string, records::Job> jobs;
    for (const auto& line : pool_.store.lines("job")) {
      const auto job = records::parse_job(json::parse(line));
      jobs[job.job] = job;
    }
    for (const auto& line : pool_.store.lines("share")) {
      const auto share = records::parse_share_line(line);
      CHECK(records::verify_share(jobs.at(share.job), share).fault.empty());
    }
  }

 private:
  static PoolConfig config() {
    PoolConfig c;
    c.start_difficulty = *bitcoin::Difficulty::from_text("0.000001");
    c.vardiff.least = bitcoin::Difficulty(1 << 10);
    c.vardiff.shares_per_minute = 0;
    return c;
  }
  void give(bool new_tip) { job_ = pool_.give(template_with_a_transaction(new_tip ? ++height_ : height_), new_tip); }

  void say(std::string line) {
    for (auto at = words_.rbegin(); at != words_.rend(); ++at) {  // longer names before those that they begin with
      const std::string name = "$" + at->first;
      for (size_t found; (found = line.find(name)) != std::string::npos;) line.replace(found, name.size(), at->second);
    }
    REQUIRE(line.find('$') == std::string::npos);
    miner_.out.take();
    miner_.session->line(line);
    pool_.end_turn();
    collect();
  }

  void collect() {
    std::istringstream sent(miner_.out.take());
    for (std::string line; std::getline(sent, line);) {
      const auto parsed = parser_.server_message(line);
      REQUIRE(std::holds_alternative<v1::ServerMessage>(parsed.value));
      const auto& message = std::get<v1::ServerMessage>(parsed.value);
      if (const auto* d = std::get_if<v1::SetDifficulty>(&message)) target_ = bitcoin::target_of(d->difficulty);
      if (const auto* n = std::get_if<v1::Notify>(&message)) words_["JOB"] = std::string(n->job);
      if (const auto* r = std::get_if<v1::Response>(&message); r != nullptr && r->subscribed) miner_.extranonce1 = to_hex(r->subscribed->extranonce1);
      answers_.push_back(line);
    }
  }

  void act(const std::string& what) {
    std::istringstream words(what);
    std::string who, verb, a, b, c;
    words >> who >> verb;
    miner_.out.take();
    if (who == "find") return find(verb, words);
    REQUIRE(who == "pool");
    if (verb == "message") {
      std::getline(words >> std::ws, a);
      pool_.pool->show_message(a);
    } else if (verb == "reconnect") {
      words >> a >> b >> c;
      pool_.pool->reconnect(a, static_cast<uint16_t>(std::stoul(b)), static_cast<uint32_t>(std::stoul(c)));
    } else if (verb == "mask") {
      words >> a;
      pool_.config.version_mask = static_cast<uint32_t>(std::stoul(a, nullptr, 16));
      pool_.pool->reload(pool_.config);
    } else if (verb == "job" || verb == "tip") {
      give(verb == "tip");
    } else if (verb == "tick") {
      words >> a;
      pool_.clock.advance_ms(std::stol(a));
      pool_.pool->tick();
    } else {
      FAIL("no such action: " << verb);
    }
    collect();
  }

  void find(const std::string& what, std::istringstream& words) {
    std::string bits = "0";
    if (what == "rolled") words >> bits;
    const auto rolled = static_cast<uint32_t>(std::stoul(bits, nullptr, 16));
    REQUIRE((what == "good" || what == "poor" || what == "rolled"));
    const v1::Submit s = miner_.find(*job_, target_, what != "poor", rolled);
    words_["FOUND_JOB"] = words_["JOB"];
    words_["E2"] = std::string(s.extranonce2);
    std::string upper(s.extranonce2);
    for (char& ch : upper) ch = static_cast<char>(std::toupper(static_cast<unsigned char>(ch)));
    words_["E2_UPPER"] = upper;
    words_["NTIME"] = v1::hex8(s.ntime);
    words_["NTIME_NUMBER"] = std::to_string(s.ntime);
    words_["NONCE"] = v1::hex8(s.nonce);
    words_["NONCE_NUMBER"] = std::to_string(s.nonce);
    words_["BITS"] = v1::hex8(rolled);
    words_["VERSION"] = v1::hex8(job_->record.version | rolled);
  }

  TestPool pool_;
  TestMiner miner_;
  uint32_t height_ = 199;
  std::shared_ptr<const Job> job_;
  bitcoin::Target target_;
  std::map<std::string, std::string> words_{{"USER", miner_address + ".rig"}};
  std::vector<std::string> answers_;
  v1::Parser parser_;
};

struct Dialect {
  const char* name;
  size_t shares;  // that count
};

}  // namespace

TEST_CASE("the dialects of known firmware, line by line [C125][X022]", "[C125][X022]") {
  const std::vector<Dialect> dialects{{"cgminer", 4}, {"bfgminer", 1}, {"bmminer", 3}, {"bosminer", 2}, {"nicehash", 3}, {"esp-miner", 1}, {"odd", 3}};
  for (const Dialect& d : dialects) {
    Play play(std::string(TEST_DATA) + "/dialects/" + d.name + ".txt");
    INFO(d.name);
    CHECK(play.steps > 8);
    CHECK(play.shares() == d.shares);
    play.verify();
  }
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TEST_DATA) + "/dialects")) files += entry.path().extension() == ".txt";
  CHECK(files == dialects.size() + 1);  // and what the form of the files is
}

// The two readers of share lines agree, and neither accepts what the contract forbids. [C042]
#include <catch2/catch.hpp>

#include "base/error.h"
#include "records/block.h"
#include "records/job.h"
#include "records/share.h"

using namespace hh;
using namespace hh::records;

namespace {

const std::string canonical =
    R"({"type":"share","v":1,"source":"pool-a","seq":7,"time_ms":1700000000250,"job":"6553f100","miner":"alice","worker":"rig 1","extranonce1":"0a0b0c0d","extranonce2":"0102030405060708","ntime":"6553f101","nonce":"deadbeef","version":"20000000","work":"9223372036854775807","fee_to":"manifest"})";

std::string with(const std::string& from, const std::string& to) {
  std::string line = canonical;
  const auto at = line.find(from);
  REQUIRE(at != std::string::npos);
  return line.replace(at, from.size(), to);
}

bool refuses(const std::string& line) {
  CHECK_FALSE(scan_share(line));
  try {
    parse_share_line(line);
  } catch (const Error& e) {
    return e.code() == Exit::data;
  }
  return false;
}

}  // namespace

TEST_CASE("a canonical share line is read by both readers alike and written back byte for byte", "[C042]") {
  for (const std::string& line : {canonical, with(R"(,"job")", R"(,"simulated":true,"job")"), with("\"manifest\"", R"("coinbase","address":"bc1qxyz")"),
                                  with("rig 1", ""), with("0a0b0c0d", "")}) {
    const auto view = scan_share(line);
    REQUIRE(view);
    CHECK(to_share(*view) == parse_share(json::parse(line)));
    CHECK(share_line(to_share(*view)) == line);
  }
}

TEST_CASE("the values of a share come out as they went in", "[C042]") {
  const Share s = parse_share_line(canonical);
  CHECK(s.source == "pool-a");
  CHECK(s.seq == 7);
  CHECK(s.time_ms == 1700000000250);
  CHECK(s.worker == "rig 1");
  CHECK(to_hex(s.extranonce1) == "0a0b0c0d");
  CHECK(to_hex(s.extranonce2) == "0102030405060708");
  CHECK(s.nonce == 0xdeadbeefu);
  CHECK(s.work == INT64_MAX);
  CHECK(s.fee_to == FeeTo::manifest);
}

TEST_CASE("other spellings of the same share give the canonical line", "[C042]") {
  CHECK(share_line(parse_share_line(with("{\"type\"", "{ \"type\""))) == canonical);
  CHECK(share_line(parse_share_line(with("alice", "\\u0061lice"))) == canonical);
  CHECK(share_line(parse_share_line(with("\"manifest\"", R"("manifest","added_later":[1,2])"))) == canonical);
  const std::string quoted = with("rig 1", R"(r\"\\g)");
  CHECK(parse_share_line(quoted).worker == "r\"\\g");
  CHECK(share_line(parse_share_line(quoted)) == quoted);
  const std::string utf8 = with("rig 1", "gr\xc3\xbc\xc3\x9f");
  CHECK(share_line(parse_share_line(utf8)) == utf8);
}

TEST_CASE("bad share lines are refused, whichever reader sees them", "[C042]") {
  CHECK(refuses(canonical.substr(0, canonical.size() - 1)));
  CHECK(refuses(canonical + "x"));
  CHECK(refuses(with("\"v\":1", "\"v\":2")));
  CHECK(refuses(with("\"v\":1", "\"v\":1,\"v\":1")));
  CHECK(refuses(with("\"seq\":7", "\"seq\":0")));
  CHECK(refuses(with("\"seq\":7", "\"seq\":-7")));
  CHECK(refuses(with("\"seq\":7", "\"seq\":7.0")));
  CHECK(refuses(with("\"seq\":7", "\"seq\":\"7\"")));
  CHECK(refuses(with("\"seq\":7", "\"seq\":07")));
  CHECK(refuses(with("\"seq\":7", "\"seq\":1099511627776")));
  CHECK(refuses(with("\"seq\":7", "\"seq\":18446744073709551623")));  // 7 in 64 bits
  CHECK(refuses(with("1700000000250", "9007199254740992")));
  CHECK(refuses(with("9223372036854775807", "9223372036854775808")));
  CHECK(refuses(with("9223372036854775807", "0")));
  CHECK(refuses(with("9223372036854775807", "007")));
  CHECK(refuses(with("\"9223372036854775807\"", "7")));
  CHECK(refuses(with("alice", "")));
  CHECK(refuses(with("alice", "a lice")));
  CHECK(refuses(with("alice", std::string(129, 'a'))));
  CHECK(refuses(with("rig 1", "rig\t1")));
  CHECK(refuses(with("rig 1", "rig\\u00071")));
  CHECK(refuses(with("rig 1", "rig\xff")));
  CHECK(refuses(with("deadbeef", "DEADBEEF")));
  CHECK(refuses(with("deadbeef", "deadbee")));
  CHECK(refuses(with("0a0b0c0d", "0a0b0c0")));
  CHECK(refuses(with("0a0b0c0d", std::string(64, 'a'))));  // with extranonce2: more than 32 bytes
  CHECK(refuses(with("\"manifest\"", "\"me\"")));
  CHECK(refuses(with("\"job\":\"6553f100\"", "\"job\":null")));
  CHECK(refuses(with("\"job\":\"6553f100\",", "")));
  CHECK(refuses(with("\"job\"", "\"simulated\":false,\"job\"")));
}

TEST_CASE("a dev chain must say that it is simulated", "[C042]") {
  Block b;
  b.source = "s", b.job = "1", b.miner = "m", b.seq = 2, b.share_seq = 1, b.chain = Network::dev;
  CHECK_THROWS_AS(parse_block(json::parse(block_line(b))), Error);
  b.simulated = true;
  CHECK(parse_block(json::parse(block_line(b))) == b);
  Job j;
  j.source = "s", j.job = "1", j.nbits = 0x207fffff, j.chain = Network::dev;
  CHECK_THROWS_AS(parse_job(json::parse(job_line(j))), Error);
  j.simulated = true;
  CHECK(parse_job(json::parse(job_line(j))) == j);
}

TEST_CASE("a block comes right after its share and money is in range", "[C042]") {
  Block b;
  b.source = "s", b.job = "1", b.miner = "m", b.seq = 3, b.share_seq = 1, b.chain = Network::regtest;
  CHECK_THROWS_AS(parse_block(json::parse(block_line(b))), Error);
  b.share_seq = 2;
  b.subsidy = Sat(-1);
  CHECK_THROWS_AS(parse_block(json::parse(block_line(b))), Error);
  b.subsidy = Sat(1) + max_money;
  CHECK_THROWS_AS(parse_block(json::parse(block_line(b))), Error);
}

TEST_CASE("a solo job and block say what the treasury keeps, and nothing that cannot be", "[C042][C061]") {
  Block b;
  b.source = "s", b.job = "1", b.miner = "m", b.seq = 2, b.share_seq = 1, b.chain = Network::regtest, b.subsidy = Sat(100), b.fees = Sat(10), b.fee_to = FeeTo::coinbase;
  CHECK(block_line(b).find("subsidy_to") == std::string::npos);
  b.treasury_keeps = Sat(110);
  const std::string line = block_line(b);
  CHECK(line.find("\"subsidy_to\":\"miner\",\"treasury_sat\":110") != std::string::npos);
  CHECK(parse_block(json::parse(line)) == b);
  const auto refuses = [&](const std::string& part, const std::string& with) {
    std::string other = line;
    other.replace(other.find(part), part.size(), with);
    CHECK_THROWS_AS(parse_block(json::parse(other)), Error);
  };
  refuses("\"treasury_sat\":110", "\"treasury_sat\":111");
  refuses("\"treasury_sat\":110", "\"treasury_sat\":-1");
  refuses(",\"treasury_sat\":110", "");
  refuses("\"subsidy_to\":\"miner\",", "");
  refuses("\"miner\",\"treasury", "\"treasury\",\"treasury");
  refuses("\"fee_to\":\"coinbase\"", "\"fee_to\":\"manifest\"");
  Job j;
  j.source = "s", j.job = "1", j.nbits = 0x207fffff, j.chain = Network::regtest, j.subsidy = Sat(5), j.treasury_keeps = Sat(0);
  CHECK(parse_job(json::parse(job_line(j))) == j);
  j.treasury_keeps = Sat(6);
  CHECK_THROWS_AS(parse_job(json::parse(job_line(j))), Error);
}

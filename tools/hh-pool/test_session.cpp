#include "test_parts.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace hh;
using namespace hh::pool;
using namespace hh::pool::test;

TEST_CASE("work starts once subscribed and authorized, in either order [C125]", "[C125]") {
  TestPool p;
  p.give(simple_template());
  TestMiner a(p), b(p);
  CHECK(a.say(R"({"id":1,"method":"mining.subscribe","params":[]})").find("mining.notify\",\"params") == std::string::npos);
  const std::string first = a.say(v1::authorize_line(2, miner_address, "x"));
  CHECK(first.find("{\"id\":2,\"result\":true") == 0);
  CHECK(first.find("mining.set_difficulty") < first.find("\"method\":\"mining.notify\""));
  CHECK(first.find("\"method\":\"mining.notify\"") != std::string::npos);
  b.say(v1::authorize_line(2, miner_address, "x"));
  CHECK(b.say(R"({"id":1,"method":"mining.subscribe","params":[]})").find("\"method\":\"mining.notify\"") != std::string::npos);
}

TEST_CASE("names: addresses, workers, other networks, strangers [C065]", "[C065]") {
  TestPool p;
  p.give(simple_template());
  const auto authorize = [&](const std::string& user) {
    TestMiner m(p, user);
    m.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
    return m.say(v1::authorize_line(2, user, "x"));
  };
  CHECK(authorize(miner_address).find("\"result\":true") != std::string::npos);
  CHECK(authorize(miner_address + ".a.b").find("\"result\":true") != std::string::npos);
  CHECK(authorize("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4").find("is an address of main, not of regtest") != std::string::npos);
  CHECK(authorize("nobody").find("[24,\"the user name is neither a known miner nor an address of regtest") != std::string::npos);
  CHECK(authorize("").find("[24,") != std::string::npos);
  CHECK(authorize("a b.rig").find("[24,") != std::string::npos);
  CHECK(authorize(miner_address + "." + std::string(129, 'x')).find("[24,") != std::string::npos);
  CHECK(authorize(miner_address + ".a\x01").find("[24,") != std::string::npos);
}

TEST_CASE("capital letters make no second account [C065]", "[C065]") {
  const Miners miners(bitcoin::Network::regtest, "", {}, false);
  std::string upper = miner_address;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(std::get<Identity>(miners.identify(upper)).miner == miner_address);
}

TEST_CASE("one connection is one miner's [C065]", "[C065]") {
  TestPool p;
  p.give(simple_template());
  TestMiner m(p);
  m.log_in();
  CHECK(m.say(v1::authorize_line(5, miner_address + ".second", "x")).find("\"result\":true") != std::string::npos);
  CHECK(m.say(v1::authorize_line(6, treasury, "x")).find("this connection works for another miner") != std::string::npos);
}

TEST_CASE("aliases come from the miners file and are read again when it changes [C065]", "[C065]") {
  const std::string path = (std::filesystem::temp_directory_path() / ("miners." + std::to_string(::getpid()))).string();
  std::ofstream(path) << R"({"type":"miner","v":1,"miner":"alice","address":")" << miner_address << "\"}\n" << R"({"type":"miner","v":1,"miner":"bob"})" << "\n";
  Miners miners(bitcoin::Network::regtest, path, {}, false);
  miners.load();
  const auto alice = std::get<Identity>(miners.identify("alice.rig"));
  CHECK(alice.miner == "alice");
  CHECK(alice.address == miner_address);
  CHECK_FALSE(alice.script.empty());
  CHECK(std::get<Identity>(miners.identify("bob")).script.empty());
  CHECK_FALSE(miners.load_if_changed());
  std::ofstream(path, std::ios::app) << R"({"type":"miner","v":1,"miner":"carol"})" << "\n";
  CHECK(miners.load_if_changed());
  CHECK(std::holds_alternative<Identity>(miners.identify("carol")));
  std::ofstream(path, std::ios::app) << "{torn\n";
  CHECK_THROWS_AS(miners.load_if_changed(), Error);
  CHECK(std::holds_alternative<Identity>(miners.identify("carol")));  // what was known stays
  std::remove(path.c_str());
}

TEST_CASE("an alias's share says where its fees went [C065]", "[C065]") {
  const std::string path = (std::filesystem::temp_directory_path() / ("alias." + std::to_string(::getpid()))).string();
  std::ofstream(path) << R"({"type":"miner","v":1,"miner":"alice","address":")" << miner_address << "\"}\n" << R"({"type":"miner","v":1,"miner":"bob"})" << "\n";
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  TestPool p(c);
  p.miners = Miners(bitcoin::Network::regtest, path, {}, false);
  p.miners.load();
  const auto job = p.give(simple_template());
  for (const std::string name : {"alice", "bob"}) {
    TestMiner m(p, name);
    m.log_in();
    m.submit(m.find(*job, easy()));
  }
  const auto lines = p.store.lines("share");
  REQUIRE(lines.size() == 2);
  const auto alice = records::parse_share_line(lines[0]), bob = records::parse_share_line(lines[1]);
  CHECK(alice.fee_to == records::FeeTo::coinbase);
  CHECK(alice.address == miner_address);
  CHECK(bob.fee_to == records::FeeTo::manifest);
  CHECK(bob.address.empty());
  for (const auto& s : {alice, bob}) CHECK(records::verify_share(job->record, s).fault.empty());
  std::remove(path.c_str());
}

TEST_CASE("who does not speak the protocol is let go [C125]", "[C125]") {
  TestPool p;
  TestMiner http(p), noise(p), silent(p), idle(p);
  http.say("GET / HTTP/1.1");
  CHECK_FALSE(http.out.closed.empty());
  noise.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  for (int i = 0; i < 9; ++i) noise.say("{");
  CHECK(noise.out.closed.empty());
  noise.say("{");
  CHECK_FALSE(noise.out.closed.empty());
  idle.log_in();
  p.clock.advance_ms(30'001);
  p.pool->tick();
  CHECK(silent.out.closed == "it did not authorize in time");
  CHECK(idle.out.closed.empty());
  p.clock.advance_ms(270'000);
  p.pool->tick();
  CHECK(idle.out.take().find("mining.ping") != std::string::npos);  // asked once
  p.clock.advance_ms(270'000);
  p.pool->tick();
  CHECK(idle.out.take().find("mining.ping") == std::string::npos);
  CHECK(idle.out.closed.empty());
  p.clock.advance_ms(60'000);
  p.pool->tick();
  CHECK(idle.out.closed == "it was silent for too long");
}

TEST_CASE("extranonces differ between connections [C125]", "[C125]") {
  TestPool p;
  p.give(simple_template());
  TestMiner a(p), b(p);
  a.log_in();
  b.log_in();
  CHECK(a.extranonce1 != b.extranonce1);
}

TEST_CASE("the difficulty never exceeds the network's, so that no block is lost [C125]", "[C125]") {
  TestPool p;
  p.give(simple_template(0x207fffff));
  TestMiner m(p);
  m.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  CHECK(m.say(v1::authorize_line(2, miner_address, "x")).find("\"params\":[0.0000000004656612873077392578125]") != std::string::npos);
}

TEST_CASE("a new job reaches everybody once, a few in each turn, while shares are taken [C124]", "[C124]") {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  TestPool p(c);
  const auto before = p.give(simple_template());
  TestMiner a(p), b(p), late(p);
  auto leaver = std::make_unique<TestMiner>(p);
  for (TestMiner* m : {&a, &b, leaver.get()}) m->log_in(), m->out.take();
  const auto job = p.maker.make(simple_template(0x1d00ffff, 201), true, p.clock.unix_ms());
  const auto told = [&](TestMiner& m) {
    const std::string all = m.out.take();
    return all.find("\"" + job->record.job + "\"") != std::string::npos;
  };
  p.pool->on_job(job);
  CHECK_FALSE(told(a));
  CHECK(p.pool->notify_some(1));
  const int first = told(a) + told(b) + told(*leaver);
  CHECK(first <= 1);  // the one that was told may be the one that has not logged in
  const auto share = a.find(*before, easy());
  a.session->line(v1::submit_line(9, {share.user, share.job, from_hex(share.extranonce2).value_or(Bytes{}), share.ntime, share.nonce, std::nullopt}));
  p.recorder.flush();
  CHECK(a.out.take().find("\"result\":true") != std::string::npos);
  late.session->line(R"({"id":1,"method":"mining.subscribe","params":["t"]})");
  late.session->line(v1::authorize_line(2, miner_address, "x"));
  CHECK(told(late));
  leaver.reset();
  CHECK_FALSE(p.pool->notify_some(10));
  CHECK(first + told(a) + told(b) >= 2);
  CHECK_FALSE(told(late));  // not a second time
  const auto next = p.maker.make(simple_template(0x1d00ffff, 201), false, p.clock.unix_ms());
  p.pool->on_job(next);
  const auto third = p.maker.make(simple_template(0x1d00ffff, 201), false, p.clock.unix_ms());
  p.pool->on_job(third);  // whoever has not got the second one gets it now
  for (TestMiner* m : {&a, &b, &late}) CHECK(m->out.take().find("\"" + next->record.job + "\"") != std::string::npos);
}

TEST_CASE("solo: who has no address is refused, a block pays its finder, and its record says so [C061][C062][C065]", "[C061][C062][C065]") {
  const std::string path = (std::filesystem::temp_directory_path() / ("solo." + std::to_string(::getpid()))).string();
  std::ofstream(path) << R"({"type":"miner","v":1,"miner":"alice","address":")" << miner_address << "\"}\n" << R"({"type":"miner","v":1,"miner":"bob"})" << "\n";
  TestPool p;
  p.maker = job_maker(0x18b'cfe5'6800, "pool", 10'000);
  p.miners = Miners(bitcoin::Network::regtest, path, {}, true);
  p.miners.load();
  std::remove(path.c_str());
  const auto job = p.give(simple_template(0x207fffff));
  TestMiner bob(p, "bob");
  bob.say(R"({"id":1,"method":"mining.subscribe","params":[]})");
  CHECK(bob.say(v1::authorize_line(2, "bob", "x")).find("[24,\"this pool pays a block to its finder") != std::string::npos);
  TestMiner alice(p, "alice");
  alice.log_in();
  alice.submit(alice.find(*job, job->block_template->target));
  REQUIRE(p.submitted.size() == 1);
  const auto coinbase = bitcoin::parse_transaction(p.submitted[0].coinbase);
  const Sat reward = job->record.subsidy + job->record.fees, kept(25'000'123);
  CHECK(coinbase.outputs.at(0).value == kept);
  CHECK(coinbase.outputs.at(1) == bitcoin::TxOutput{reward - kept, bitcoin::script_from_address(miner_address, bitcoin::Network::regtest).script});
  const auto block = records::parse_block(json::parse(p.store.lines("block").at(0)));
  const auto share = records::parse_share_line(p.store.lines("share").at(0));
  CHECK(block.treasury_keeps == kept);
  CHECK(records::block_fault(block, job->record, records::view_of(share)).empty());
}

TEST_CASE("pay_to: a worker's address goes before its user's; another coinbase needs another connection [C062][C065]", "[C062][C065]") {
  PoolConfig c;
  c.start_difficulty = bitcoin::Difficulty(1 << 12);
  TestPool p(c);
  p.miners = Miners(bitcoin::Network::regtest, "", parse_pay_to({miner_address + ".rig7=" + treasury}, bitcoin::Network::regtest), false);
  const auto job = p.give(simple_template());
  TestMiner own(p, miner_address + ".rig"), elsewhere(p, miner_address + ".rig7");
  for (TestMiner* m : {&own, &elsewhere}) {
    m->log_in();
    CHECK(m->submit(m->find(*job, easy())).find("\"result\":true") != std::string::npos);
  }
  CHECK(own.say(v1::authorize_line(3, miner_address + ".rig8", "x")).find("\"result\":true") != std::string::npos);
  CHECK(own.say(v1::authorize_line(4, miner_address + ".rig7", "x")).find("[24,\"this worker is paid at another address") != std::string::npos);
  const auto lines = p.store.lines("share");
  const auto first = records::parse_share_line(lines.at(0)), second = records::parse_share_line(lines.at(1));
  CHECK(first.address.empty());
  CHECK(second.miner == miner_address);
  CHECK(second.address == treasury);
  for (const auto& s : {first, second}) CHECK(records::verify_share(job->record, s).fault.empty());
}

TEST_CASE("pay_to: users, workers and aliases; what is none is refused [C065]", "[C065]") {
  const auto network = bitcoin::Network::regtest;
  std::string capitals = miner_address;
  for (char& ch : capitals) ch = static_cast<char>(std::toupper(static_cast<unsigned char>(ch)));
  const Miners miners(network, "", parse_pay_to({capitals + "=" + treasury, miner_address + ".a.b=c=" + miner_address}, network), false);
  CHECK(std::get<Identity>(miners.identify(miner_address)).address == treasury);
  CHECK(std::get<Identity>(miners.identify(miner_address + ".x")).address == treasury);
  const auto own = std::get<Identity>(miners.identify(miner_address + ".a.b=c"));
  CHECK(own.address.empty());  // the account itself
  CHECK(own.script == bitcoin::script_from_address(miner_address, network).script);
  for (const std::string& wrong : std::vector<std::string>{"alice", "=" + treasury, "alice=nowhere", "al ice=" + treasury, "alice.=" + treasury, std::string(129, 'a') + "=" + treasury, "alice=tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"})
    CHECK_THROWS_AS(parse_pay_to({wrong}, network), Error);
  CHECK_THROWS_AS(parse_pay_to({"alice=" + treasury, "alice=" + miner_address}, network), Error);
}

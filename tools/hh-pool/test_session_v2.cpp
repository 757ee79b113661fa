// Stratum V2 sessions without encryption or sockets: what a client is sent, which of its shares count, and what it cannot do. [C124]
#include "json/strict.h"
#include "session_v2.h"
#include "stratum/v2_tlv.h"
#include "stratum/noise_filter.h"
#include "test_parts.h"

namespace hh::pool::test {
namespace {

namespace v2 = stratum::v2;

v2::U256 widest() {
  v2::U256 u;
  u.fill(0xff);
  return u;
}

// A client of V2 at the other end of a session.
struct Client {
  explicit Client(TestPool& p) : test(p), session(SessionV2::make(*p.pool, out, "test")) {}
  template <class Message>
  std::vector<v2::AnyMessage> say(const Message& m) {
    return say_bytes(v2::to_frame(m));
  }
  std::vector<v2::AnyMessage> say_bytes(const Bytes& frame) {
    out.take();
    session->message(as_text(frame));
    test.end_turn();
    return take();
  }
  std::vector<v2::AnyMessage> take() {
    std::vector<v2::AnyMessage> all;
    const std::string bytes = out.take();
    for (BytesView left = as_bytes(bytes); !left.empty();) {
      const auto h = v2::read_header(left.first<v2::header_size>());
      all.push_back(v2::decode_any(h, left.subspan(v2::header_size, h.length)));
      left = left.subspan(v2::header_size + h.length);
    }
    return all;
  }
  void set_up(uint32_t flags = 0) {
    const auto answer = say(v2::SetupConnection{0, 2, 2, flags, "pool", 3336, "test", "1", "2", "x"});
    REQUIRE(answer.size() == 1);
    REQUIRE(std::get<v2::SetupConnectionSuccess>(answer[0]) == v2::SetupConnectionSuccess{2, 0});
  }
  TestPool& test;
  Lines out;
  std::shared_ptr<SessionV2> session;
};

template <class Message>
const Message& only(const std::vector<v2::AnyMessage>& all) {
  const Message* found = nullptr;
  for (const auto& m : all)
    if (const Message* one = std::get_if<Message>(&m)) {
      REQUIRE(found == nullptr);
      found = one;
    }
  REQUIRE(found != nullptr);
  return *found;
}
template <class Message>
size_t count(const std::vector<v2::AnyMessage>& all) {
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](const auto& m) { return std::holds_alternative<Message>(m); }));
}

v2::OpenExtendedMiningChannel open_extended(const std::string& user = miner_address + ".rig", uint16_t least_extranonce = 8) {
  return {7, user, v2::F32::from_hashes_per_second(0), widest(), least_extranonce};
}

PoolConfig easy_pool() {
  PoolConfig c;
  c.start_difficulty = c.vardiff.least = bitcoin::Difficulty(1 << 12);
  return c;
}

// What an extended client does with its job: coinbase, root, header. Nothing of the pool's own is used but hashing.
struct ExtendedMiner {
  explicit ExtendedMiner(Client& c, const std::string& user = miner_address + ".rig") : client(c) { open(c.say(open_extended(user))); }
  void open(const std::vector<v2::AnyMessage>& all) {
    const auto& success = only<v2::OpenExtendedMiningChannelSuccess>(all);
    channel = success.channel_id;
    group = success.group_channel_id;
    prefix = success.extranonce_prefix;
    target = success.target;
    hear(all);
  }
  void hear(const std::vector<v2::AnyMessage>& all) {
    for (const auto& m : all) {
      if (const auto* j = std::get_if<v2::NewExtendedMiningJob>(&m); j != nullptr && (j->channel_id == channel || j->channel_id == group)) job = *j;
      if (const auto* p = std::get_if<v2::SetNewPrevHash>(&m); p != nullptr && (p->channel_id == channel || p->channel_id == group)) tip = *p;
      if (const auto* t = std::get_if<v2::SetTarget>(&m); t != nullptr && t->channel_id == channel) target = t->maximum_target;
    }
  }
  v2::SubmitSharesExtended find(bool meets = true) {
    std::array<uint8_t, 8> rolled{};
    rolled[7] = static_cast<uint8_t>(++counter);
    Bytes extranonce(prefix.view().begin(), prefix.view().end());
    extranonce.insert(extranonce.end(), rolled.begin(), rolled.end());
    std::vector<bitcoin::Hash256> branch;
    for (const auto& u : job.merkle_path.items) branch.push_back({u});
    bitcoin::BlockHeader h;
    h.version = job.version | 0x20;  // within BIP 323's mask
    h.prev_hash.bytes = tip.prev_hash;
    h.merkle_root = bitcoin::root_from_branch(bitcoin::coinbase_txid(job.coinbase_tx_prefix.bytes, extranonce, job.coinbase_tx_suffix.bytes), branch);
    h.time = job.min_ntime.value_or(tip.min_ntime);
    h.bits = tip.nbits;
    bitcoin::Hash256 wire;
    wire.bytes = target;
    while (bitcoin::Target::from_wire(wire).met_by(h.hash()) != meets) ++h.nonce;
    return {channel, ++sequence, job.job_id, h.nonce, h.time, h.version, v2::SmallBytes(rolled)};
  }
  Client& client;
  uint32_t channel = 0, group = 0, sequence = 0, counter = 0;
  v2::SmallBytes prefix;
  v2::U256 target{};
  v2::NewExtendedMiningJob job;
  v2::SetNewPrevHash tip;
};

std::string code_of(const std::vector<v2::AnyMessage>& all) { return only<v2::SubmitSharesError>(all).error_code; }

}  // namespace

TEST_CASE("v2: an extended channel gets a future job and the tip that makes it count; its share is recorded with the extranonce that it mined (C124)") {
  TestPool p(easy_pool());
  const auto job = p.give(simple_template());
  Client c(p);
  c.set_up();
  const auto opened = c.say(open_extended());
  ExtendedMiner m(c);  // a second channel
  CHECK(only<v2::OpenExtendedMiningChannelSuccess>(opened).extranonce_size == 8);
  CHECK(only<v2::NewExtendedMiningJob>(opened).min_ntime == std::nullopt);
  CHECK(only<v2::NewExtendedMiningJob>(opened).version_rolling_allowed);
  CHECK(only<v2::SetNewPrevHash>(opened).job_id == only<v2::NewExtendedMiningJob>(opened).job_id);
  CHECK(only<v2::SetNewPrevHash>(opened).prev_hash == job->record.prev_hash.bytes);
  CHECK(count<v2::SetTarget>(opened) == 0);  // it was in the answer

  const auto share = m.find();
  const auto answer = c.say(share);
  const auto& success = only<v2::SubmitSharesSuccess>(answer);
  CHECK(success.channel_id == m.channel);
  CHECK(success.last_sequence_number == share.sequence_number);
  CHECK(success.new_submits_accepted_count == 1);
  const auto lines = p.store.lines("share");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("\"miner\":\"" + miner_address + "\"") != std::string::npos);
  CHECK(lines[0].find("\"worker\":\"rig\"") != std::string::npos);
  CHECK(lines[0].find("\"extranonce1\":\"" + to_hex(m.prefix.view()) + "\"") != std::string::npos);
  CHECK(lines[0].find("\"extranonce2\":\"0000000000000001\"") != std::string::npos);

  CHECK(code_of(c.say(share)) == "duplicate-share");
  CHECK(code_of(c.say(m.find(false))) == "difficulty-too-low");
  auto other = m.find();
  other.job_id += 0x10000;
  CHECK(code_of(c.say(other)) == "invalid-job-id");
  other = m.find();
  other.channel_id = 999;
  CHECK(code_of(c.say(other)) == "invalid-channel-id");
  other = m.find();
  other.extranonce = v2::SmallBytes(Bytes(4));
  CHECK(code_of(c.say(other)) == "bad-extranonce-size");
  other = m.find();
  other.version ^= 0x40000000;  // outside every mask
  CHECK(code_of(c.say(other)) == "invalid-share");
  CHECK(p.store.lines("share").size() == 1);
}

TEST_CASE("v2: the share records of both protocols prove the same: their work by the job's own coinbase (C124 X022)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client c(p);
  c.set_up();
  ExtendedMiner m(c);
  only<v2::SubmitSharesSuccess>(c.say(m.find()));
  TestMiner old(p);
  old.log_in();
  const auto job = p.pool->newest()->shared();
  old.submit(old.find(*job, easy()));
  const auto shares = p.store.lines("share"), jobs = p.store.lines("job");
  REQUIRE(shares.size() == 2);
  const auto record = records::parse_job(json::parse(jobs.back()));
  for (const std::string& line : shares) {
    const auto proof = records::verify_share(record, records::parse_share_line(line));
    CHECK(proof.fault.empty());
  }
}

TEST_CASE("v2: a standard channel's work is a Merkle root; its share has no extranonce to roll (C124)") {
  TestPool p(easy_pool());
  const auto job = p.give(simple_template());
  Client c(p);
  c.set_up(1);  // REQUIRES_STANDARD_JOBS
  CHECK(only<v2::OpenMiningChannelError>(c.say(open_extended())).error_code == "standard-jobs-were-required");
  const auto opened = c.say(v2::OpenStandardMiningChannel{3, miner_address, v2::F32::from_hashes_per_second(0), widest()});
  const auto& success = only<v2::OpenStandardMiningChannelSuccess>(opened);
  CHECK(success.extranonce_prefix.size() == 12);
  const auto& work = only<v2::NewMiningJob>(opened);
  bitcoin::BlockHeader h;
  h.version = work.version;
  h.prev_hash = job->record.prev_hash;
  h.merkle_root.bytes = work.merkle_root;
  h.time = only<v2::SetNewPrevHash>(opened).min_ntime;
  h.bits = job->record.nbits;
  while (!easy().met_by(h.hash())) ++h.nonce;
  const auto answer = c.say(v2::SubmitSharesStandard{success.channel_id, 1, work.job_id, h.nonce, h.time, h.version});
  CHECK(only<v2::SubmitSharesSuccess>(answer).new_submits_accepted_count == 1);
  CHECK(p.store.lines("share").size() == 1);
}

TEST_CASE("v2: extended channels of one miner get a new job once, as a group; those of another miner their own (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client c(p);
  c.set_up();
  ExtendedMiner a(c), b(c), other(c, treasury + ".x");
  CHECK(a.group == b.group);
  CHECK(a.group != other.group);
  CHECK(a.channel != b.channel);
  CHECK(!(a.prefix == b.prefix));
  c.take();
  p.give(simple_template(0x1d00ffff, 201));
  const auto news = c.take();
  CHECK(count<v2::NewExtendedMiningJob>(news) == 2);
  CHECK(count<v2::SetNewPrevHash>(news) == 2);
  for (ExtendedMiner* m : {&a, &b, &other}) {
    m->hear(news);
    CHECK(only<v2::SubmitSharesSuccess>(c.say(m->find())).channel_id == m->channel);
  }
  // A job of the same tip is active at once.
  p.give(simple_template(0x1d00ffff, 201), false);
  const auto next = c.take();
  CHECK(count<v2::SetNewPrevHash>(next) == 0);
  CHECK(count<v2::NewExtendedMiningJob>(next) == 2);
  for (const auto& m : next) CHECK(std::get<v2::NewExtendedMiningJob>(m).min_ntime.has_value());
  a.hear(next);
  CHECK(only<v2::SubmitSharesSuccess>(c.say(a.find())).new_submits_accepted_count == 1);
  c.say(v2::CloseChannel{a.group, ""});
  CHECK(code_of(c.say(b.find())) == "invalid-channel-id");
  other.hear(next);
  CHECK(only<v2::SubmitSharesSuccess>(c.say(other.find())).new_submits_accepted_count == 1);
}

TEST_CASE("v2: a share for the tip before counts within the grace and is stale after it (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client c(p);
  c.set_up();
  ExtendedMiner m(c);
  const auto first = m.find(), second = m.find();
  p.give(simple_template(0x1d00ffff, 201));
  CHECK(only<v2::SubmitSharesSuccess>(c.say(first)).new_submits_accepted_count == 1);
  p.clock.advance_ms(2'001);
  CHECK(code_of(c.say(second)) == "stale-share");
}

TEST_CASE("v2: a smaller largest target is honoured: SetTarget, and the job again with a later time; shares of the job before count as they were asked for (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client c(p);
  c.set_up();
  ExtendedMiner m(c);
  const auto before = m.find();
  const auto first_job = m.job;
  bitcoin::Target harder = bitcoin::target_of(bitcoin::Difficulty(1 << 14));
  const auto news = c.say(v2::UpdateChannel{m.channel, v2::F32::from_hashes_per_second(0), harder.to_wire().bytes});
  CHECK(only<v2::SetTarget>(news).maximum_target == harder.to_wire().bytes);
  m.hear(news);
  CHECK(m.job.job_id != first_job.job_id);
  CHECK(*m.job.min_ntime > m.tip.min_ntime);
  CHECK(only<v2::SubmitSharesSuccess>(c.say(before)).new_submits_accepted_count == 1);
  CHECK(only<v2::SubmitSharesSuccess>(c.say(m.find())).new_submits_accepted_count == 1);
  CHECK(only<v2::UpdateChannelError>(c.say(v2::UpdateChannel{m.channel, {}, {}})).error_code == "max-target-out-of-range");
  CHECK(only<v2::UpdateChannelError>(c.say(v2::UpdateChannel{77, {}, widest()})).error_code == "invalid-channel-id");
}

TEST_CASE("v2: shares that are stored together are answered together (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client c(p);
  c.set_up();
  ExtendedMiner m(c);
  c.out.take();
  for (int i = 0; i < 3; ++i) c.session->message(as_text(v2::to_frame(m.find())));
  p.end_turn();
  const auto answers = c.take();
  CHECK(only<v2::SubmitSharesSuccess>(answers).new_submits_accepted_count == 3);
  CHECK(only<v2::SubmitSharesSuccess>(answers).last_sequence_number == 3);
  p.store.fail("full");
  CHECK(code_of(c.say(m.find())) == "not-stored");
}

TEST_CASE("v2: what it cannot set up, open or ask for is refused with the specification's words (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  const auto refused = [&](const v2::SetupConnection& m) {
    Client c(p);
    const auto answer = c.say(m);
    CHECK(!c.out.closed.empty());
    return only<v2::SetupConnectionError>(answer);
  };
  CHECK(refused({1, 2, 2, 0, "", 0, "", "", "", ""}).error_code == "unsupported-protocol");
  CHECK(refused({0, 3, 9, 0, "", 0, "", "", "", ""}).error_code == "protocol-version-mismatch");
  CHECK(refused({0, 2, 2, 2, "", 0, "", "", "", ""}) == v2::SetupConnectionError{2, "unsupported-feature-flags"});
  Client c(p);
  c.set_up();
  CHECK(only<v2::OpenMiningChannelError>(c.say(open_extended("\x01"))).error_code == "unknown-user");
  CHECK(only<v2::OpenMiningChannelError>(c.say(open_extended(miner_address, 9))).error_code == "min-extranonce-size-too-large");
  auto hopeless = open_extended();
  hopeless.max_target = {};
  CHECK(only<v2::OpenMiningChannelError>(c.say(hopeless)).error_code == "max-target-out-of-range");
  const auto extensions = c.say(v2::RequestExtensions{5, {{2, 9}}});
  CHECK(only<v2::RequestExtensionsSuccess>(extensions).supported_extensions.items == std::vector<uint16_t>{2});
  CHECK(only<v2::RequestExtensionsError>(c.say(v2::RequestExtensions{5, {{9}}})).unsupported_extensions.items == std::vector<uint16_t>{9});
}

TEST_CASE("v2: a worker's name beside its share is whose figures they are (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client c(p);
  c.set_up();
  c.say(v2::RequestExtensions{5, {{2}}});
  ExtendedMiner m(c);
  Bytes frame = v2::to_frame(m.find());
  Bytes field;
  stratum::v2::append_tlv(stratum::v2::worker_extension, stratum::v2::worker_field, as_bytes("s19-7"), field);
  frame.insert(frame.end(), field.begin(), field.end());
  const size_t length = frame.size() - v2::header_size;
  for (size_t i = 0; i < 3; ++i) frame[3 + i] = static_cast<uint8_t>(length >> (8 * i));
  only<v2::SubmitSharesSuccess>(c.say_bytes(frame));
  CHECK(p.store.lines("share").at(0).find("\"worker\":\"s19-7\"") != std::string::npos);
}

TEST_CASE("v2: nonsense before the setup ends the connection, after it in the end too (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client early(p);
  early.say(v2::CloseChannel{1, ""});
  CHECK(early.out.offences == std::vector<Offence>{Offence::malformed});
  Client c(p);
  c.set_up();
  for (int i = 0; i < 9; ++i) c.say_bytes({0, 0, 0x1b, 2, 0, 0, 1, 2});  // a SubmitSharesExtended that is cut off
  CHECK(c.out.closed.empty());
  c.say_bytes({0, 0, 0x99, 0, 0, 0});
  CHECK(!c.out.closed.empty());
  CHECK(c.session->cut(std::string_view("\0\0\0\xff\xff\xff", 6)).too_long);
  CHECK(c.session->cut(std::string_view("\0\0\0\x02\0\0x", 7)).size == 0);
  CHECK(c.session->cut(std::string_view("\0\0\0\x01\0\0xyz", 9)).size == 7);
}

TEST_CASE("v2: a connection that is handed over goes on with its channels, jobs and difficulties, and its cipher (C124)") {
  TestPool p(easy_pool());
  p.give(simple_template());
  Client c(p);
  c.set_up();
  ExtendedMiner a(c), b(c);
  const auto share = a.find();
  StateWriter to;
  p.pool->save(to);
  c.session->save(to);
  const std::string state = to.take();
  TestPool heir(easy_pool());
  StateReader from(state);
  heir.pool->inherit(from);
  Client taken(heir);
  taken.session = SessionV2::inherit(*heir.pool, taken.out, from);
  from.expect_end();
  CHECK(only<v2::SubmitSharesSuccess>(taken.say(share)).channel_id == a.channel);
  CHECK(code_of(taken.say(share)) == "duplicate-share");
  only<v2::SubmitSharesSuccess>(taken.say(b.find()));
  const auto opened = taken.say(open_extended());
  CHECK(only<v2::OpenExtendedMiningChannelSuccess>(opened).group_channel_id == a.group);
  CHECK(only<v2::OpenExtendedMiningChannelSuccess>(opened).channel_id > std::max(a.channel, b.channel));

  auto& random = crypto::system_random();
  auto keys = std::make_shared<stratum::ServerKeys>();
  keys->keys = stratum::generate_key_pair(random);
  const auto authority = stratum::generate_key_pair(random);
  keys->certificate = stratum::sign_certificate(authority.secret, keys->keys.x, 0, UINT32_MAX, random);
  stratum::NoiseFilter filter(keys, 1024);
  stratum::Initiator initiator(random);
  std::string plain, out;
  const auto first = initiator.first();
  CHECK(filter.receive(as_text(BytesView(first).first(10)), plain, out) == nullptr);
  CHECK(out.empty());
  CHECK(filter.receive(as_text(BytesView(first).subspan(10)), plain, out) == nullptr);
  REQUIRE(out.size() == stratum::handshake_answer_size);
  auto server = initiator.finish(as_bytes(out).first<stratum::handshake_answer_size>());
  REQUIRE(server);
  Bytes sealed;
  const Bytes frame = v2::to_frame(v2::SetTarget{1, widest()});
  server->session.seal(frame, sealed);
  server->session.seal(frame, sealed);
  // In the middle of a frame.
  CHECK(filter.receive(as_text(BytesView(sealed).first(sealed.size() - 5)), plain, out) == nullptr);
  CHECK(plain == as_text(frame));
  const auto moved = stratum::NoiseFilter::inherit(*filter.state(), keys, 1024);
  plain.clear();
  CHECK(moved->receive(as_text(BytesView(sealed).last(5)), plain, out) == nullptr);
  CHECK(plain == as_text(frame));
  out.clear();
  const std::string_view piece = as_text(frame);
  moved->send({&piece, 1}, out);
  CHECK(server->session.open_header(as_bytes(out).first<stratum::sealed_header_size>())->number == v2::SetTarget::type.number);
  sealed.clear();
  server->session.seal(v2::to_frame(v2::NewExtendedMiningJob{1, 1, {}, 1, true, {}, {Bytes(2000)}, {}}), sealed);
  CHECK(std::string(moved->receive(as_text(sealed), plain, out)) == "a frame of it is too long");
  std::string forged(22, 'x');
  CHECK(std::string(stratum::NoiseFilter::inherit(*moved->state(), keys, 1 << 20)->receive(forged, plain, out)) == "a frame of it is not authentic");
}

}  // namespace hh::pool::test

// Every message of Stratum V2 there and back, the bytes that the specification shows, and what is refused.
#include <catch2/catch.hpp>
#include <set>

#include "stratum/v2_codec.h"
#include "stratum/v2_random.h"
#include "stratum/v2_tlv.h"

namespace hh::stratum::v2 {
namespace {

Bytes bytes(std::string_view hex) { return *from_hex(hex); }

TEST_CASE("every message: random ones come back the same, alone, in a frame, and with bytes of extensions behind them") {
  RandomMessages random(20260819);
  for_each_message_type([&]<class M>(const M&) {
    INFO(M::type.name);
    for (int i = 0; i < 50; ++i) {
      const M m = random.make<M>();
      Bytes frame = to_frame(m);
      const FrameHeader header = read_header(std::span<const uint8_t, header_size>(frame.data(), header_size));
      CHECK(header == FrameHeader{M::type.extension, M::type.number, M::type.channel, static_cast<uint32_t>(frame.size() - header_size)});
      const BytesView payload = BytesView(frame).subspan(header_size);
      CHECK(std::get<M>(decode_any(header, payload)) == m);
      frame.push_back(7);
      const auto d = decode<M>(BytesView(frame).subspan(header_size));
      CHECK(d.message == m);
      CHECK(d.rest.size() == 1);
    }
  });
}

TEST_CASE("every message: cut off anywhere it is refused, and the message and field are named") {
  RandomMessages random(1);
  for_each_message_type([&]<class M>(const M&) {
    Bytes payload;
    encode(random.make<M>(), payload);
    for (size_t size = 0; size < payload.size(); size += 1 + payload.size() / 97) {
      try {
        decode<M>(BytesView(payload).first(size));
        FAIL(M::type.name << " of " << size << " of " << payload.size() << " bytes was taken");
      } catch (const Error& e) {
        CHECK(e.code() == Exit::data);
        CHECK(std::string(e.what()).starts_with(std::string(M::type.name) + ": field "));
      }
    }
  });
}

// sv2-spec, chapter 8 and the extensions.
TEST_CASE("types: unique, and those that belong to a channel begin with its id") {
  std::set<std::pair<uint16_t, uint8_t>> seen;
  for_each_message_type([&]<class M>(M m) {
    INFO(M::type.name);
    CHECK(seen.insert({M::type.extension, M::type.number}).second);
    const char* first = nullptr;
    M::each_field(m, [&](const char* name, const auto&) { first = first == nullptr ? name : first; });
    if (M::type.channel) CHECK(std::string_view(first) == "channel_id");
    CHECK(std::string_view(message_name(M::type.extension, M::type.number)) == M::type.name);
  });
  CHECK(seen.size() == 44);
  CHECK(message_name(0, 0x1e) == nullptr);
  CHECK(message_name(2, 0) == nullptr);
}

TEST_CASE("bytes: numbers little-endian, lengths before what they count, the channel bit on top") {
  CHECK(to_hex(to_frame(SetupConnection{2, 2, 2, 1, "pool", 34254, "v", "", "", "d"})) == "000000" "160000" "02" "0200" "0200" "01000000" "04706f6f6c" "ce85" "0176" "00" "00" "0164");
  CHECK(to_hex(to_frame(SubmitSharesExtended{1, 2, 3, 4, 5, 6, SmallBytes(bytes("aabb"))})) == "00801b" "1b0000" "01000000" "02000000" "03000000" "04000000" "05000000" "06000000" "02aabb");
  CHECK(to_hex(to_frame(NewMiningJob{1, 2, {}, 3, {}})).substr(12, 18) == "010000000200000000");
  CHECK(to_hex(to_frame(NewMiningJob{1, 2, 9, 3, {}})).substr(12, 26) == "01000000020000000109000000");
  CHECK(to_hex(to_frame(RequestExtensions{1, {{2, 0x4001}}})) == "010000" "080000" "0100" "0200" "0200" "0140");
  CHECK(read_header(std::array<uint8_t, 6>{0x02, 0x80, 0x1b, 0x01, 0x02, 0x03}) == FrameHeader{2, 0x1b, true, 0x030201});
}

TEST_CASE("decoding: flags may have more bits than one; an option of two, 33 bytes of extranonce, more items than bytes, an unknown type are refused") {
  const Bytes job = bytes("0100000002000000" "00" "03000000" "fe" "00" "0000" "0000");
  CHECK_FALSE(decode<NewExtendedMiningJob>(job).message.version_rolling_allowed);
  CHECK_THROWS_AS(decode<NewMiningJob>(bytes("0100000002000000" "02" "0900000009000000")), Error);
  CHECK_THROWS_AS(decode<SetExtranoncePrefix>(bytes("01000000" "21" + std::string(66, '0'))), Error);
  CHECK_THROWS_AS(decode<SetGroupChannel>(bytes("01000000" "ffff" "00000000")), Error);
  CHECK_THROWS_AS(decode_any({0, 0x1e, true, 4}, bytes("01000000")), Error);
}

TEST_CASE("encoding: what does not fit on the wire is a fault of the program") {
  CHECK_THROWS_AS(to_frame(Reconnect{std::string(256, 'a'), 1}), Error);
  CHECK_THROWS_AS(to_frame(SubmitSolution{1, 1, 1, 1, {Bytes(65536)}}), Error);
  CHECK_THROWS_AS(to_frame(RequestTransactionDataSuccess{1, {}, {{{Bytes(1 << 23)}, {Bytes(1 << 23)}}}}), Error);
  CHECK_THROWS_AS(SmallBytes(Bytes(33)), Error);
}

// sv2-spec, 3.4.3: the example of a worker's name.
TEST_CASE("extension fields: the specification's bytes; others are passed over, what is cut off or too long is refused") {
  const Bytes worker = bytes("000201000a576f726b65725f303031");
  Bytes out;
  append_tlv(worker_extension, worker_field, as_bytes("Worker_001"), out);
  CHECK(out == worker);
  CHECK(find_worker(worker) == "Worker_001");
  const Bytes behind = bytes("0004" "01" "0003" "aabbcc" + to_hex(worker));
  CHECK(find_worker(behind) == "Worker_001");
  CHECK_FALSE(find_worker({}));
  CHECK_FALSE(find_worker(bytes("0002020000")));
  CHECK_THROWS_AS(find_worker(bytes("00020100")), Error);
  CHECK_THROWS_AS(find_worker(bytes("000201000b576f726b65725f303031")), Error);
  CHECK_THROWS_AS(find_worker(bytes("0002010021" + std::string(66, '0'))), Error);
}

TEST_CASE("a hash rate is read as an integer") {
  CHECK(F32::from_hashes_per_second(110'000'000'000'000).hashes_per_second() == 110'000'001'253'376);
  CHECK(F32{0x7f800000}.hashes_per_second() == UINT64_MAX);  // infinity
  CHECK(F32{0x7fc00000}.hashes_per_second() == 0);           // not a number
  CHECK(F32{0xbf800000}.hashes_per_second() == 0);           // -1
  CHECK(F32{0x3f800000}.hashes_per_second() == 1);
  CHECK(F32{0x5f7fffff}.hashes_per_second() == 18'446'742'974'197'923'840u);
}

TEST_CASE("for people: JSON with the specification's names, bytes as hex, no control characters, 64 bits as text") {
  CHECK(to_json(SetupConnectionError{1, "unsupported\n-flags"}).dump().find('\n') == std::string::npos);
  const json::Json j = to_json(SubmitSharesSuccess{1, 2, 3, UINT64_MAX});
  CHECK(j["message"] == "SubmitShares.Success");
  CHECK(j["new_shares_sum"] == "18446744073709551615");
  CHECK(to_json(NewMiningJob{1, 2, {}, 3, {}})["min_ntime"].is_null());
}

}  // namespace
}  // namespace hh::stratum::v2

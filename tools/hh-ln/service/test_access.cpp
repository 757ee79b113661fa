#include <catch2/catch.hpp>
#include <thread>

#include "crypto/totp.h"
#include "service/access.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;

namespace {

constexpr int64_t day_ms = 86'400'000;

// The secret in an otpauth URL.
Bytes secret_of(const std::string& url) {
  const size_t at = url.find("secret=") + 7;
  uint32_t bits = 0;
  unsigned count = 0;
  Bytes out;
  for (const char c : url.substr(at, url.find('&', at) - at)) {
    bits = bits << 5 | static_cast<uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26), count += 5;
    if (count >= 8) out.push_back(static_cast<uint8_t>(bits >> (count -= 8)));
  }
  return out;
}

struct Scene {
  test::Folder folder;
  FakeClock clock;
  Access access{folder.file("access"), clock};
  std::string code(const NewToken& t, int64_t steps = 0) const { return crypto::hotp(secret_of(t.otpauth), static_cast<uint64_t>(clock.unix_seconds() / 30 + steps)); }
};

}  // namespace

TEST_CASE("a token is good from the moment it is made until it expires", "[L044]") {
  Scene s;
  const NewToken t = s.access.add("ann", Role::auditor, 7 * day_ms);
  CHECK(t.secret.size() == 5 + 43);
  CHECK(t.otpauth.empty());  // an auditor changes nothing
  REQUIRE(s.access.find(t.secret));
  CHECK(s.access.find(t.secret)->name == "ann");
  s.clock.advance_ms(7 * day_ms - 1);
  CHECK(s.access.find(t.secret));
  s.clock.advance_ms(1);
  CHECK_FALSE(s.access.find(t.secret));
  for (const std::string& bad : {std::string(), std::string("hhln_"), t.secret + "x", t.secret.substr(0, 47), std::string(10'000, 'x')}) CHECK_FALSE(s.access.find(bad));
}

TEST_CASE("rotation: both are good for the overlap, then only the new one; the one-time secret stays", "[L044]") {
  Scene s;
  const NewToken old = s.access.add("tess", Role::treasurer, 7 * day_ms);
  s.clock.advance_ms(6 * day_ms);
  const NewToken fresh = s.access.rotate("tess", 7 * day_ms, 1000);
  CHECK(fresh.otpauth.empty());
  CHECK(fresh.token.role == Role::treasurer);
  CHECK((s.access.find(old.secret) && s.access.find(fresh.secret)));
  s.clock.advance_ms(1000);
  CHECK_FALSE(s.access.find(old.secret));
  REQUIRE(s.access.find(fresh.secret));
  CHECK(s.access.take_code(*s.access.find(fresh.secret), s.code(old)));
  CHECK_THROWS_AS(s.access.rotate("nobody", day_ms, 0), Error);
  // An overlap never makes a token live longer than it would have.
  const NewToken short_one = s.access.add("bob", Role::ops, 1000);
  s.access.rotate("bob", day_ms, 60'000);
  s.clock.advance_ms(1000);
  CHECK_FALSE(s.access.find(short_one.secret));
}

TEST_CASE("revoked is revoked, at once and for ever", "[L044]") {
  Scene s;
  const NewToken t = s.access.add("ann", Role::ops, day_ms);
  CHECK(s.access.revoke("ann") == 1);
  CHECK_FALSE(s.access.find(t.secret));
  CHECK(s.access.revoke("ann") == 0);
  CHECK(s.access.add("ann", Role::auditor, day_ms).token.role == Role::auditor);
  CHECK_FALSE(s.access.find(t.secret));
  store::Database raw(s.folder.file("access"));
  CHECK_THROWS_AS(raw.execute("UPDATE tokens SET revoked_ms = NULL"), store::ConstraintError);
  CHECK_THROWS_AS(raw.execute("UPDATE tokens SET expires_ms = expires_ms + 1"), store::ConstraintError);
  CHECK_THROWS_AS(raw.execute("UPDATE tokens SET role = 'treasurer' WHERE role = 'auditor'"), store::ConstraintError);
}

TEST_CASE("names are bounded, and one name has one role at a time", "[L044]") {
  Scene s;
  for (const std::string& bad : {std::string(), std::string("Ann"), std::string("a b"), std::string("a:b"), std::string(65, 'a'), std::string("a\n")}) CHECK_THROWS_AS(s.access.add(bad, Role::ops, day_ms), Error);
  s.access.add(std::string(64, 'a'), Role::ops, day_ms);
  CHECK_THROWS_AS(s.access.add(std::string(64, 'a'), Role::treasurer, day_ms), Error);
}

TEST_CASE("a code counts once, and none that is older than one that was used", "[L073]") {
  Scene s;
  const NewToken t = s.access.add("tess", Role::treasurer, day_ms);
  CHECK_FALSE(s.access.take_code(t.token, "000000"));
  CHECK(s.access.take_code(t.token, s.code(t)));
  CHECK_FALSE(s.access.take_code(t.token, s.code(t)));
  CHECK_FALSE(s.access.take_code(t.token, s.code(t, -1)));
  CHECK(s.access.take_code(t.token, s.code(t, 1)));
  CHECK_FALSE(s.access.take_code(t.token, s.code(t, 2)));  // not yet
  s.clock.advance_ms(60'000);
  CHECK(s.access.take_code(t.token, s.code(t)));
  const NewToken auditor = s.access.add("ann", Role::auditor, day_ms);
  CHECK_FALSE(s.access.take_code(auditor.token, "000000"));
}

TEST_CASE("one-time codes cannot be guessed for long (L073)", "[L073]") {
  Scene s;
  const NewToken t = s.access.add("tess", Role::treasurer, day_ms);
  for (int round = 0; round < 2; ++round) {
    for (int64_t i = 0; i < most_wrong_codes - 1; ++i) CHECK_FALSE(s.access.take_code(t.token, "00000" + std::to_string(i % 10) + "x"));
    s.clock.advance_ms(60'000);
    CHECK(s.access.take_code(t.token, s.code(t)));  // a right one in time
  }
  s.clock.advance_ms(60'000);
  for (int64_t i = 0; i < most_wrong_codes; ++i) CHECK_FALSE(s.access.take_code(t.token, "x"));
  CHECK_FALSE(s.access.take_code(t.token, s.code(t)));
  s.access.revoke("tess");
  const NewToken other = s.access.add("tess", Role::treasurer, day_ms);
  CHECK(s.access.take_code(other.token, s.code(other)));
}

TEST_CASE("of several that bring the same code at the same time one gets in", "[L073]") {
  Scene s;
  const NewToken t = s.access.add("tess", Role::treasurer, day_ms);
  const std::string code = s.code(t);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Access own(s.folder.file("access"), s.clock);
      taken += own.take_code(t.token, code);
    });
  for (auto& thread : threads) thread.join();
  CHECK(taken == 1);
}

TEST_CASE("each role has the rights of the table in hh-ln-api(5)", "[L044][L073]") {
  const std::tuple<Role, bool, bool, bool> rows[] = {{Role::treasurer, true, true, true}, {Role::auditor, true, false, false}, {Role::ops, false, true, false}};
  for (const auto& [role, proofs, pause, decide] : rows) {
    CHECK(may(role, Right::read));
    CHECK(may(role, Right::read_proofs) == proofs);
    CHECK(may(role, Right::pause) == pause);
    CHECK(may(role, Right::decide) == decide);
  }
}

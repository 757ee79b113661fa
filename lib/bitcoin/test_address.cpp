// Addresses: every vector of BIP173, BIP350 and Bitcoin Core, the networks' borders, and the reasons for refusals.
#include <algorithm>

#include "bitcoin/address.h"
#include "bitcoin/bech32.h"
#include "bitcoin/script.h"
#include "bitcoin/test_support.h"
#include "bitcoin/vectors_address.h"

using namespace hh;
using namespace hh::bitcoin;
using test::hex;

namespace {

constexpr Network all_networks[] = {Network::main, Network::testnet4, Network::signet, Network::regtest, Network::dev};

std::string upper(std::string s) {
  for (char& c : s) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return s;
}
std::string lower(std::string s) {
  for (char& c : s) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return s;
}
bool is_bech32(std::string_view text) { return bech32_decode(text).has_value(); }

void check_valid(const std::string& text, const std::string& script_hex, Network network) {
  CAPTURE(text);
  const auto found = script_from_address(text, network);
  CHECK(found.reason.empty());
  CHECK(to_hex(found.script) == script_hex);
  CHECK(address_from_script(found.script, network) == (is_bech32(text) ? lower(text) : text));
}
void check_invalid_everywhere(std::string_view text) {
  for (Network network : all_networks) {
    CAPTURE(text, network_name(network));
    const auto found = script_from_address(text, network);
    CHECK_FALSE(found);
    CHECK_FALSE(found.reason.empty());
  }
}

}  // namespace

TEST_CASE("Bech32 strings of BIP173 and Bech32m strings of BIP350 decode to their own kind and encode again") {
  for (const char* text : {"A12UEL5L", "a12uel5l", "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
                           "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "?1ezyfcl"}) {
    CAPTURE(text);
    const auto found = bech32_decode(text);
    REQUIRE(found);
    CHECK(found->encoding == Bech32::bech32);
    CHECK(bech32_encode(found->encoding, found->prefix, found->values) == lower(text));
  }
  for (const char* text : {"A1LQFN3A", "a1lqfn3a", "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
                           "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8", "split1checkupstagehandshakeupstreamerranterredcaperredlc445v", "?1v759aa"}) {
    CAPTURE(text);
    const auto found = bech32_decode(text);
    REQUIRE(found);
    CHECK(found->encoding == Bech32::bech32m);
    CHECK(bech32_encode(found->encoding, found->prefix, found->values) == lower(text));
  }
}

TEST_CASE("strings that BIP173 and BIP350 call invalid do not decode") {
  for (const char* text : {"\x20" "1nwldj5", "\x7f" "1axkwrx", "\x80" "1eym55h", "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
                           "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "de1lg7wt\xff", "A1G7SGD8", "10a06t8", "1qzzfhee",
                           "\x20" "1xj0phk", "\x7f" "1g6xzxy", "\x80" "1vctc34", "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
                           "qyrz8wqd2c9m", "1qyrz8wqd2c9m", "y1b0jsk6g", "lt1igcx5c0", "in1muywd", "mm1crxm3i", "au1s5cgom", "M1VUXWEZ", "16plkw9", "1p2gdwpf", "A12uEL5L"}) {
    CAPTURE(text);
    CHECK_FALSE(bech32_decode(text));
  }
}

TEST_CASE("valid witness addresses of BIP350 give their scripts") {
  check_valid("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6", Network::main);
  check_valid("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", Network::testnet4);
  check_valid("bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
              "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6", Network::main);
  check_valid("BC1SW50QGDZ25J", "6002751e", Network::main);
  check_valid("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323", Network::main);
  check_valid("tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy", "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", Network::signet);
  check_valid("tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", Network::testnet4);
  check_valid("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", Network::main);
}

TEST_CASE("invalid witness addresses of BIP350 and BIP173 are refused on every network, with a reason") {
  for (const char* text :
       {"tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
        "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
        "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "bc1pw5dgrnzv",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j", "bc1gmk9yu",
        // BIP173
        "tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2", "bc1rw5uspcuh",
        "bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7", "bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv",
        // valid under BIP173 alone: versions above 0 with the older checksum
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx", "BC1SW50QA3JX3S", "bc1zw508d6qejxtdg4y5r3zarvaryvg6kdaj"})
    check_invalid_everywhere(text);
}

TEST_CASE("Bitcoin Core's valid addresses give their scripts, upper case too where that is allowed") {
  for (const auto& v : vectors::core_valid) {
    const auto network = network_from_name(v.network);
    REQUIRE(network);
    check_valid(v.text, v.script_hex, *network);
    const std::string flipped = upper(v.text);
    if (is_bech32(v.text))
      check_valid(flipped, v.script_hex, *network);
    else
      CHECK_FALSE(script_from_address(flipped, *network));
  }
}

TEST_CASE("Bitcoin Core's invalid addresses are refused on every network") {
  for (const char* text : vectors::core_invalid) check_invalid_everywhere(text);
  for (const char* text : {"", " ", "1", "1111111111111111111111111111111111", "bc1", "0", "mainnet"}) check_invalid_everywhere(text);
  check_invalid_everywhere(std::string(100'000, '1'));
  check_invalid_everywhere(std::string_view("bc1q\0w508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 43));
}

TEST_CASE("an address of another network is refused and both networks are named") {
  const auto reason = [](const char* text, Network n) { return script_from_address(text, n).reason; };
  CHECK(reason("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Network::regtest) == "is an address of main, not of regtest");
  CHECK(reason("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", Network::main) == "is an address of testnet4 or signet, not of main");
  CHECK(reason("bcrt1qdavt4j2sd7dlhqsavtnfxvzppw6k7qy97tmnu9", Network::signet) == "is an address of regtest or dev, not of signet");
  CHECK(reason("1FsSia9rv4NeEwvJ2GvXrX7LyxYspbN2mo", Network::dev) == "is an address of main, not of dev");
  CHECK(reason("mzK2FFDEhxqHcmrJw1ysqFkVyhUULo45hZ", Network::main) == "is an address of testnet4 or signet or regtest or dev, not of main");
  CHECK(reason("2NC2hEhe28ULKAJkW5MjZ3jtTMJdvXmByvK", Network::main) == "is an address of testnet4 or signet or regtest or dev, not of main");
}

TEST_CASE("a mistyped address is refused with what is wrong") {
  const auto reason = [](const char* text) { return script_from_address(text, Network::main).reason; };
  CHECK(reason("") == "is empty");
  CHECK(reason("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5") == "is mistyped: wrong characters, length or checksum");
  CHECK(reason("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4") == "mixes upper and lower case");
  CHECK(reason("1FsSia9rv4NeEwvJ2GvXrX7LyxYspbN2mp") == "is no Bitcoin address: wrong characters, length or checksum");
  CHECK(reason("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh").find("checksum of another witness version") != std::string::npos);
  CHECK(reason("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P").find("neither 20 nor 32 bytes") != std::string::npos);
  CHECK(reason("tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty") == "is no Bitcoin address: unknown prefix");
  CHECK(script_from_address(base58check_encode(Bytes(33, 0x80)), Network::main).reason == "holds 33 bytes, where an address has 21");
}

TEST_CASE("every address with one character changed is refused") {
  const std::string digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l", base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  for (const std::string good : {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "1FsSia9rv4NeEwvJ2GvXrX7LyxYspbN2mo"}) {
    REQUIRE(script_from_address(good, Network::main));
    for (size_t i = 0; i < good.size(); ++i) {
      for (char c : digits + base58) {
        std::string bad = good;
        bad[i] = c;
        if (bad != good && script_from_address(bad, Network::main)) FAIL("accepted " << bad);
      }
    }
  }
}

TEST_CASE("any script with an address comes back from it") {
  test::Random random(16);
  for (int i = 0; i < 1000; ++i) {
    const Network network = all_networks[random.below(5)];
    Hash160 h;
    const Bytes bytes = random.bytes(20);
    std::copy(bytes.begin(), bytes.end(), h.begin());
    const auto version = static_cast<unsigned>(random.below(17));
    for (const Bytes& script : {p2pkh_script(h), p2sh_script(h), witness_script(0, random.bytes(random.below(2) ? 20 : 32)), witness_script(std::max(1u, version), random.bytes(2 + random.below(39)))}) {
      const auto text = address_from_script(script, network);
      REQUIRE(text);
      CHECK(script_from_address(*text, network).script == script);
    }
  }
  for (const char* none : {"", "6a", "51", "0015" "751e76e8199196d454941c45d1b3a323f1433bd6ff"}) CHECK_FALSE(address_from_script(hex(none), Network::main));
}

TEST_CASE("base58check keeps leading zeros and refuses what is too long") {
  test::Random random(17);
  for (size_t zeros = 0; zeros < 10; ++zeros) {
    for (size_t n = 0; n < 30; ++n) {
      Bytes payload(zeros, 0);
      const Bytes more = random.bytes(n);
      payload.insert(payload.end(), more.begin(), more.end());
      CHECK(base58check_decode(base58check_encode(payload)) == payload);
    }
  }
  CHECK_FALSE(base58check_decode(base58check_encode(Bytes(200, 1))));
  CHECK_FALSE(base58check_decode("1"));
  for (char c : std::string("0OIl \n+/")) CHECK_FALSE(base58check_decode(std::string("1FsSia9rv4NeEwvJ2GvXrX7LyxYspbN2m") + c));
}

TEST_CASE("networks are known by the names that getblockchaininfo gives them [T031]") {
  for (Network n : all_networks) CHECK(network_from_name(network_name(n)) == n);
  for (const char* bad : {"", "mainnet", "Main", "test", "testnet3"}) CHECK_FALSE(network_from_name(bad));
}

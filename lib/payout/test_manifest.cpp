// Manifests: canonical bytes, and a reader that refuses whatever does not follow from the facts, to the msat. [C073][C123][L020]
#include <catch2/catch.hpp>

#include <functional>

#include "json/canonical.h"
#include "payout/manifest.h"
#include "payout/test_rounds.h"

using namespace hh;
using namespace hh::payout;
using namespace hh::payout::test;
using json::Json;

namespace {

Payout sample() { return compute_round(round_of({miner("bob", 2, 200), miner("alice", 1, 100, 5), miner("carol", 4, 400, 7, false)}, 5'000'000'000, 1234), {}); }
Payout cycle_sample() { return compute_cycle(cycle_of(10'000'001, {{"b", Msat(9)}}), {}, {node("a"), node("b", false), node("c")}); }

// A change that is written canonically, as a signer with a defect would; gives the refusal.
std::string refused(const Payout& p, const std::function<void(Json&)>& change) {
  Json m = json::parse(manifest_bytes(p));
  change(m);
  const std::string bytes = json::canonical(m);
  return refusal(Exit::data, [&] { parse_manifest(bytes); });
}

void add(Json& object, const char* field, int64_t msat) { object[field] = object[field].get<int64_t>() + msat; }

}  // namespace

TEST_CASE("manifest: read back as written [C073][L020]", "[C073][L020]") {
  for (const Payout& p : {sample(), cycle_sample()}) {
    const std::string bytes = manifest_bytes(p);
    const Manifest m = parse_manifest(bytes);
    CHECK(m.payout == p);
    CHECK(m.id == manifest_id(bytes));
    CHECK(manifest_bytes(m.payout) == bytes);
  }
}

TEST_CASE("manifest: payout and payout_line records carry all of it [C044]", "[C044]") {
  for (const Payout& p : {sample(), cycle_sample()}) {
    std::vector<Json> lines;
    for (size_t i = 0; i < p.lines.size(); ++i) lines.push_back(line_record(p, i));
    CHECK(payout_from_records(payout_record(p), lines) == p);
    std::swap(lines[0], lines[1]);
    CHECK(has(refusal(Exit::data, [&] { payout_from_records(payout_record(p), lines); }), "numbered"));
    lines.pop_back();
    CHECK(has(refusal(Exit::data, [&] { payout_from_records(payout_record(p), lines); }), "announces"));
  }
}

TEST_CASE("manifest: other bytes of the same content are refused [C073]", "[C073]") {
  const std::string bytes = manifest_bytes(sample());
  CHECK(has(refusal(Exit::data, [&] { parse_manifest(bytes + "\n"); }), "canonical"));
  CHECK(has(refusal(Exit::data, [&] { parse_manifest(" " + bytes); }), "canonical"));
  CHECK(has(refusal(Exit::data, [&] { parse_manifest(json::to_line(payout_record(sample()))); }), "type"));
  std::string spaced = bytes;
  spaced.insert(spaced.find(':') + 1, " ");
  CHECK(has(refusal(Exit::data, [&] { parse_manifest(spaced); }), "canonical"));
  for (const char* bad : {"", "{}", "[]", "null", "{\"type\":\"manifest\"}", "{\"type\":\"manifest\",\"v\":1}", "\xff\xfe"})
    CHECK_THROWS_AS(parse_manifest(bad), Error);
}

TEST_CASE("manifest: a field that this version does not know is covered and allowed [L020]", "[L020]") {
  Json m = json::parse(manifest_bytes(sample()));
  m["zone"] = "new";
  CHECK(parse_manifest(json::canonical(m)).payout == sample());
}

TEST_CASE("manifest: one msat more or less anywhere is refused [C073][C123][L020]", "[C073][C123][L020]") {
  for (const Payout& p : {sample(), cycle_sample()}) {
    const Json whole = json::parse(manifest_bytes(p));
    for (const int64_t off : {1, -1}) {
      for (const auto& [name, value] : whole.items())
        if (value.is_number() && name.ends_with("_msat")) {
          INFO(name << " " << off);
          CHECK(refused(p, [&, field = name](Json& m) { add(m, field.c_str(), off); }) != "");
        }
      for (size_t i = 0; i < p.lines.size(); ++i)
        for (const char* field : {"earned_msat", "fees_msat", "carried_in_msat", "pay_msat", "carried_out_msat"}) {
          INFO("line " << i << " " << field << " " << off);
          CHECK(refused(p, [&](Json& m) { add(m["lines"][i], field, off); }) != "");
        }
    }
  }
}

TEST_CASE("manifest: amounts moved so that all sums still hold are refused [C073][L020]", "[C073][L020]") {
  // From alice to bob: each line balances, each total is right; only the split by work is not.
  CHECK(has(refused(sample(), [](Json& m) {
              add(m["lines"][0], "earned_msat", -1), add(m["lines"][0], "carried_out_msat", -1);
              add(m["lines"][1], "earned_msat", 1), add(m["lines"][1], "carried_out_msat", 1);
            }),
            "its part by work"));
  // Only what is carried: from carol's balance, who is not paid, to alice's, and from what is paid to what is carried, the head's totals right each time.
  CHECK(has(refused(sample(), [](Json& m) { add(m["lines"][2], "carried_out_msat", -1), add(m["lines"][0], "carried_out_msat", 1); }), "but pay + carried_out"));
  CHECK(has(refused(sample(), [](Json& m) {
              for (Json* j : {&m, &m["lines"][1]}) add(*j, "pay_msat", -1000), add(*j, "carried_out_msat", 1000);
            }),
            "pay is"));
  // From the operator to the node pool.
  CHECK(has(refused(sample(), [](Json& m) { add(m, "operator_msat", -1), add(m, "node_pool_msat", 1); }), "operator_msat"));
  // Fees to a miner that did not find the block.
  CHECK(has(refused(sample(), [](Json& m) { m["finder"] = "alice"; }), "fees are"));
  // A cycle that gives the remainder to the first node.
  CHECK(has(refused(cycle_sample(), [](Json& m) {
              add(m["lines"][0], "earned_msat", 1), add(m["lines"][0], "carried_out_msat", 1), add(m, "earned_msat", 1), add(m, "carried_out_msat", 1);
              add(m, "node_pool_remainder_msat", -1);
            }),
            "node_pool_remainder_msat"));
  // More eligible nodes than get something.
  CHECK(refused(cycle_sample(), [](Json& m) { m["eligible_nodes"] = 3; }) != "");
}

TEST_CASE("manifest: every other rule is checked [C073][L020]", "[C073][L020]") {
  const Payout p = sample();
  const auto line = [&](const char* field, const Json& value, size_t i = 0) { return refused(p, [&](Json& m) { m["lines"][i][field] = value; }); };
  const auto head = [&](const char* field, const Json& value) { return refused(p, [&](Json& m) { m[field] = value; }); };
  CHECK(has(line("line", 1), "numbered"));
  CHECK(has(line("account", "miner:zoe"), "sorted"));
  CHECK(has(line("account", "miner:bob"), "sorted"));
  CHECK(has(line("account", "node:alice"), "miner:"));
  CHECK(has(line("account", "miner:"), "name"));
  CHECK(has(line("rail", "none"), "rail"));
  CHECK(has(line("rail", "onchain"), "rail"));
  CHECK(line("why", "below_minimum") != "");
  CHECK(line("why", "no_destination") != "");
  CHECK(line("why", "because") != "");
  CHECK(has(line("why", "below_minimum", 2), "minimum"));
  CHECK(has(line("destination", Json{{"kind", "lnaddress"}, {"value", "nobody"}}), "nobody"));
  CHECK(line("destination", nullptr) != "");
  CHECK(has(line("work", "101"), "work"));
  CHECK(has(line("work", "-1"), "work"));
  CHECK(has(line("work", "340282366920938463463374607431768211456"), "work"));
  CHECK(has(line("shares", 2), "shares"));
  CHECK(line("pay_msat", "1000") != "");
  CHECK(line("pay_msat", -1000) != "");
  CHECK(line("pay_msat", 9'007'199'254'740'992) != "");
  CHECK(has(head("chain", "mainnet"), "chain"));
  CHECK(has(head("chain", "dev"), "simulated"));
  CHECK(has(head("simulated", false), "simulated"));
  CHECK(has(head("round", 0), "round"));
  CHECK(has(head("merkle_root", "aa"), "merkle_root"));
  CHECK(has(head("finder", "zoe"), "fees are"));
  CHECK(has(head("fee_to", "coinbase"), "fees are"));
  CHECK(has(head("kind", "week"), "kind"));
  CHECK(head("kind", "cycle") != "");
  CHECK(head("lines", Json::array()) != "");
  CHECK(has(head("v", 2), "version"));
  CHECK(has(refused(p, [](Json& m) { m["policy"]["operator_ppm"] = 4999; }), "operator_msat"));
  CHECK(has(refused(p, [](Json& m) { m["policy"]["pay_unit_msat"] = 1; }), "pay is"));
  CHECK(has(refused(p, [](Json& m) { m["block"]["hash"] = "00"; }), "hash"));

  const Payout small = compute_round(round_of({miner("alice", 1, 1)}, 100'000, 0), {});
  CHECK(has(refused(small, [](Json& m) { m["policy"]["min_payout_sat"] = 100'000; }), "the minimum is 100000 sat"));
  CHECK(has(refused(small, [](Json& m) { m["finder"] = "zoe"; }), "the finder has no line"));
  std::string fraction = manifest_bytes(small);
  fraction.replace(fraction.find("\"shares\":1"), 10, "\"shares\":1.5");
  CHECK(refusal(Exit::data, [&] { parse_manifest(fraction); }) != "");
}

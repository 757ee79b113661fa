#include "records/round.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "bitcoin/target.h"
#include "json/fields.h"

namespace hh::records {
namespace {

constexpr std::array<std::pair<RoundStatus, std::string_view>, 5> statuses{{{RoundStatus::open, "open"},
                                                                            {RoundStatus::confirming, "confirming"},
                                                                            {RoundStatus::mature, "mature"},
                                                                            {RoundStatus::closed, "closed"},
                                                                            {RoundStatus::orphaned, "orphaned"}}};

[[noreturn]] void bad(const std::string& sentence) { throw Error(Exit::data, "round: " + sentence); }

RoundBlock parse_round_block(const Json& value) {
  const json::Fields f(value);
  RoundBlock b;
  b.height = static_cast<uint32_t>(f.integer("height", 0, INT32_MAX));
  b.hash = f.hex_text("hash", 32);
  b.nbits = hex32_field(f, "nbits");
  b.time_ms = f.integer("time_ms");
  b.subsidy = f.sat("subsidy_sat");
  b.fees = f.sat("fees_sat");
  b.fee_to = fee_to_field(f);
  b.miner = miner_field(f);
  b.confirmations = f.integer("confirmations", -1);
  return b;
}

Json to_json(const RoundBlock& b) {
  return Json{{"height", b.height},
              {"hash", b.hash},
              {"nbits", hex32(b.nbits)},
              {"time_ms", b.time_ms},
              {"subsidy_sat", b.subsidy.count()},
              {"fees_sat", b.fees.count()},
              {"fee_to", name(b.fee_to)},
              {"miner", b.miner},
              {"confirmations", b.confirmations}};
}

Destination parse_destination_of(const std::string& miner, const json::Fields& f) try {
  return parse_destination(f.object("destination"));
} catch (const Error& e) {
  throw e.in("destination of miner " + miner);
}

RoundMiner parse_round_miner(const Json& value) {
  const json::Fields f(value);
  RoundMiner m;
  m.miner = miner_field(f);
  m.shares = static_cast<uint64_t>(f.integer("shares"));
  m.work = work_field(f, "work");
  m.carried = f.msat("carried_msat");
  if (f.has("destination")) m.destination = parse_destination_of(m.miner, f);
  return m;
}

Json to_json(const RoundMiner& m) {
  Json r{{"miner", m.miner}, {"shares", m.shares}, {"work", m.work.to_text()}, {"carried_msat", m.carried.count()}};
  if (m.destination) r["destination"] = records::to_json(*m.destination);
  return r;
}

void parse_scheme(const json::Fields& f, Round& r) {
  const auto scheme = scheme_from_name(f.text("scheme", 16));
  if (!scheme) bad("field \"scheme\" must be prop or pplns");
  r.scheme = *scheme;
  if (r.scheme == Scheme::prop) return;
  const json::Fields p(f.object("pplns"));
  r.pplns = PplnsWindow{p.integer("factor", 1, 1'000'000), work_field(p, "window_work"), work_field(p, "cut_share_work")};
}

void check_sums(const Round& r) {
  uint64_t shares = 0;
  Work work;
  for (size_t i = 0; i < r.miners.size(); ++i) {
    if (i > 0 && r.miners[i - 1].miner >= r.miners[i].miner) bad("field \"miners\" must be sorted by miner, each once");
    shares += r.miners[i].shares;
    work += r.miners[i].work;
  }
  if (shares != r.shares) bad("\"shares\" is not the sum of the miners' shares");
  if (work != r.work) bad("\"work\" is not the sum of the miners' work");
}

}  // namespace

std::string_view name(RoundStatus s) {
  return std::find_if(statuses.begin(), statuses.end(), [&](const auto& e) { return e.first == s; })->second;
}
std::optional<RoundStatus> round_status_from_name(std::string_view text) {
  for (const auto& [status, word] : statuses)
    if (word == text) return status;
  return std::nullopt;
}

std::string_view name(Scheme s) { return s == Scheme::prop ? "prop" : "pplns"; }
std::optional<Scheme> scheme_from_name(std::string_view text) {
  if (text == "prop") return Scheme::prop;
  if (text == "pplns") return Scheme::pplns;
  return std::nullopt;
}

Round parse_round(const Json& record) {
  json::require_record(record, "round");
  const json::Fields f(record);
  Round r;
  r.simulated = simulated_field(f);
  r.chain = chain_field(f);
  require_simulated_on_dev(r.chain, r.simulated);
  r.round = static_cast<uint64_t>(f.integer("round", 1));
  const auto status = round_status_from_name(f.text("status", 16));
  if (!status) bad("field \"status\" must be open, confirming, mature, closed or orphaned");
  r.status = *status;
  r.shares = static_cast<uint64_t>(f.integer("shares"));
  r.work = work_field(f, "work");
  if (f.has("merkle_root")) r.merkle_root = f.hex_text("merkle_root", 32);
  r.cuts = parse_cuts(f.array("cuts"));
  if (f.has("block")) r.block = parse_round_block(f.object("block"));
  parse_scheme(f, r);
  for (const Json& m : f.array("miners")) r.miners.push_back(parse_round_miner(m));
  if (r.status == RoundStatus::closed && !r.merkle_root) bad("a closed round must have a merkle_root");
  if (r.status != RoundStatus::open && !r.block) bad("a round that is not open must have a block");
  check_sums(r);
  return r;
}

std::string round_line(const Round& r, bool with_miners) {
  Json j = json::make_record("round");
  if (r.simulated) j["simulated"] = true;
  j["chain"] = bitcoin::network_name(r.chain);
  j["round"] = r.round;
  j["status"] = name(r.status);
  j["shares"] = r.shares;
  j["work"] = r.work.to_text();
  if (r.merkle_root) j["merkle_root"] = *r.merkle_root;
  j["cuts"] = records::to_json(r.cuts);
  if (r.block) j["block"] = to_json(*r.block);
  j["scheme"] = name(r.scheme);
  if (r.pplns)
    j["pplns"] = Json{{"factor", r.pplns->factor}, {"window_work", r.pplns->window_work.to_text()}, {"cut_share_work", r.pplns->cut_share_work.to_text()}};
  if (with_miners) {
    Json miners = Json::array();
    for (const RoundMiner& m : r.miners) miners.push_back(to_json(m));
    j["miners"] = std::move(miners);
  }
  return json::to_line(j);
}

}  // namespace hh::records

#include "payout/manifest.h"

#include <fmt/format.h>

#include "crypto/digest.h"
#include "json/canonical.h"
#include "json/fields.h"

namespace hh::payout {
namespace {

using json::Fields;
using json::Json;

constexpr size_t max_account = 160;

void put_round(Json& out, const Payout& p) {
  out["round"] = p.number;
  out["block"] = {{"height", p.block_height}, {"hash", p.block_hash}};
  out["merkle_root"] = p.merkle_root;
  out["shares"] = p.shares;
  out["work"] = p.work.to_text();
}

// All of a payout but its lines, in the order of hh-records(5).
void put_head(Json& out, const Payout& p) {
  const bool round = p.kind == PayoutKind::round, withdrawal = p.kind == PayoutKind::withdrawal;
  if (p.simulated) out["simulated"] = true;
  out["chain"] = bitcoin::network_name(p.chain);
  out["kind"] = kind_name(p.kind);
  round ? put_round(out, p) : void(out[std::string(kind_name(p.kind))] = p.number);
  if (!withdrawal) out["policy"] = to_json(p.policy);
  if (round) {
    out["subsidy_msat"] = p.subsidy.count();
    out["fees_msat"] = p.fees.count();
    out["operator_msat"] = p.operator_share.count();
  }
  if (!withdrawal) out["node_pool_msat"] = p.node_pool.count();
  if (p.kind == PayoutKind::cycle) {
    out["node_pool_remainder_msat"] = p.node_pool_remainder.count();
    out["eligible_nodes"] = p.eligible_nodes;
  }
  out["earned_msat"] = p.earned().count();
  out["carried_in_msat"] = p.carried_in().count();
  out["pay_msat"] = p.pay().count();
  out["carried_out_msat"] = p.carried_out().count();
  if (!round) return;
  out["fee_to"] = records::name(p.fee_to);
  out["finder"] = p.finder;
}

void put_line(Json& out, const Payout& p, size_t i) {
  const Line& line = p.lines.at(i);
  out["line"] = i;
  out["account"] = line.account;
  if (p.kind == PayoutKind::round) {
    out["shares"] = line.shares;
    out["work"] = line.work.to_text();
  }
  out["earned_msat"] = line.earned.count();
  out["fees_msat"] = line.fees.count();
  out["carried_in_msat"] = line.carried_in.count();
  out["pay_msat"] = line.pay.count();
  out["carried_out_msat"] = line.carried_out.count();
  out["rail"] = line.destination ? "lightning" : "none";
  if (line.destination) out["destination"] = to_json(*line.destination);
  out["why"] = why_name(line.why);
}

Why read_why(const Fields& f) {
  const std::string text = f.text("why", 32);
  for (const Why w : {Why::paid, Why::below_minimum, Why::no_destination})
    if (why_name(w) == text) return w;
  throw Error(Exit::data, "field \"why\" must be \"paid\", \"below_minimum\" or \"no_destination\"");
}

Line read_line(const Json& object, PayoutKind kind, size_t i) try {
  const Fields f(object);
  if (f.integer("line") != static_cast<int64_t>(i)) throw Error(Exit::data, fmt::format("field \"line\" must be {}: lines are numbered from 0", i));
  Line line;
  line.account = f.text("account", max_account);
  if (kind == PayoutKind::round) {
    line.shares = static_cast<uint64_t>(f.integer("shares"));
    line.work = records::work_field(f, "work");
  }
  line.earned = f.msat("earned_msat");
  line.fees = f.msat("fees_msat");
  line.carried_in = f.msat("carried_in_msat");
  line.pay = f.msat("pay_msat");
  line.carried_out = f.msat("carried_out_msat");
  if (f.has("destination")) line.destination = records::parse_destination(f.object("destination"));
  if (f.text("rail", 16) != (line.destination ? "lightning" : "none"))
    throw Error(Exit::data, "field \"rail\" must be \"lightning\" with a destination and \"none\" without");
  line.why = read_why(f);
  return line;
} catch (const Error& e) {
  throw e.in(fmt::format("line {}", i));
}

PayoutKind read_kind(const Fields& f) {
  const std::string text = f.text("kind", 16);
  for (const PayoutKind k : {PayoutKind::round, PayoutKind::cycle, PayoutKind::withdrawal})
    if (kind_name(k) == text) return k;
  throw Error(Exit::data, "field \"kind\" must be \"round\", \"cycle\" or \"withdrawal\"");
}

void read_round(Payout& p, const Fields& f) {
  const Fields block(f.object("block"));
  p.number = f.integer("round", 1);
  p.block_height = block.integer("height", 0, INT32_MAX);
  p.block_hash = block.hex_text("hash", 32);
  p.merkle_root = f.hex_text("merkle_root", 32);
  p.shares = static_cast<uint64_t>(f.integer("shares"));
  p.work = records::work_field(f, "work");
  p.subsidy = f.msat("subsidy_msat");
  p.fees = f.msat("fees_msat");
  p.operator_share = f.msat("operator_msat");
  p.fee_to = records::fee_to_field(f);
  p.finder = f.text("finder", records::max_name);
}

void read_cycle(Payout& p, const Fields& f) {
  p.number = f.integer("cycle");
  p.node_pool_remainder = f.msat("node_pool_remainder_msat");
  p.eligible_nodes = f.integer("eligible_nodes");
}

// The sums that the head states and the lines give.
void require_sums(const Payout& p, const Fields& f) {
  for (const auto& [name, total] : {std::pair{"earned_msat", p.earned()}, {"carried_in_msat", p.carried_in()}, {"pay_msat", p.pay()},
                                    {"carried_out_msat", p.carried_out()}})
    if (f.msat(name) != total) throw Error(Exit::data, fmt::format("{} is {}, the lines add up to {}", name, f.msat(name).count(), total.count()));
}

// Head and lines without the checks that span fields.
Payout read_fields(const Fields& f) {
  Payout p;
  p.chain = records::chain_field(f);
  p.simulated = records::simulated_field(f);
  p.kind = read_kind(f);
  if (p.kind == PayoutKind::withdrawal) {
    p.number = f.integer("withdrawal", 1);
    return p;
  }
  p.policy = policy_from_json(f.object("policy"));
  p.node_pool = f.msat("node_pool_msat");
  p.kind == PayoutKind::round ? read_round(p, f) : read_cycle(p, f);
  return p;
}

}  // namespace

std::string manifest_bytes(const Payout& p) {
  Json out = json::make_record("manifest");
  put_head(out, p);
  Json lines = Json::array();
  for (size_t i = 0; i < p.lines.size(); ++i) {
    Json line = Json::object();
    put_line(line, p, i);
    lines.push_back(std::move(line));
  }
  out["lines"] = std::move(lines);
  return json::canonical(out);
}

std::string manifest_id(std::string_view bytes) { return to_hex(crypto::sha256(bytes)); }

ReadManifest read_manifest(std::string_view bytes) {
  const Json object = json::parse(bytes);
  json::require_record(object, "manifest");
  if (json::canonical(object) != bytes) throw Error(Exit::data, "a manifest must be canonical JSON (RFC 8785), byte for byte");
  const Fields f(object);
  ReadManifest out{{read_fields(f), std::string(bytes), manifest_id(bytes)}, {}};
  const Json& lines = f.array("lines");
  for (size_t i = 0; i < lines.size(); ++i) out.manifest.payout.lines.push_back(read_line(lines[i], out.manifest.payout.kind, i));
  try {
    require_sums(out.manifest.payout, f);
    check_payout(out.manifest.payout);
  } catch (const Error& e) {
    out.broken_rule = e.what();
  }
  return out;
}

Manifest parse_manifest(std::string_view bytes) {
  ReadManifest read = read_manifest(bytes);
  if (!read.broken_rule.empty()) throw Error(Exit::data, read.broken_rule);
  return std::move(read.manifest);
}

Json payout_record(const Payout& p) {
  Json out = json::make_record("payout");
  put_head(out, p);
  out["lines"] = p.lines.size();
  return out;
}

Json line_record(const Payout& p, size_t line) {
  Json out = json::make_record("payout_line");
  put_line(out, p, line);
  return out;
}

std::string to_records(const Payout& p) {
  std::string out = json::to_line(payout_record(p)) + "\n";
  for (size_t i = 0; i < p.lines.size(); ++i) out += json::to_line(line_record(p, i)) + "\n";
  return out;
}

Payout payout_from_records(const Json& payout, const std::vector<Json>& lines) {
  json::require_record(payout, "payout");
  const Fields f(payout);
  Payout p = read_fields(f);
  if (f.integer("lines") != static_cast<int64_t>(lines.size()))
    throw Error(Exit::data, fmt::format("the payout announces {} lines, {} follow", f.integer("lines"), lines.size()));
  for (size_t i = 0; i < lines.size(); ++i) {
    json::require_record(lines[i], "payout_line");
    p.lines.push_back(read_line(lines[i], p.kind, i));
  }
  require_sums(p, f);
  check_payout(p);
  return p;
}

}  // namespace hh::payout

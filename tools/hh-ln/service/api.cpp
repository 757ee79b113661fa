#include "service/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/log.h"
#include "json/fields.h"
#include "settle/settle.h"

namespace hh::ln {
namespace {

using http::ApiRequest;
using http::ApiResponse;
using http::Call;
using http::HttpError;
using json::Json;

constexpr size_t small_body = 64 * 1024;
constexpr int64_t most_page = 500;
constexpr const char* post_manifest = "/v1/manifest";

std::string hash_of(const std::string& text, const char* name) {
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos) throw HttpError(400, fmt::format("{} has 64 lower-case hex digits", name));
  return text;
}
std::string hash_of(const Call& call, const char* name) { return hash_of(call.path.at(name), name); }

int64_t number_of(const std::string& text, const char* name, int64_t least, int64_t most) {
  const auto n = http::parse_number(text, most);
  if (!n || *n < least) throw HttpError(400, fmt::format("{} is a number from {} to {}", name, least, most));
  return *n;
}

int64_t limit_of(const Call& call) { return call.query.contains("limit") ? number_of(call.query.at("limit"), "limit", 1, most_page) : 100; }

// Without parameters such as "; charset=utf-8".
std::string media_type(const ApiRequest& request) {
  std::string type(request.header("content-type"));
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  return type;
}

// JSON Schema calls 7.0 an integer, and so do we at this door.
void make_whole(Json& value) {
  constexpr double most = 9007199254740991;
  if (value.is_number_float() && value.get<double>() >= 0 && value.get<double>() <= most && std::floor(value.get<double>()) == value.get<double>()) value = static_cast<int64_t>(value.get<double>());
}

// The fields of a body, which has exactly those that are named.
Json body_of(const ApiRequest& request, const std::vector<const char*>& names) {
  if (media_type(request) != "application/json") throw HttpError(415, "the body must be application/json");
  try {
    Json body = json::parse(request.body);
    const json::Fields fields(body);
    for (auto& field : body.items()) {
      const std::string& name = field.key();
      if (std::none_of(names.begin(), names.end(), [&](const char* known) { return name == known; })) throw Error(Exit::data, fmt::format("unknown field \"{}\"", json::clean_text(name, 80)));
      make_whole(field.value());
    }
    return body;
  } catch (const Error& e) {
    throw HttpError(400, e.what());
  }
}

Json payment_of(const Line& line, const Attempt* attempt, bool with_proof) {
  Line shown = line;
  if (attempt != nullptr) shown.attempt = *attempt, shown.onchain.reset(), shown.held_reason.reset();  // asked for by its hash: not what else became of the line
  const payout::Settlement s = settlement_of(shown, "");
  Json r = json::make_record("payment");
  if (s.simulated) r["simulated"] = true;
  r["manifest_id"] = s.manifest_id;
  r["line"] = s.line;
  r["account"] = s.account;
  r["state"] = std::string(payout::state_name(s.state));
  r["amount_msat"] = s.amount.count();
  if (s.state == payout::SettlementState::paid) r["fee_msat"] = s.fee.count();
  if (!s.payment_hash.empty()) r["payment_hash"] = s.payment_hash;
  if (!s.preimage.empty() && with_proof) r["preimage"] = s.preimage;
  if (s.is_onchain()) r["rail"] = "onchain", r["txid"] = s.txid, r["vout"] = s.vout, r["address"] = s.address, r["confirmations"] = s.confirmations;
  if (!s.backend.empty()) r["backend"] = s.backend;
  if (shown.attempt) r["node"] = shown.attempt->node;
  r["attempt"] = s.attempt;
  r["time_ms"] = s.time_ms;
  if (!s.reason.empty()) r["reason"] = s.reason;
  return r;
}

Json manifest_of(const ManifestFigures& f) {
  Json r = json::make_record("manifest_status");
  if (f.simulated) r["simulated"] = true;
  r["manifest_id"] = f.id;
  r["chain"] = f.chain;
  r["kind"] = f.kind;
  r["number"] = f.number;
  r["first_seen_ms"] = f.first_seen_ms;
  r["lines"] = f.lines;
  r["paid"] = f.paid;
  r["held"] = f.held;
  r["pay_msat"] = f.pay.count();
  r["paid_msat"] = f.paid_amount.count();
  r["fees_msat"] = f.fees.count();
  return r;
}

ManifestFigures require_manifest(Journal& journal, const std::string& id) {
  const auto found = manifest_figures(journal.database(), "", id, 1);
  if (found.empty()) throw HttpError(404, "the journal has no such manifest");
  return found.front();
}

Line require_line(Journal& journal, const std::string& id, int64_t number) {
  try {
    return journal.line(id, number);
  } catch (const Error& e) {
    if (e.code() != Exit::data) throw;
    throw HttpError(404, "the journal has no such line that pays something");
  }
}

Json batch_of(const Batch& b) {
  Json r = json::make_record("batch");
  if (b.simulated) r["simulated"] = true;
  r["manifest_id"] = b.manifest_id;
  r["batch"] = b.number;
  r["state"] = b.closed_ms ? "closed" : "open";
  r["amount_msat"] = b.amount.count();
  r["fee_reserved_msat"] = b.fee_reserved.count();
  if (b.fee_ceiling) r["fee_ceiling_msat"] = b.fee_ceiling->count();
  r["opened_ms"] = b.opened_ms;
  if (b.closed_ms) r["closed_ms"] = *b.closed_ms, r["paid"] = b.paid, r["failed"] = b.failed, r["held"] = b.held;
  r["lines"] = Json::array();
  for (const BatchLine& l : b.lines) r["lines"].push_back(l.line);
  return r;
}

Json batches_of(Journal& journal, const std::string& manifest_id, bool open_only) {
  Json r = json::make_record("batches");
  r["batches"] = Json::array();
  for (const Batch& b : journal.batches(manifest_id, open_only)) r["batches"].push_back(batch_of(b));
  return r;
}

bool is_code(std::string_view text) { return text.size() == 6 && text.find_first_not_of("0123456789") == std::string_view::npos; }

int64_t ppm_of(Msat part, int64_t all) { return static_cast<int64_t>(metrics::Uint128(static_cast<uint64_t>(part.count())) * 1'000'000 / static_cast<uint64_t>(all)); }

unsigned status_of(const Desk::Refused& e) {
  if (e.name == "conflict") return 409;
  if (e.name == "malformed") return 400;
  return e.code() == Exit::no_permission ? 403 : 422;
}

}  // namespace

http::ApiResponse answer_with(const Json& value, unsigned status) { return {.status = status, .body = json::to_line(value) + "\n"}; }

std::string reason_of(const Json& body) {
  const std::string reason = json::Fields(body).text("reason", max_reason);
  if (reason.find_first_not_of(" \t\r\n") == std::string::npos) throw Error(Exit::data, "field \"reason\" says nothing");
  return reason;
}

Operator operator_of(const Token& token) { return {operator_of_process().uid, fmt::format("{} (token {})", token.name, token.id)}; }

void note_done(const std::string& action, const Token& token, const Json& details) {
  log::Field by("name", token.name);
  log::warn("admin_action", {{"action", action}, by, {"details", json::to_line(details)}});
}

Json treasury_status(Desk& desk) {
  const NodeView node = desk.node();
  const auto pause = desk.paused();
  const int64_t now = desk.clock().unix_ms();
  Json r = json::make_record("treasury_status");
  if (desk.simulated()) r["simulated"] = true;
  r["time_ms"] = now;
  r["node_up"] = node.is_up;
  if (!node.identity.node.empty()) r["node"] = node.identity.node, r["chain"] = node.identity.chain, r["node_version"] = node.identity.version, r["node_seen_ms"] = node.seen_ms;
  if (!node.problem.empty()) r["problem"] = json::clean_text(node.problem, max_reason);
  r["paused"] = pause.has_value();
  if (pause) r["pause"] = Json{{"reason", pause->reason}, {"by", pause->by}, {"time_ms", pause->time_ms}};
  if (node.balances) {
    const Balances& b = *node.balances;
    r["balances"] = Json{{"onchain_confirmed_sat", b.confirmed.count()}, {"onchain_unconfirmed_sat", b.unconfirmed.count()}, {"outbound_msat", b.local.count()}, {"inbound_msat", b.remote.count()}, {"time_ms", node.balances_ms}};
    const int64_t all = (b.local + b.remote).count();
    if (all > 0) r["liquidity"] = Json{{"outbound_ppm", ppm_of(b.local, all)}, {"inbound_ppm", ppm_of(b.remote, all)}};
  }
  desk.with_journal([&](Journal& journal) {
    const QueueFigures q = queue_figures(journal.database());
    const SumFigures s = sum_figures(journal.database());
    Json queue{{"lines", q.waiting}, {"amount_msat", q.waiting_amount.count()}, {"reserved_msat", s.reserved.count()}};
    if (q.oldest_waiting_ms) queue["oldest_ms"] = *q.oldest_waiting_ms;
    if (q.oldest_open_ms) queue["oldest_open_ms"] = *q.oldest_open_ms;
    Json states = Json::object();
    for (const auto& [state, count] : q.lines) states[state] = count;
    queue["states"] = states;
    r["queue"] = queue;
    r["held"] = q.lines.contains("HELD") ? q.lines.at("HELD") : 0;
    r["manifests"] = s.manifests;
    r["paid_msat"] = s.counters.at("paid_msat");
    r["fees_msat"] = s.counters.at("fees_msat");
    r["unknown_payments"] = s.unacknowledged;
    r["alarms"] = s.counters.at("alarms");
    if (s.transactions > 0) r["onchain"] = Json{{"transactions", s.transactions}, {"lines", s.transaction_lines}, {"amount_sat", s.transaction_amount.count()}, {"oldest_ms", s.oldest_transaction_ms.value_or(0)}};
    return 0;
  });
  return r;
}

Api::Api(Desk& desk, Access& access, int64_t token_requests_per_minute, size_t most_manifest_bytes, Channels channels)
    : desk_(desk), access_(access), by_token_(token_requests_per_minute, std::max<int64_t>(token_requests_per_minute / 4, 5)), codes_(3, 5), most_manifest_bytes_(most_manifest_bytes), channels_(std::move(channels)) {
  router_.on("GET", "/v1/openapi.json", [](const Call&) { return ApiResponse{.body = openapi_text()}; });
  router_.on("POST", post_manifest, [this](const Call& c) { return take_manifest(c.request); });
  add_reading();
  add_changing();
  add_channels();
}

size_t Api::body_limit(const ApiRequest& head) const {
  const bool manifest = head.method == "POST" && head.target == post_manifest && !head.client.empty();
  return manifest ? most_manifest_bytes_ : small_body;
}

ApiResponse Api::answer(const ApiRequest& request) {
  const std::string id = crypto::ulid(desk_.clock(), crypto::system_random());
  ApiResponse response = router_.answer(request);
  response.headers.emplace_back("X-Request-Id", id);
  log::info("api_request", {{"request_id", id}, {"method", json::clean_text(request.method, 16)}, {"path", json::clean_text(request.target.substr(0, request.target.find('?')), 200)}, {"status", response.status},
                            {"address", request.address}, {"client", json::clean_text(request.client, 200)}});
  return response;
}

Token Api::require(const ApiRequest& request, Right right) {
  const std::string_view header = request.header("authorization");
  const auto token = header.starts_with("Bearer ") ? access_.find(header.substr(7)) : std::nullopt;
  if (!token) throw HttpError(401, "a valid token is needed: Authorization: Bearer …");
  if (const int64_t wait = by_token_.wait_seconds(token->name, desk_.clock().monotonic_ms())) throw HttpError(429, "too many requests with this token", wait);
  if (!may(token->role, right)) throw HttpError(403, fmt::format("the role {} may not do this", role_name(token->role)));
  return *token;
}

// Guessing is bounded: three wrong or right codes a minute for each name, five at once.
Token Api::require_code(const ApiRequest& request, Right right) {
  const Token token = require(request, right);
  const std::string code(request.header("x-hh-totp"));
  if (const int64_t wait = codes_.wait_seconds(token.name, desk_.clock().monotonic_ms())) throw HttpError(429, "too many one-time codes", wait);
  if (!access_.take_code(token, code)) {
    log::warn("code_refused", {{"name", token.name}, {"address", request.address}});
    throw HttpError(403, "the one-time code is wrong, or was used already");
  }
  return token;
}

ApiResponse Api::take_manifest(const ApiRequest& request) {
  if (request.client.empty()) throw HttpError(403, "manifests are taken from clients with a certificate only");
  if (const std::string type = media_type(request); type != "application/json" && type != "application/jose") throw HttpError(415, "the body is application/json (a signed_manifest record) or application/jose (a bare JWS)");
  std::string_view line = request.body;
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() || line.find('\n') != std::string_view::npos) throw HttpError(400, "the body is one signed manifest, on one line");
  try {
    const Desk::Taken taken = desk_.take_manifest(line);
    Json r = json::make_record("manifest_taken");
    r["manifest_id"] = taken.manifest_id;
    r["lines"] = taken.lines;
    r["new"] = taken.is_new;
    return answer_with(r, 202);
  } catch (const Desk::Refused& e) {
    log::error("manifest_refused", {{"client", json::clean_text(request.client, 200)}, {"reason", e.what()}});
    throw HttpError(status_of(e), fmt::format("{}: {}", e.name, e.what()));
  } catch (const Error& e) {
    if (e.code() != Exit::temp_fail) throw;
    throw HttpError(503, "the journal is busy: try again", 1);
  }
}

void Api::add_reading() {
  router_.on("GET", "/v1/treasury/status", [this](const Call& c) {
    require(c.request, Right::read);
    return answer_with(treasury_status(desk_));
  });
  router_.on("GET", "/v1/manifests", [this](const Call& c) {
    require(c.request, Right::read);
    const std::string after = c.query.contains("after") ? hash_of(c.query.at("after"), "after") : "";
    const int64_t limit = limit_of(c);
    return desk_.with_journal([&](Journal& journal) {
      if (c.query.contains("after")) require_manifest(journal, after);
      Json r = json::make_record("manifests");
      r["manifests"] = Json::array();
      for (const auto& f : manifest_figures(journal.database(), after, "", limit)) r["manifests"].push_back(manifest_of(f));
      return answer_with(r);
    });
  }, {"after", "limit"});
  router_.on("GET", "/v1/manifests/{manifest_id}", [this](const Call& c) {
    require(c.request, Right::read);
    const std::string id = hash_of(c, "manifest_id");
    return desk_.with_journal([&](Journal& journal) { return answer_with(manifest_of(require_manifest(journal, id))); });
  });
  router_.on("GET", "/v1/manifests/{manifest_id}/payments", [this](const Call& c) {
    const Token token = require(c.request, Right::read);
    const std::string id = hash_of(c, "manifest_id");
    const int64_t from = c.query.contains("from") ? number_of(c.query.at("from"), "from", 0, json::max_integer) : 0, limit = limit_of(c);
    return desk_.with_journal([&](Journal& journal) {
      require_manifest(journal, id);
      Json r = json::make_record("payments");
      r["payments"] = Json::array();
      for (const int64_t number : line_numbers(journal.database(), id, from, limit)) r["payments"].push_back(payment_of(journal.line(id, number), nullptr, may(token.role, Right::read_proofs)));
      return answer_with(r);
    });
  }, {"from", "limit"});
  router_.on("GET", "/v1/manifests/{manifest_id}/batches", [this](const Call& c) {
    require(c.request, Right::read);
    const std::string id = hash_of(c, "manifest_id");
    return desk_.with_journal([&](Journal& journal) { return answer_with(batches_of(journal, require_manifest(journal, id).id, false)); });
  });
  router_.on("GET", "/v1/batches", [this](const Call& c) {
    require(c.request, Right::read);
    return desk_.with_journal([&](Journal& journal) { return answer_with(batches_of(journal, "", true)); });
  });
  router_.on("GET", "/v1/payments/{payment_hash}", [this](const Call& c) {
    const Token token = require(c.request, Right::read);
    const std::string hash = hash_of(c, "payment_hash");
    return desk_.with_journal([&](Journal& journal) {
      const auto attempt = journal.attempt_of(hash);
      if (!attempt) throw HttpError(404, "the journal has no such payment");
      return answer_with(payment_of(journal.line(attempt->manifest_id, attempt->line), &*attempt, may(token.role, Right::read_proofs)));
    });
  });
  router_.on("GET", "/v1/payments/{manifest_id}/{line}", [this](const Call& c) {
    const Token token = require(c.request, Right::read);
    const std::string id = hash_of(c, "manifest_id");
    const int64_t number = number_of(c.path.at("line"), "line", 0, json::max_integer);
    return desk_.with_journal([&](Journal& journal) { return answer_with(payment_of(require_line(journal, id, number), nullptr, may(token.role, Right::read_proofs))); });
  });
}

// The body is read before the code is used up, so that a mistyped request costs none.
void Api::change(const std::string& name, Right right, std::vector<const char*> fields, Act act) {
  router_.on("POST", "/v1/admin/" + name, [this, right, fields = std::move(fields), act = std::move(act)](const Call& c) {
    require(c.request, right);
    if (!is_code(c.request.header("x-hh-totp"))) throw HttpError(403, "this needs a one-time code: X-HH-TOTP: 123456");
    const Json body = body_of(c.request, fields);
    try {
      return act(json::Fields(body), body, c.request);
    } catch (const Error& e) {
      if (e.code() != Exit::data) throw;
      throw HttpError(400, e.what());
    }
  });
}

void Api::add_changing() {
  const auto done = [](const std::string& action, const Token& token, const Json& details) { note_done(action, token, details); };
  change("pause", Right::pause, {"reason"}, [this, done](const json::Fields&, const Json& body, const ApiRequest& request) {
    const std::string reason = reason_of(body);
    const Token token = require_code(request, Right::pause);
    desk_.pause(reason, operator_of(token));
    done("pause", token, body);
    return answer_with(treasury_status(desk_));
  });
  change("resume", Right::pause, {"reason"}, [this, done](const json::Fields&, const Json& body, const ApiRequest& request) {
    const std::string reason = reason_of(body);
    const Token token = require_code(request, Right::pause);
    desk_.resume(reason, operator_of(token));
    done("resume", token, body);
    return answer_with(treasury_status(desk_));
  });
  for (const bool hold : {true, false})
    change(hold ? "hold" : "release", Right::decide, {"manifest_id", "line", "reason"}, [this, done, hold](const json::Fields& f, const Json& body, const ApiRequest& request) {
      const std::string id = f.hex_text("manifest_id", 32), reason = reason_of(body);
      const int64_t number = f.integer("line");
      desk_.with_journal([&](Journal& journal) { return require_line(journal, id, number); });
      const Token token = require_code(request, Right::decide);
      const Line line = desk_.with_journal([&](Journal& journal) {
        const Deed deed{.action = hold ? "hold" : "release", .manifest_id = id, .line = number, .hash = {}, .reason = reason, .who = operator_of(token)};
        journal.decide(deed, [&] { return hold ? journal.hold(id, number, fmt::format("{}: {}", token.name, reason)) : journal.release(id, number); });
        return journal.line(id, number);
      });
      done(hold ? "hold" : "release", token, body);
      if (!hold) desk_.ring();
      return answer_with(payment_of(line, nullptr, true));
    });
}

}  // namespace hh::ln

#include "rpc.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/log.h"
#include "rpc_call.h"

namespace hh::devchain {

namespace {

struct Method {
  std::string_view name;
  Json (*call)(const Call&);
};
constexpr std::array<Method, 12> methods{{
    {"generatetoaddress", generatetoaddress},
    {"getbestblockhash", getbestblockhash},
    {"getblock", getblock},
    {"getblockchaininfo", getblockchaininfo},
    {"getblockcount", getblockcount},
    {"getblockhash", getblockhash},
    {"getblockheader", getblockheader},
    {"getblocktemplate", getblocktemplate},
    {"getmempoolinfo", getmempoolinfo},
    {"invalidateblock", invalidateblock},
    {"reconsiderblock", reconsiderblock},
    {"submitblock", submitblock},
}};

Json parse_request(const std::string& text) {
  try {
    return json::parse(text);
  } catch (const Error& e) {
    throw RpcFailure(RpcCode::parse_error, std::string("Parse error: ") + e.what());
  }
}

Json run(Node& node, const Json& request, const std::function<bool()>& stopping) {
  if (!request.is_object() || !request.contains("method") || !request["method"].is_string()) throw RpcFailure(RpcCode::invalid_request, "Invalid Request object");
  const auto& name = request["method"].get_ref<const std::string&>();
  const auto method = std::find_if(methods.begin(), methods.end(), [&](const Method& m) { return m.name == name; });
  if (method == methods.end()) throw RpcFailure(RpcCode::method_not_found, "Method not found");
  Json params = request.value("params", Json::array());
  if (params.is_null()) params = Json::array();
  if (!params.is_array()) throw RpcFailure(RpcCode::invalid_request, "Params must be an array: hh-devchain takes no named arguments");
  log::debug("call", {{"method", name}});
  return method->call({node, Params(params), stopping});
}

int http_status_of(RpcCode code) {
  if (code == RpcCode::invalid_request) return 400;
  return code == RpcCode::method_not_found ? 404 : 500;
}

// JSON-RPC 2.0 leaves out what is null and always answers with status 200; bitcoind's older form does neither.
RpcReply reply(const Json& request, const Json* result, const RpcFailure* failure) {
  const bool second = request.is_object() && request.contains("jsonrpc") && request["jsonrpc"] == "2.0";
  Json body;
  if (second) body["jsonrpc"] = "2.0";
  if (result || !second) body["result"] = result ? *result : Json();
  if (failure)
    body["error"] = {{"code", static_cast<int>(failure->code())}, {"message", failure->what()}};
  else if (!second)
    body["error"] = nullptr;
  body["id"] = request.is_object() && request.contains("id") ? request["id"] : Json();
  return {failure && !second ? http_status_of(failure->code()) : 200, json::to_line(body) + "\n"};
}

}  // namespace

RpcReply answer(Node& node, const std::string& text, const std::function<bool()>& stopping) {
  Json request;
  try {
    request = parse_request(text);
    const Json result = run(node, request, stopping);
    return reply(request, &result, nullptr);
  } catch (const RpcFailure& e) {
    return reply(request, nullptr, &e);
  } catch (const Error& e) {
    log::error("call_failed", {{"reason", e.what()}});
    const RpcFailure failure(RpcCode::misc_error, e.what());
    return reply(request, nullptr, &failure);
  }
}

const Json& Params::at(size_t i) const {
  if (!has(i)) throw RpcFailure(RpcCode::misc_error, "argument " + std::to_string(i + 1) + " is missing");
  return array_[i];
}

std::string Params::text(size_t i) const {
  if (!at(i).is_string()) throw RpcFailure(RpcCode::type_error, "argument " + std::to_string(i + 1) + " must be a string");
  return at(i).get<std::string>();
}

int64_t Params::integer(size_t i) const {
  const Json& v = at(i);
  if (!v.is_number_integer() || (v.is_number_unsigned() && v.get<uint64_t>() > INT64_MAX)) throw RpcFailure(RpcCode::type_error, "argument " + std::to_string(i + 1) + " must be an integer");
  return v.get<int64_t>();
}

const Json& Params::object(size_t i) const {
  if (!at(i).is_object()) throw RpcFailure(RpcCode::type_error, "argument " + std::to_string(i + 1) + " must be an object");
  return at(i);
}

bitcoin::Hash256 Params::hash(size_t i) const {
  const auto h = bitcoin::Hash256::from_display_hex(text(i));
  if (!h) throw RpcFailure(RpcCode::invalid_parameter, "argument " + std::to_string(i + 1) + " must be 64 hexadecimal digits");
  return *h;
}

Bytes Params::hex(size_t i) const {
  const auto bytes = from_hex(text(i));
  if (!bytes) throw RpcFailure(RpcCode::deserialization_error, "argument " + std::to_string(i + 1) + " is not hexadecimal");
  return *bytes;
}

int64_t Params::verbosity(size_t i, int64_t otherwise) const {
  if (!has(i)) return otherwise;
  const int64_t v = at(i).is_boolean() ? at(i).get<bool>() : integer(i);
  if (v < 0 || v > 1) throw RpcFailure(RpcCode::invalid_parameter, "hh-devchain knows verbosity 0 and 1");
  return v;
}

}  // namespace hh::devchain

#include "http/bitcoin_rpc.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/base64url.h"
#include "http/client.h"
#include "http/url.h"
#include "json/strict.h"

namespace hh::http {
namespace {

constexpr int64_t warming_up = -28;  // RPC_IN_WARMUP of Bitcoin Core's rpc/protocol.h
constexpr int64_t retry_ms = 200;
constexpr size_t max_cookie = 4096;

struct Chain {
  std::string_view name, folder;
  uint16_t port;
};
// Bitcoin Core's chainparamsbase.cpp.
constexpr std::array chains{Chain{"main", "", 8332}, Chain{"test", "testnet3/", 18332}, Chain{"testnet4", "testnet4/", 48332}, Chain{"signet", "signet/", 38332},
                            Chain{"regtest", "regtest/", 18443}};

const Chain& chain_of(std::string_view name) {
  const auto at = std::find_if(chains.begin(), chains.end(), [&](const Chain& c) { return c.name == name; });
  if (at == chains.end()) throw Error(Exit::config, fmt::format("chain \"{}\" is none of main, test, testnet4, signet, regtest", name));
  return *at;
}

// Calls that change nothing, or nothing more when repeated: they may use a kept connection.
bool is_repeatable(std::string_view method) {
  constexpr std::array<std::string_view, 11> starts{"get", "list", "decode", "estimate", "validate", "test", "wait", "help", "uptime", "echo", "submitblock"};
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view s) { return method.starts_with(s); });
}

std::string complete_url(const BitcoinRpcConfig& config) {
  const auto url = parse_url(config.url.empty() ? "http://127.0.0.1" : config.url);
  if (!url) throw Error(Exit::config, "bitcoind's url is no http or https URL (user and password have settings of their own)");
  Url complete = *url;
  if (!complete.port_given) complete.port = default_rpc_port(config.chain);
  return complete.text();
}

std::string home_datadir() {
  const char* home = std::getenv("HOME");
  return (home == nullptr ? std::string("/root") : std::string(home)) + "/.bitcoin";
}

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string request_text(const RpcCall& call, size_t id) {
  return fmt::format(R"({{"jsonrpc":"1.0","id":{},"method":{},"params":{}}})", id, Json(call.method).dump(), call.params);
}

// One answer object. simdjson, because block templates are megabytes; the value itself is left as text. Throws simdjson_error.
struct Reply {
  RpcAnswer answer;
  int64_t id = -1;
};

RpcError read_error(const std::string& text, const std::string& method) {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(text);
  simdjson::ondemand::document document = parser.iterate(padded);
  int64_t code = 0;
  std::string message = "no message";
  for (auto field : document.get_object()) {
    const std::string_view key = field.unescaped_key();
    if (key == "code") code = field.value().get_int64();
    if (key == "message") message = std::string(std::string_view(field.value().get_string()));
  }
  return RpcError(method, code, message);
}

Reply read_reply(simdjson::ondemand::object object, const std::function<std::string(int64_t id)>& method_of) {
  Reply reply;
  std::string error_text;
  for (auto field : object) {
    const std::string_view key = field.unescaped_key();
    if (key == "result") reply.answer.result = std::string(std::string_view(simdjson::to_json_string(field.value())));
    else if (key == "error") error_text = std::string(std::string_view(simdjson::to_json_string(field.value())));
    else if (key == "id" && !field.value().is_null()) reply.id = field.value().get_int64();
  }
  if (!error_text.empty() && error_text != "null") {  // read last, as the id may come after it
    reply.answer.error = read_error(error_text, method_of(reply.id));
    reply.answer.result.clear();
  } else if (reply.answer.result.empty()) {
    throw simdjson::simdjson_error(simdjson::NO_SUCH_FIELD);
  }
  return reply;
}

}  // namespace

uint16_t default_rpc_port(std::string_view chain) { return chain_of(chain).port; }

std::string default_cookie_file(const std::string& datadir, std::string_view chain) {
  return fmt::format("{}/{}.cookie", datadir.empty() ? home_datadir() : datadir, chain_of(chain).folder);
}

RpcError::RpcError(const std::string& method, int64_t code, const std::string& message)
    : Error(code == warming_up ? Exit::unavailable : Exit::data, fmt::format("bitcoind refuses {}: {} (code {})", method, message, code)),
      rpc_code_(code),
      message_(message) {}

struct BitcoinRpc::Impl {
  BitcoinRpcConfig config;
  std::string url;
  std::string credentials;  // "user:password"; empty: not read yet
  Client client;
  simdjson::ondemand::parser parser;

  explicit Impl(BitcoinRpcConfig c) : config(std::move(c)), url(complete_url(config)) {
    chain_of(config.chain);
    if (config.cookie_file.empty()) config.cookie_file = default_cookie_file(config.datadir, config.chain);
    if (!config.user.empty()) credentials = config.user + ':' + load_secret(config.password, "bitcoind password");
  }

  bool uses_cookie() const { return config.user.empty(); }
  void read_cookie();
  Result exchange(const std::string& body, bool repeatable, int64_t timeout_ms);
  std::string post(const std::string& what, const std::string& body, bool repeatable, int64_t timeout_ms);
  [[noreturn]] void refuse(const std::string& what, const Result& result) const;
  RpcAnswer call(const RpcCall& call, int64_t timeout_ms);
  [[noreturn]] void not_json_rpc(const std::string& what) const;
};

// bitcoind makes a new cookie at every start, so it is read again whenever it is refused.
void BitcoinRpc::Impl::read_cookie() {
  std::string text;
  try {
    text = read_file(config.cookie_file, max_cookie);
  } catch (const Error& e) {
    throw RpcUnavailable(Exit::unavailable, fmt::format("bitcoind's cookie: {}: is bitcoind running, and may this user read its data folder?", e.what()), false);
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  const size_t colon = text.find(':');
  if (colon == std::string::npos) throw RpcUnavailable(Exit::unavailable, fmt::format("bitcoind's cookie {} is not complete", config.cookie_file), false);
  log::hide(text.substr(colon + 1));
  credentials = text;
}

Result BitcoinRpc::Impl::exchange(const std::string& body, bool repeatable, int64_t timeout_ms) {
  Request request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/json"}, {"Authorization", "Basic " + crypto::to_base64(as_bytes(credentials))}};
  request.body = body;
  request.timeouts.connect_ms = config.connect_ms;
  request.timeouts.total_ms = timeout_ms == 0 ? config.timeout_ms : std::max<int64_t>(timeout_ms, 0);
  request.max_response = config.max_response;
  request.repeatable = repeatable;
  return client.send(request);
}

void BitcoinRpc::Impl::refuse(const std::string& what, const Result& result) const {
  const long status = result.response.status;
  const bool maybe_done = result.outcome == Outcome::unknown;
  if (result.stopped) throw RpcUnavailable(Exit::unavailable, fmt::format("{} was stopped before bitcoind answered", what), maybe_done);
  if (result.outcome != Outcome::ok)
    throw RpcUnavailable(Exit::unavailable, fmt::format("bitcoind does not answer {}: {}: is it running, and is this its RPC address?", what, result.error), maybe_done);
  if (status == 401)
    throw RpcUnavailable(Exit::config, fmt::format("bitcoind at {} refuses {}", url, uses_cookie() ? "the cookie " + config.cookie_file : "user " + config.user + " and its password"), false);
  if (status == 403) throw RpcUnavailable(Exit::config, fmt::format("bitcoind at {} refuses this machine or this call: see its rpcallowip and rpcwhitelist", url), false);
  if (status == 503) throw RpcUnavailable(Exit::unavailable, fmt::format("bitcoind at {} has too many calls waiting: raise its rpcworkqueue, or call less", url), false);
  throw RpcUnavailable(Exit::unavailable, fmt::format("{} answers {} with HTTP {} and no JSON-RPC: is it bitcoind?", url, what, status), true);
}

void BitcoinRpc::Impl::not_json_rpc(const std::string& what) const {
  throw RpcUnavailable(Exit::unavailable, fmt::format("{} answers {} with something that is no JSON-RPC: is it bitcoind?", url, what), true);
}

// The body of an answer that looks like JSON-RPC; bitcoind sends it with 200, and errors also with 400, 404 and 500.
std::string BitcoinRpc::Impl::post(const std::string& what, const std::string& body, bool repeatable, int64_t timeout_ms) {
  if (credentials.empty()) read_cookie();
  Result result = exchange(body, repeatable, timeout_ms);
  if (result.response.status == 401 && uses_cookie()) {
    const std::string refused = credentials;
    read_cookie();
    if (credentials != refused) result = exchange(body, repeatable, timeout_ms);
  }
  const std::string& text = result.response.body;
  const bool is_answer = result.outcome == Outcome::ok && (text.starts_with('{') || text.starts_with('['));
  const long status = result.response.status;
  if (!is_answer || (status != 200 && status != 400 && status != 404 && status != 500)) refuse(what, result);
  return std::move(result.response.body);
}

RpcAnswer BitcoinRpc::Impl::call(const RpcCall& call, int64_t timeout_ms) {
  const simdjson::padded_string body(post(call.method, request_text(call, 1), is_repeatable(call.method), timeout_ms));
  try {
    simdjson::ondemand::document document = parser.iterate(body);
    return read_reply(document.get_object(), [&](int64_t) { return call.method; }).answer;
  } catch (const simdjson::simdjson_error&) {
    not_json_rpc(call.method);
  }
}

BitcoinRpc::BitcoinRpc(BitcoinRpcConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
BitcoinRpc::~BitcoinRpc() = default;

std::string BitcoinRpc::call_text(const std::string& method, const std::string& params_json, int64_t timeout_ms) {
  RpcAnswer answer = impl_->call({method, params_json}, timeout_ms);
  if (answer.error) throw *answer.error;
  return std::move(answer.result);
}

Json BitcoinRpc::call(const std::string& method, const Json& params, int64_t timeout_ms) {
  const std::string text = call_text(method, params.dump(), timeout_ms);
  try {
    return json::parse(text);
  } catch (const Error& e) {
    throw RpcUnavailable(Exit::unavailable, fmt::format("bitcoind's answer to {} cannot be read: {}", method, e.what()), true);
  }
}

Json BitcoinRpc::call(const std::string& method) { return call(method, Json::array()); }

std::vector<RpcAnswer> BitcoinRpc::batch(const std::vector<RpcCall>& calls) {
  if (calls.empty()) return {};
  std::string body = "[";
  for (size_t i = 0; i < calls.size(); ++i) body += (i > 0 ? "," : "") + request_text(calls[i], i);
  const std::string what = fmt::format("a batch of {} calls", calls.size());
  const bool repeatable = std::all_of(calls.begin(), calls.end(), [](const RpcCall& c) { return is_repeatable(c.method); });
  const simdjson::padded_string text(impl_->post(what, body + "]", repeatable, 0));
  std::vector<std::optional<RpcAnswer>> found(calls.size());
  const auto method_of = [&](int64_t id) { return id >= 0 && static_cast<size_t>(id) < calls.size() ? calls[static_cast<size_t>(id)].method : std::string("a call"); };
  try {
    simdjson::ondemand::document document = impl_->parser.iterate(text);
    for (auto element : document.get_array()) {
      Reply reply = read_reply(element.get_object(), method_of);
      if (reply.id >= 0 && static_cast<size_t>(reply.id) < found.size()) found[static_cast<size_t>(reply.id)] = std::move(reply.answer);
    }
  } catch (const simdjson::simdjson_error&) {
    impl_->not_json_rpc(what);
  }
  std::vector<RpcAnswer> answers;
  for (auto& answer : found) {
    if (!answer) impl_->not_json_rpc(what);
    answers.push_back(std::move(*answer));
  }
  return answers;
}

void BitcoinRpc::wait_ready(int64_t timeout_ms) {
  const int64_t deadline = now_ms() + timeout_ms;
  for (;;) {
    const int64_t left = deadline - now_ms();
    try {
      call_text("uptime", "[]", std::clamp<int64_t>(left, 1000, impl_->config.timeout_ms));
      return;
    } catch (const Error& e) {
      const auto* answered = dynamic_cast<const RpcError*>(&e);
      if (e.code() != Exit::unavailable || (answered != nullptr && answered->rpc_code() != warming_up) || left <= retry_ms || !impl_->client.pause(retry_ms)) throw;
    }
  }
}

void BitcoinRpc::stop_when(std::function<bool()> stop) { impl_->client.stop_when(std::move(stop)); }
void BitcoinRpc::abort() { impl_->client.abort(); }
void BitcoinRpc::resume() { impl_->client.resume(); }
const std::string& BitcoinRpc::url() const { return impl_->url; }

}  // namespace hh::http

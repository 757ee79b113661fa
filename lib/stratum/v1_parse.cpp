// Reading Stratum V1 with simdjson's DOM: it validates the whole line (UTF-8 too), allocates nothing once its buffers have grown, and reports
// errors as values. A line of a miner is parsed in about a microsecond.
#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "stratum/v1.h"

namespace hh::stratum::v1 {
namespace {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

constexpr size_t max_depth = 16;
constexpr size_t max_id = 64;

// What reading a parameter list gives: its members, and the first thing that was wrong with them.
class Params {
 public:
  explicit Params(dom::element message) {
    if (message["params"].get_array().get(array_) == SUCCESS) valid_ = true;
  }
  bool has(size_t i) const {
    dom::element e;
    return valid_ && array_.at(i).get(e) == SUCCESS && !e.is_null();
  }
  std::optional<dom::element> at(size_t i) const {
    dom::element e;
    if (!valid_ || array_.at(i).get(e) != SUCCESS) return std::nullopt;
    return e;
  }
  std::string_view text(size_t i, const char* name) {
    std::string_view out;
    if (const auto e = at(i); !e || e->get_string().get(out) != SUCCESS) fail(i, name, "is not text");
    return out;
  }
  std::string_view text_or_empty(size_t i) const {
    std::string_view out;
    if (const auto e = at(i); e && e->get_string().get(out) == SUCCESS) return out;
    return {};
  }
  // Hex digits, or a JSON number, which means its value.
  uint32_t hex32(size_t i, const char* name) {
    uint32_t n = 0;
    std::string_view digits;
    uint64_t value = 0;
    const auto e = at(i);
    if (e && e->get_string().get(digits) == SUCCESS && read_hex32(digits, n)) return n;
    if (e && e->is_uint64() && e->get_uint64().get(value) == SUCCESS && value <= UINT32_MAX) return static_cast<uint32_t>(value);
    fail(i, name, "is not a number of up to 8 hex digits");
    return 0;
  }
  Bytes hex(size_t i, const char* name) {
    auto bytes = from_hex(text(i, name));
    if (!bytes) fail(i, name, "is not hex");
    return bytes ? std::move(*bytes) : Bytes{};
  }
  std::optional<bitcoin::Difficulty> difficulty(size_t i, const char* name) {
    const auto e = at(i);
    const auto d = e ? read_difficulty(*e) : std::nullopt;
    if (!d) fail(i, name, "is not a number above 2^-32 and below 2^32");
    return d;
  }
  // A number, or one as text.
  static std::optional<bitcoin::Difficulty> read_difficulty(dom::element e) {
    double number = 0;
    std::string_view digits;
    if (e.get_double().get(number) == SUCCESS) return bitcoin::Difficulty::from_wire(number);
    if (e.get_string().get(digits) == SUCCESS && digits.size() <= 64) return bitcoin::Difficulty::from_text(digits);
    return std::nullopt;
  }
  void fail(size_t i, const char* name, const char* what) {
    if (reason.empty()) reason = "parameter " + std::to_string(i + 1) + " (" + name + ") " + what;
  }
  static std::string_view without_0x(std::string_view digits) {
    if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
    return digits;
  }
  static bool read_hex32(std::string_view digits, uint32_t& n) {
    digits = without_0x(digits);
    if (digits.empty() || digits.size() > 8) return false;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n, 16);
    return error == std::errc{} && end == digits.data() + digits.size();
  }

  std::string reason;

 private:
  dom::array array_;
  bool valid_ = false;
};

Request read_subscribe(Params& p) { return Subscribe{p.text_or_empty(0)}; }

void read_extension(Configure& c, std::string_view name) {
  if (name == "version-rolling") c.version_rolling = true;
  if (name == "minimum-difficulty") c.minimum_difficulty = true;
  if (name == "subscribe-extranonce") c.subscribe_extranonce = true;
  if (name == "info") c.info = true;
}

void read_options(Configure& c, dom::element options, Params& p) {
  dom::element value;
  std::string_view text;
  uint64_t number = 0;
  if (options["version-rolling.mask"].get(value) == SUCCESS && !value.is_null()) {
    const bool is_text = value.get_string().get(text) == SUCCESS && Params::read_hex32(text, c.version_mask);
    const bool is_number = !is_text && value.is_uint64() && value.get_uint64().get(number) == SUCCESS && number <= UINT32_MAX;
    if (is_number) c.version_mask = static_cast<uint32_t>(number);
    if (!is_text && !is_number) p.fail(1, "version-rolling.mask", "is not a number of up to 8 hex digits");
  }
  if (options["version-rolling.min-bit-count"].get(value) == SUCCESS) {
    const bool is_text = value.get_string().get(text) == SUCCESS;
    if (is_text) std::from_chars(text.data(), text.data() + text.size(), number);
    if (is_text || value.get_uint64().get(number) == SUCCESS) c.min_bit_count = static_cast<uint32_t>(std::min<uint64_t>(number, 33));
  }
  if (options["minimum-difficulty.value"].get(value) == SUCCESS) c.minimum = Params::read_difficulty(value);
}

Request read_configure(Params& p) {
  Configure c;
  dom::array extensions;
  std::string_view name;
  const auto e = p.at(0);
  if (e && e->get_array().get(extensions) == SUCCESS) {
    for (const dom::element extension : extensions)
      if (extension.get_string().get(name) == SUCCESS) read_extension(c, name);
  } else if (e && e->get_string().get(name) == SUCCESS) {  // the one extension, without its array
    read_extension(c, name);
  } else {
    p.fail(0, "extensions", "is not an array");
    return c;
  }
  if (const auto options = p.at(1); options && options->is_object()) read_options(c, *options, p);
  return c;
}

Request read_authorize(Params& p) { return Authorize{p.text(0, "user name"), p.text_or_empty(1)}; }

Request read_suggest_difficulty(Params& p) {
  const auto d = p.difficulty(0, "difficulty");
  if (!d) return Unknown{};
  return SuggestDifficulty{*d};
}

// Leading zeros may be left out.
Request read_suggest_target(Params& p) {
  const std::string_view digits = Params::without_0x(p.text(0, "target"));
  std::optional<bitcoin::Uint256> n;
  if (!digits.empty() && digits.size() <= 64) n = bitcoin::Uint256::from_hex(std::string(64 - digits.size(), '0').append(digits));
  if (!n) p.fail(0, "target", "is not up to 64 hex digits");
  return SuggestTarget{{n.value_or(bitcoin::Uint256())}};
}

Request read_extranonce_subscribe(Params&) { return ExtranonceSubscribe{}; }
Request read_ping(Params&) { return Ping{}; }
Request read_get_transactions(Params& p) { return GetTransactions{p.text_or_empty(0)}; }
Request read_pong(Params&) { return Reply{}; }

Request read_submit(Params& p) {
  Submit s;
  s.user = p.text(0, "user name");
  s.job = p.text(1, "job");
  s.extranonce2 = Params::without_0x(p.text(2, "extranonce2"));
  s.ntime = p.hex32(3, "ntime");
  s.nonce = p.hex32(4, "nonce");
  if (p.has(5)) s.version_bits = p.hex32(5, "version bits");
  return s;
}

struct RequestMethod {
  std::string_view name;
  Request (*read)(Params&);
};
// The most frequent first.
constexpr std::array<RequestMethod, 12> request_methods{{{"mining.submit", read_submit},
                                                         {"mining.subscribe", read_subscribe},
                                                         {"mining.configure", read_configure},
                                                         {"mining.authorize", read_authorize},
                                                         {"mining.suggest_difficulty", read_suggest_difficulty},
                                                         {"mining.suggest_target", read_suggest_target},
                                                         {"mining.extranonce.subscribe", read_extranonce_subscribe},
                                                         {"mining.ping", read_ping},
                                                         {"client.ping", read_ping},
                                                         {"mining.get_transactions", read_get_transactions},
                                                         {"pong", read_pong},
                                                         {"mining.pong", read_pong}}};

bool read_word_swapped(std::string_view digits, bitcoin::Hash256& out) {
  std::array<uint8_t, 32> b;
  if (!from_hex(digits, b)) return false;
  for (size_t i = 0; i < 32; ++i) out.bytes[i] = b[(i & ~size_t{3}) | (3 - (i & 3))];
  return true;
}

ServerMessage read_notify(Params& p) {
  Notify n;
  n.job = p.text(0, "job");
  if (!read_word_swapped(p.text(1, "previous hash"), n.prev_hash)) p.fail(1, "previous hash", "is not 64 hex digits");
  n.coinbase1 = p.hex(2, "coinbase 1");
  n.coinbase2 = p.hex(3, "coinbase 2");
  dom::array branch;
  if (const auto e = p.at(4); !e || e->get_array().get(branch) != SUCCESS) p.fail(4, "merkle branch", "is not an array");
  if (!p.reason.empty()) return n;
  for (const dom::element e : branch) {
    std::string_view digits;
    bitcoin::Hash256 h;
    if (e.get_string().get(digits) != SUCCESS || !from_hex(digits, h.bytes)) p.fail(4, "merkle branch", "has an element that is not 64 hex digits");
    n.branch.push_back(h);
  }
  if (n.branch.size() > 32) p.fail(4, "merkle branch", "is longer than any block's");
  n.version = p.hex32(5, "version");
  n.bits = p.hex32(6, "bits");
  n.ntime = p.hex32(7, "ntime");
  bool clean = false;
  if (const auto e = p.at(8); e && e->get_bool().get(clean) == SUCCESS) n.clean = clean;
  return n;
}

ServerMessage read_set_difficulty(Params& p) {
  const auto d = p.difficulty(0, "difficulty");
  if (!d) return Unknown{};
  return SetDifficulty{*d};
}

ServerMessage read_set_mask(Params& p) { return SetVersionMask{p.hex32(0, "mask")}; }

std::optional<SetExtranonce> extranonce(const Params& p, size_t first) {
  const auto bytes = from_hex(p.text_or_empty(first));
  uint64_t size = 0;
  const auto e = p.at(first + 1);
  if (!bytes || !e || e->get_uint64().get(size) != SUCCESS || size < 1 || size > 32 || bytes->size() > 32) return std::nullopt;
  return SetExtranonce{*bytes, size};
}

ServerMessage read_set_extranonce(Params& p) {
  const auto e = extranonce(p, 0);
  if (!e) p.fail(0, "extranonce1", "and the size after it are not hex and a number from 1 to 32");
  return e.value_or(SetExtranonce{});
}

ServerMessage read_reconnect(Params& p) {
  Reconnect r;
  r.host = p.text_or_empty(0);
  uint64_t n = 0;
  std::string_view text = p.text_or_empty(1);
  if (!text.empty())
    std::from_chars(text.data(), text.data() + text.size(), r.port);
  else if (const auto e = p.at(1); e && e->get_uint64().get(n) == SUCCESS && n <= UINT16_MAX)
    r.port = static_cast<uint16_t>(n);
  if (const auto e = p.at(2); e && e->get_uint64().get(n) == SUCCESS) r.wait_seconds = static_cast<uint32_t>(std::min<uint64_t>(n, 86'400));
  return r;
}
ServerMessage read_show_message(Params& p) { return ShowMessage{p.text_or_empty(0)}; }

struct ServerMethod {
  std::string_view name;
  ServerMessage (*read)(Params&);
};
constexpr std::array<ServerMethod, 6> server_methods{{{"mining.notify", read_notify},
                                                      {"mining.set_difficulty", read_set_difficulty},
                                                      {"mining.set_version_mask", read_set_mask},
                                                      {"mining.set_extranonce", read_set_extranonce},
                                                      {"client.reconnect", read_reconnect},
                                                      {"client.show_message", read_show_message}}};

// [[subscriptions], extranonce1, size] of mining.subscribe
std::optional<SetExtranonce> read_subscribed(dom::array a) {
  std::string_view digits;
  uint64_t size = 0;
  if (a.at(1).get_string().get(digits) != SUCCESS || a.at(2).get_uint64().get(size) != SUCCESS) return std::nullopt;
  auto bytes = from_hex(digits);
  if (!bytes || bytes->size() > 32 || size < 1 || size > 32) return std::nullopt;
  return SetExtranonce{std::move(*bytes), size};
}

template <class Value>
std::string_view text_or_empty(Value value) {
  std::string_view out;
  return value.get_string().get(out) == SUCCESS ? out : std::string_view();
}

// Errors are [code, text, detail], but text or an object {code, message} occur as well.
void read_error(dom::element e, Response& r) {
  int64_t code = 0;
  dom::array a;
  if (e.get_array().get(a) == SUCCESS) {
    if (a.at(0).get_int64().get(code) == SUCCESS) r.error_code = static_cast<int>(std::clamp<int64_t>(code, -32768, 32767));
    r.error_text = text_or_empty(a.at(1));
  } else if (e.is_object()) {
    if (e["code"].get_int64().get(code) == SUCCESS) r.error_code = static_cast<int>(std::clamp<int64_t>(code, -32768, 32767));
    r.error_text = text_or_empty(e["message"]);
  } else {
    r.error_text = text_or_empty(e);
  }
}

Response read_response(dom::element message) {
  Response r;
  int64_t id = 0;
  if (message["id"].get_int64().get(id) == SUCCESS) r.id = id;
  dom::element error, result;
  const bool failed = message["error"].get(error) == SUCCESS && !error.is_null();
  if (failed) read_error(error, r);
  if (message["result"].get(result) != SUCCESS || result.is_null()) return r;
  bool truth = true;
  r.ok = !failed && (result.get_bool().get(truth) != SUCCESS || truth);
  dom::array a;
  if (result.get_array().get(a) == SUCCESS) r.subscribed = read_subscribed(a);
  bool rolling = false;
  std::string_view digits;
  uint32_t mask = 0;
  if (result.is_object() && result["version-rolling"].get_bool().get(rolling) == SUCCESS && rolling &&
      result["version-rolling.mask"].get_string().get(digits) == SUCCESS && Params::read_hex32(digits, mask))
    r.version_mask = mask;
  return r;
}

Id id_of(dom::element message) {
  dom::element id;
  if (message["id"].get(id) != SUCCESS || id.is_array() || id.is_object()) return "null";
  std::string text = simdjson::minify(id);
  return text.size() <= max_id ? text : "null";
}

}  // namespace

struct Parser::Impl {
  Impl() { ready = parser.allocate(max_line, max_depth) == SUCCESS; }
  dom::parser parser;
  bool ready = false;
  std::array<char, max_line + simdjson::SIMDJSON_PADDING> padded{};

  bool read(std::string_view line, dom::element& message) {
    if (!ready || line.size() > max_line) return false;
    std::copy(line.begin(), line.end(), padded.begin());
    return parser.parse(padded.data(), line.size(), false).get(message) == SUCCESS && message.is_object();
  }
};

Parser::Parser() : impl_(std::make_unique<Impl>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;

namespace {

template <class Message, class Methods>
Parsed<Message> dispatch(dom::element message, std::string_view method, const Methods& methods) {
  Parsed<Message> out{id_of(message), Message{Unknown{method}}};
  for (const auto& known : methods) {
    if (known.name != method) continue;
    Params params(message);
    Message value = known.read(params);
    if (params.reason.empty())
      out.value = std::move(value);
    else
      out.value = ParseFailure{out.id, std::move(params.reason)};
    break;
  }
  return out;
}

template <class Message>
Parsed<Message> no_json() {
  return {"null", ParseFailure{"null", "the line is no JSON object", false}};
}

}  // namespace

Parsed<Request> Parser::request(std::string_view line) {
  dom::element message;
  if (!impl_->read(line, message)) return no_json<Request>();
  std::string_view method;
  if (message["method"].get_string().get(method) == SUCCESS) return dispatch<Request>(message, method, request_methods);
  dom::element answer;
  if (message["result"].get(answer) == SUCCESS || message["error"].get(answer) == SUCCESS) {
    Reply reply;
    int64_t id = 0;
    if (message["id"].get_int64().get(id) == SUCCESS) reply.id = id;
    if (message["result"].get_string().get(reply.text) != SUCCESS) reply.text = {};
    return {"null", Request{reply}};
  }
  return {id_of(message), ParseFailure{id_of(message), "there is no method"}};
}

Parsed<ServerMessage> Parser::server_message(std::string_view line) {
  dom::element message;
  if (!impl_->read(line, message)) return no_json<ServerMessage>();
  std::string_view method;
  if (message["method"].get_string().get(method) == SUCCESS) return dispatch<ServerMessage>(message, method, server_methods);
  return {id_of(message), ServerMessage{read_response(message)}};
}

}  // namespace hh::stratum::v1

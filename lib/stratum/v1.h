// Stratum V1: the messages between miners and a pool, one struct each. JSON-RPC of a kind, one object per line over TCP.
//
// There is no standard; this follows slush's original description, BIP310 (mining.configure, version rolling) and what firmware really
// sends. Strict where a share's value depends on it, tolerant where firmware varies and the meaning is the same: members in any order, unknown
// members and surplus parameters ignored, trailing parameters left out, ids of any kind echoed as they came, hex of either case and with 0x
// before it, 32-bit fields as JSON numbers, numbers as text.
//
// Text in a message points into the line's parsed copy: it is valid until the Parser reads the next line. Nothing here throws.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bitcoin/difficulty.h"
#include "bitcoin/hash.h"

namespace hh::stratum::v1 {

// Longest line in either direction, newline included. Real ones stay below 4 kB.
inline constexpr size_t max_line = 16 * 1024;

// The id of a request as JSON text ("7", "\"a\"", "null"), at most 64 bytes, to be echoed as it is.
using Id = std::string;

// ---- from miner to pool

struct Subscribe {
  std::string_view user_agent;  // "" where absent
};
struct Configure {              // BIP310
  bool version_rolling = false;
  uint32_t version_mask = 0xffffffff;  // what the miner can roll
  uint32_t min_bit_count = 0;
  bool minimum_difficulty = false;
  std::optional<bitcoin::Difficulty> minimum;  // minimum-difficulty.value
  bool subscribe_extranonce = false;
  bool info = false;
};
struct Authorize {
  std::string_view user, password;
};
struct SuggestDifficulty {
  bitcoin::Difficulty difficulty;
};
struct SuggestTarget {
  bitcoin::Target target;
};
struct ExtranonceSubscribe {};
struct Ping {};                           // mining.ping, client.ping
struct GetTransactions {
  std::string_view job;                   // "" where absent
};
struct Reply {                            // an answer to a request of ours, or "pong" as a method
  std::optional<int64_t> id;              // nullopt: not a number
  std::string_view text;                  // the result, where it is text
};
struct Submit {
  std::string_view user, job;
  std::string_view extranonce2;           // hex digits, unchecked
  uint32_t ntime = 0, nonce = 0;
  std::optional<uint32_t> version_bits;   // sixth parameter (BIP310)
};
struct Unknown {                          // a method we do not have
  std::string_view method;
};

using Request =
    std::variant<Subscribe, Configure, Authorize, SuggestDifficulty, SuggestTarget, ExtranonceSubscribe, Ping, GetTransactions, Reply, Submit, Unknown>;

// ---- from pool to miner

struct SetDifficulty {
  bitcoin::Difficulty difficulty;
};
struct SetVersionMask {
  uint32_t mask;
};
struct SetExtranonce {
  Bytes extranonce1;
  size_t extranonce2_size;
};
struct Reconnect {
  std::string_view host;       // "" where it is the same
  uint16_t port = 0;           // 0 where it is the same
  uint32_t wait_seconds = 0;
};
struct ShowMessage {
  std::string_view text;
};
struct Notify {
  std::string_view job;
  bitcoin::Hash256 prev_hash;  // internal order; on the wire each of its eight words is byte-swapped
  Bytes coinbase1, coinbase2;
  std::vector<bitcoin::Hash256> branch;
  uint32_t version = 0, bits = 0, ntime = 0;
  bool clean = false;
};
struct Response {              // to a request of ours
  std::optional<int64_t> id;   // nullopt: not a number
  bool ok = false;             // no error, and result is neither false nor null
  int error_code = 0;
  std::string_view error_text;
  // Where result is that of mining.subscribe:
  std::optional<SetExtranonce> subscribed;
  std::optional<uint32_t> version_mask;  // where it is that of mining.configure with version-rolling true
};

using ServerMessage = std::variant<Notify, SetDifficulty, SetVersionMask, SetExtranonce, Reconnect, ShowMessage, Response, Unknown>;

// ---- reading

struct ParseFailure {
  Id id;                // of the request where it could be read, else "null"
  std::string reason;   // "parameter 4 (ntime) is not 8 hex digits"
  bool is_json = true;  // false: the line is no JSON object at all; the peer does not speak this protocol
};

template <class Message>
struct Parsed {
  Id id = "null";
  std::variant<Message, ParseFailure> value;
};

// One per connection or thread; keeps its buffers.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(Parser&&) noexcept;
  // line: without its newline, at most max_line bytes.
  Parsed<Request> request(std::string_view line);
  Parsed<ServerMessage> server_message(std::string_view line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- writing; every function gives one line with its newline

// Error codes in use since the first pools.
enum class Code : int { other = 20, job_not_found = 21, duplicate = 22, low_difficulty = 23, unauthorized = 24, not_subscribed = 25 };

std::string result_line(const Id& id, std::string_view result_json);
inline std::string true_line(const Id& id) { return result_line(id, "true"); }
std::string error_line(const Id& id, Code code, std::string_view text);
std::string subscribe_result(const Id& id, BytesView extranonce1, size_t extranonce2_size);
// granted: what of `asked` the pool gives.
std::string configure_result(const Id& id, const Configure& asked, std::optional<uint32_t> granted_mask);
std::string set_difficulty_line(bitcoin::Difficulty d);  // REQUIRES d == d.for_wire()
std::string set_version_mask_line(uint32_t mask);
std::string show_message_line(std::string_view text);
// host "": the same host and port, as most firmware accepts only its pool's own domain anyway.
std::string reconnect_line(std::string_view host = {}, uint16_t port = 0, uint32_t wait_seconds = 0);
std::string get_version_line(int64_t id);
std::string ping_line(int64_t id);  // mining.ping
// notify in two halves around the second coinbase part (hex), which differs from miner to miner: first ‖ hex ‖ second.
struct NotifyHalves {
  std::string first, second;
};
NotifyHalves notify_halves(std::string_view job, const bitcoin::Hash256& prev_hash, BytesView coinbase1,
                           const std::vector<bitcoin::Hash256>& branch, uint32_t version, uint32_t bits, uint32_t ntime, bool clean);

std::string subscribe_line(int64_t id, std::string_view user_agent);
std::string configure_line(int64_t id, uint32_t mask);
std::string authorize_line(int64_t id, std::string_view user, std::string_view password);
std::string suggest_difficulty_line(int64_t id, bitcoin::Difficulty d);
struct SubmitText {
  std::string_view user, job;
  BytesView extranonce2;
  uint32_t ntime, nonce;
  std::optional<uint32_t> version_bits;
};
std::string submit_line(int64_t id, const SubmitText& s);

std::string quote(std::string_view text);  // as a JSON string; bytes that are not ASCII are escaped
std::string hex8(uint32_t n);

}  // namespace hh::stratum::v1

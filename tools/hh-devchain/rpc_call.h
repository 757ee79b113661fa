// What a call gets and how it fails.
#pragma once
#include <functional>
#include <stdexcept>
#include <string>

#include "json/strict.h"
#include "node.h"

namespace hh::devchain {

using json::Json;

// Codes of Bitcoin Core's rpc/protocol.h.
enum class RpcCode : int {
  invalid_request = -32600,
  method_not_found = -32601,
  parse_error = -32700,
  misc_error = -1,
  type_error = -3,
  invalid_address_or_key = -5,
  invalid_parameter = -8,
  deserialization_error = -22,
};

class RpcFailure : public std::runtime_error {
 public:
  RpcFailure(RpcCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  RpcCode code() const { return code_; }

 private:
  RpcCode code_;
};

// A call's arguments by position, with bitcoind's errors where they are missing or of another kind.
class Params {
 public:
  explicit Params(const Json& array) : array_(array) {}
  bool has(size_t i) const { return i < array_.size() && !array_[i].is_null(); }
  std::string text(size_t i) const;
  int64_t integer(size_t i) const;
  const Json& object(size_t i) const;
  bitcoin::Hash256 hash(size_t i) const;
  Bytes hex(size_t i) const;
  // A verbosity, 0 or 1: true and false count as 1 and 0.
  int64_t verbosity(size_t i, int64_t otherwise) const;

 private:
  const Json& at(size_t i) const;
  const Json& array_;
};

struct Call {
  Node& node;
  Params params;
  const std::function<bool()>& stopping;
};

// By file: rpc_chain.cpp and rpc_mining.cpp.
Json getblockchaininfo(const Call&);
Json getblockcount(const Call&);
Json getbestblockhash(const Call&);
Json getblockhash(const Call&);
Json getblockheader(const Call&);
Json getblock(const Call&);
Json invalidateblock(const Call&);
Json reconsiderblock(const Call&);
Json getmempoolinfo(const Call&);
Json getblocktemplate(const Call&);
Json submitblock(const Call&);
Json generatetoaddress(const Call&);

}  // namespace hh::devchain

// The calls that hh-devchain answers, with bitcoind's names, arguments, results and errors.
#pragma once
#include <functional>
#include <string>

#include "node.h"

namespace hh::devchain {

struct RpcReply {
  int http_status;
  std::string body;  // a JSON-RPC answer
};

// Answers one JSON-RPC request (1.0 or 2.0; no batches). stopping: asked while a call takes long.
RpcReply answer(Node& node, const std::string& request, const std::function<bool()>& stopping);

}  // namespace hh::devchain

// The PROXY protocol's header, version 2 (haproxy, doc/proxy-protocol.txt, 2.2): who a proxy speaks for, said once before the connection's own bytes.
//
// Only version 2: it is binary, says its own length, and every proxy that has version 1 has it. Whoever may send a header chooses the address
// that limits and logs will show, so a server reads it from those that it trusts, and takes nothing else from them.
#pragma once
#include <string_view>

#include "net/endpoint.h"

namespace hh::net {

struct ProxyHeader {
  size_t size = 0;              // of the header, which is to be left out; 0: not all of it is there
  const char* error = nullptr;  // what is wrong: the connection is to be dropped
  Endpoint source;              // size 0: use the connection's own address (LOCAL, such as a proxy's health check; or no TCP over IP)
};

inline constexpr size_t most_proxy_header = 4096;  // haproxy's own has at most some hundred bytes, with certificates' names

// bytes: all that came so far. Type-length-values behind the addresses are skipped.
ProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace hh::net

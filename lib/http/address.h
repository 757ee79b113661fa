// Which network addresses belong to the public Internet: a guard for URLs that strangers hand us (LNURL), so that our client cannot be
// sent into our own network. The check is made on the address that is connected to, so a name that changes its mind does not help.
#pragma once

struct sockaddr;

namespace hh::http {

// Only globally reachable unicast (IANA special-purpose registries, RFC 6890): no loopback, private, shared, link-local, documentation,
// benchmark, multicast or reserved ranges, nor IPv6 ranges that carry an IPv4 address (mapped, NAT64, 6to4, Teredo).
bool is_public_address(const sockaddr* address);

}  // namespace hh::http

// TLS on a stream, the server's side: what comes from the socket is opened, what goes to it sealed, and nothing ever waits.
//
// OpenSSL gets no socket, but the bytes that came and a place for those that go: the stream keeps its one way to read and to write, with its
// limits, its buffers and its one send for each turn. (Kernel TLS would let a session move to another process with its socket, but only where the
// kernel has the module and the cipher, and OpenSSL takes no session back that it did not begin: not done.)
//
// TLS 1.2 and 1.3. No renegotiation, with which a client could make the server work without end. No resumption: tickets would need keys
// that several processes share and change, and miners stay connected for weeks.
#pragma once
#include <memory>
#include <string>

#include "net/stream.h"

namespace hh::net {

// Certificate and key. A new one for new files: filters keep what they began with.
class TlsContext {
 public:
  // certificate: PEM file with the server's certificate first, then those that lead to its root. key: as load_secret reads it, PEM, without a
  // password. Throws Error(config) naming the setting: unreadable, no certificate or key, not of each other.
  TlsContext(const std::string& certificate, const std::string& key);
  ~TlsContext();
  std::unique_ptr<StreamFilter> make_filter() const;
  int64_t days_left() const;  // of the certificate; negative: it has expired

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hh::net

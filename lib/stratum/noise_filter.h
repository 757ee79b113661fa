// Stratum V2's encryption on a stream, the server's side: what comes from the socket are sealed frames, what the stream's owner sees are frames as
// v2::append_frame makes them, whole ones and in order. [sv2-spec: 4]
//
// A client cannot make it keep more than one frame of `most_payload` bytes: what says that it is longer ends the connection, before memory is taken.
// Unlike TLS, its state is a few dozen bytes, which another process can go on with: sessions survive an upgrade of the program.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "net/stream.h"
#include "stratum/noise.h"

namespace hh::stratum {

// A server's static key, and the certificate for it.
struct ServerKeys {
  KeyPair keys;
  Certificate certificate;
};

class NoiseFilter : public net::StreamFilter {
 public:
  NoiseFilter(std::shared_ptr<const ServerKeys> server, size_t most_payload);
  ~NoiseFilter() override;
  // Puts together what state() told. server: for one whose handshake has not begun. Throws Error(data).
  static std::unique_ptr<NoiseFilter> inherit(std::string_view state, std::shared_ptr<const ServerKeys> server, size_t most_payload);

  const char* receive(std::string_view bytes, std::string& plain, std::string& out) override;
  void send(std::span<const std::string_view> pieces, std::string& out) override;  // one or more whole frames, in any pieces
  void end(std::string&) override {}
  bool is_dear() const override { return !session_; }
  std::optional<std::string> state() const override;

 private:
  const std::shared_ptr<const ServerKeys> server_;
  const size_t most_payload_;
  std::optional<Session> session_;         // after the handshake
  std::optional<v2::FrameHeader> header_;  // of a frame whose payload has not come
  std::string in_;                         // sealed, not opened yet
};

}  // namespace hh::stratum

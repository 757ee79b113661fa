// One end of a Stratum V2 connection, for tests against real peers and for looking at them: prints what the other end says as JSON lines.
//
//   sv2_probe connect PORT AUTHORITY_KEY SECONDS [USER]    sets up a mining connection to 127.0.0.1:PORT, opens an extended channel and listens for so long
//   sv2_probe serve SECONDS                         prints its port and authority key, and takes one connection, which it lets set up
#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "crypto/random.h"
#include "stratum/noise.h"

namespace {

using namespace hh;
using namespace hh::stratum;

class Wire {
 public:
  Wire(FileHandle fd, int64_t end_ms) : fd_(std::move(fd)), end_ms_(end_ms) {}
  void write(BytesView bytes) {
    for (ssize_t n; !bytes.empty(); bytes = bytes.subspan(static_cast<size_t>(n)))
      if ((n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL)) <= 0) throw Error(Exit::io, "the peer has hung up");
  }
  // False: the time is up or the peer has hung up before the first byte.
  bool read(std::span<uint8_t> out) {
    for (size_t have = 0; have < out.size();) {
      pollfd p{fd_.get(), POLLIN, 0};
      const int64_t left = end_ms_ - system_clock().monotonic_ms();
      if (left <= 0 || ::poll(&p, 1, static_cast<int>(left)) <= 0) return false;
      const ssize_t n = ::recv(fd_.get(), out.data() + have, out.size() - have, 0);
      if (n <= 0 && have == 0) return false;
      if (n <= 0) throw Error(Exit::io, "the peer has hung up in the middle");
      have += static_cast<size_t>(n);
    }
    return true;
  }
  template <size_t n>
  std::array<uint8_t, n> must_read() {
    std::array<uint8_t, n> out;
    if (!read(out)) throw Error(Exit::unavailable, "the handshake did not come to its end");
    return out;
  }

 private:
  FileHandle fd_;
  int64_t end_ms_;
};

template <class Message>
void say(Wire& wire, Session& session, const Message& m) {
  Bytes sealed;
  session.seal(v2::to_frame(m), sealed);
  wire.write(sealed);
}

std::optional<v2::AnyMessage> hear(Wire& wire, Session& session) {
  std::array<uint8_t, sealed_header_size> head;
  if (!wire.read(head)) return {};
  const auto header = session.open_header(head);
  if (!header) throw Error(Exit::data, "a frame that is not authentic");
  Bytes sealed(sealed_size(header->length)), payload;
  if (!wire.read(sealed) || !session.open_payload(sealed, payload)) throw Error(Exit::data, "a payload that is not authentic");
  auto message = v2::decode_any(*header, payload);
  fmt::print("{}\n", v2::to_json(message).dump());
  std::fflush(stdout);
  return message;
}

sockaddr_in loopback(uint16_t port) { return {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}}; }

void connect_to(uint16_t port, std::string_view authority_text, int64_t end_ms, const char* user) {
  const auto authority = parse_authority_key(authority_text);
  if (!authority) throw Error(Exit::usage, "that is no authority key");
  FileHandle fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in to = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) throw Error(Exit::unavailable, "nobody listens there");
  Wire wire(std::move(fd), end_ms);
  Initiator initiator(crypto::system_random());
  wire.write(initiator.first());
  auto server = initiator.finish(wire.must_read<handshake_answer_size>());
  if (!server) throw Error(Exit::data, "the handshake's answer is not authentic");
  if (const std::string why = refuse_certificate(server->certificate, *authority, server->key, system_clock().unix_seconds()); !why.empty()) throw Error(Exit::no_permission, why);
  say(wire, server->session, v2::SetupConnection{0, 2, 2, 0, "127.0.0.1", port, "probe", "", "", ""});
  while (const auto message = hear(wire, server->session))
    if (std::holds_alternative<v2::SetupConnectionSuccess>(*message)) {
      v2::U256 easiest;
      easiest.fill(0xff);
      say(wire, server->session, v2::OpenExtendedMiningChannel{1, user, v2::F32::from_hashes_per_second(1'000'000), easiest, 4});
    }
}

void serve(int64_t end_ms) {
  FileHandle listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener.get(), 1) != 0 || ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw Error(Exit::unavailable, "cannot listen");
  const KeyPair authority = generate_key_pair(crypto::system_random()), keys = generate_key_pair(crypto::system_random());
  const auto now = static_cast<uint32_t>(system_clock().unix_seconds());
  const Certificate certificate = sign_certificate(authority.secret, keys.x, now - 60, now + 3600, crypto::system_random());
  fmt::print("{{\"port\":{},\"authority\":\"{}\"}}\n", ntohs(at.sin_port), authority_key_text(authority.x));
  std::fflush(stdout);
  pollfd p{listener.get(), POLLIN, 0};
  if (::poll(&p, 1, static_cast<int>(end_ms - system_clock().monotonic_ms())) <= 0) throw Error(Exit::unavailable, "nobody came");
  Wire wire(FileHandle(::accept(listener.get(), nullptr, nullptr)), end_ms);
  auto [answer, session] = Responder(keys, certificate, crypto::system_random()).answer(wire.must_read<handshake_first_size>());
  wire.write(answer);
  while (const auto message = hear(wire, session))
    if (const auto* setup = std::get_if<v2::SetupConnection>(&*message)) say(wire, session, v2::SetupConnectionSuccess{2, setup->flags});
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const auto end_after = [](const char* seconds) { return system_clock().monotonic_ms() + std::atoll(seconds) * 1000; };
  if (what == "connect" && (argc == 5 || argc == 6))
    connect_to(static_cast<uint16_t>(std::atoi(argv[2])), argv[3], end_after(argv[4]), argc == 6 ? argv[5] : "probe");
  else if (what == "serve" && argc == 3)
    serve(end_after(argv[2]));
  else
    throw Error(Exit::usage, "usage: sv2_probe connect PORT AUTHORITY_KEY SECONDS [USER] | serve SECONDS");
  return 0;
} catch (const Error& e) {
  fmt::print(stderr, "sv2_probe: {}\n", e.what());
  return static_cast<int>(e.code());
}

#include "hostile.h"

#include "stratum/v1.h"

namespace hh::load {
namespace {

constexpr uint64_t turn_every_us = 200'000, away_us = 1'000'000;
constexpr uint64_t long_line_bytes = 16u << 20, piece = 256 * 1024;
constexpr size_t flood_lines = 200;       // a turn: 1,000 a second
constexpr size_t most_unsent = 64 * 1024; // what a client keeps for a server that does not read it

constexpr int connects_of_a_storm = 20;   // a turn: 100 a second

const std::string& login() {
  static const std::string text = stratum::v1::subscribe_line(1, "sv1_load hostile") + stratum::v1::authorize_line(2, "nobody", "x");
  return text;
}

}  // namespace

std::string_view Hostile::name(Kind k) {
  constexpr std::array<std::string_view, kinds> names{"half_open", "fuzz", "one_byte", "long_line", "flood", "deaf", "storm"};
  return names[k];
}

Hostile::Hostile(const Options& o) : options_(o), clients_(o.connections * o.hostile_percent / 100), random_(o.seed + 1) {
  for (size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].kind = static_cast<Kind>(i % kinds);
    clients_[i].index = o.connections + i;  // their loopback addresses are not those of honest miners
    ++figures_[clients_[i].kind].clients;
  }
}

void Hostile::act(uint64_t now_us) {
  if (clients_.empty() || now_us - last_us_ < 1'000) return;
  // So many as keep each client's share of five turns a second.
  const uint64_t elapsed = std::min<uint64_t>(last_us_ == 0 ? 0 : now_us - last_us_, turn_every_us);
  last_us_ = now_us;
  for (uint64_t n = elapsed * clients_.size() / turn_every_us + 1; n > 0; --n, next_ = (next_ + 1) % clients_.size()) take_turn(clients_[next_], now_us);
}

void Hostile::take_turn(Client& c, uint64_t now_us) {
  if (now_us < c.next_us) return;
  Figures& f = figures_[c.kind];
  if (!c.socket.is_open()) {
    ++f.connects;
    c.sent = c.at = 0;
    c.next_us = now_us + turn_every_us / 2;
    if (!c.socket.connect(options_, c.index)) c.next_us = now_us + away_us;
    if (c.kind == storm) come_and_go(c);
    return;
  }
  bool open = misbehave(c);
  if (open && c.kind != deaf) open = c.socket.read_lines([](std::string_view, uint64_t) {}) != Socket::Read::closed;
  if (open) return;
  ++f.closed_by_server;
  c.socket.close();
  c.next_us = now_us + away_us + random_() % away_us;
}

bool Hostile::send(Client& c, std::string_view data) {
  if (c.socket.unsent() > most_unsent) data = {};
  c.sent += data.size();
  figures_[c.kind].sent_bytes += data.size();
  return c.socket.send(data);
}

void Hostile::come_and_go(Client& c) {
  for (int i = 1; i < connects_of_a_storm; ++i) {
    ++figures_[c.kind].connects;
    c.socket.connect(options_, c.index);  // which closes the one before
  }
  c.socket.close();
}

bool Hostile::misbehave(Client& c) {
  switch (c.kind) {
    case half_open: return true;  // connected, and silent
    case fuzz: return send(c, fuzzed());
    case one_byte:
      for (int i = 0; i < 3; ++i, c.at = (c.at + 1) % login().size())
        if (!send(c, std::string_view(login()).substr(c.at, 1))) return false;
      return true;
    case long_line: return c.sent >= long_line_bytes ? send(c, "\n") && (c.sent = 0, true) : send(c, std::string(piece, 'a'));
    case flood: {
      std::string lines;
      for (size_t i = 0; i < flood_lines; ++i) lines += i % 2 == 0 ? "{\"id\":7,\"method\":\"mining.submit\",\"params\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}\n" : "{\"id\":8,\"method\":\"mining.get_transactions\",\"params\":[]}\n";
      return send(c, lines);
    }
    case deaf: return send(c, login());  // asks, and never reads an answer
    case storm:  // never open here
    case kinds: break;
  }
  return true;
}

// A login, or noise, with a few bytes changed, cut short or doubled.
std::string Hostile::fuzzed() {
  std::string text = login();
  if (random_() % 4 == 0)
    for (char& c : text) c = static_cast<char>(random_());
  for (uint64_t n = random_() % 8; n > 0; --n) text[random_() % text.size()] = static_cast<char>(random_());
  if (random_() % 3 == 0) text.resize(random_() % text.size() + 1);
  if (random_() % 3 == 0) text += text;
  return text;
}

}  // namespace hh::load

#include "stratum/noise_filter.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "bitcoin/wire.h"

namespace hh::stratum {
namespace {

void put_cipher(Bytes& to, const CipherState& c) {
  to.insert(to.end(), c.key.begin(), c.key.end());
  bitcoin::put_u64(to, c.counter);
}

CipherState take_cipher(bitcoin::Reader& from) {
  CipherState c;
  for (uint8_t& b : c.key) b = from.u8();
  c.counter = from.u64();
  return c;
}

}  // namespace

NoiseFilter::NoiseFilter(std::shared_ptr<const ServerKeys> server, size_t most_payload) : server_(std::move(server)), most_payload_(most_payload) {}
NoiseFilter::~NoiseFilter() = default;

const char* NoiseFilter::receive(std::string_view bytes, std::string& plain, std::string& out) {
  in_.append(bytes);
  size_t at = 0;
  const auto left = [&] { return as_bytes(in_).subspan(at); };
  const char* why = nullptr;
  if (!session_) {
    if (in_.size() < handshake_first_size) return nullptr;
    auto [answer, session] = Responder(server_->keys, server_->certificate, crypto::system_random()).answer(left().first<handshake_first_size>());
    out.append(as_text(answer));
    session_.emplace(std::move(session));
    at = handshake_first_size;
  }
  Bytes opened;
  while (true) {
    if (!header_) {
      if (left().size() < sealed_header_size) break;
      header_ = session_->open_header(left().first<sealed_header_size>());
      if (!header_) why = "a frame of it is not authentic";
      else if (header_->length > most_payload_) why = "a frame of it is too long";
      if (why != nullptr) break;
      at += sealed_header_size;
    }
    const size_t size = sealed_size(header_->length);
    if (left().size() < size) break;
    opened.clear();
    if (!session_->open_payload(left().first(size), opened)) {
      why = "a frame of it is not authentic";
      break;
    }
    at += size;
    plain.append(as_text(v2::write_header(*header_))).append(as_text(opened));
    header_.reset();
  }
  in_.erase(0, at);
  if (in_.empty() && in_.capacity() > 256) std::string().swap(in_);
  return why;
}

void NoiseFilter::send(std::span<const std::string_view> pieces, std::string& out) {
  if (!session_) return;  // nobody may say anything yet
  Bytes all, sealed;
  for (const std::string_view piece : pieces) all.insert(all.end(), as_bytes(piece).begin(), as_bytes(piece).end());
  for (BytesView rest = all; rest.size() >= v2::header_size;) {
    const size_t size = v2::header_size + v2::read_header(rest.first<v2::header_size>()).length;
    if (size > rest.size()) throw Error(Exit::software, "a piece of a frame");
    session_->seal(rest.first(size), sealed);
    rest = rest.subspan(size);
  }
  out.append(as_text(sealed));
}

std::optional<std::string> NoiseFilter::state() const {
  Bytes to;
  to.push_back(session_ ? 1 : 0);
  if (session_) {
    const auto [sends, receives] = session_->state();
    put_cipher(to, sends);
    put_cipher(to, receives);
  }
  to.push_back(header_ ? 1 : 0);
  if (header_) {
    const auto h = v2::write_header(*header_);
    to.insert(to.end(), h.begin(), h.end());
  }
  bitcoin::put_var_bytes(to, as_bytes(in_));
  return std::string(as_text(to));
}

std::unique_ptr<NoiseFilter> NoiseFilter::inherit(std::string_view state, std::shared_ptr<const ServerKeys> server, size_t most_payload) {
  bitcoin::Reader from(as_bytes(state));
  auto f = std::make_unique<NoiseFilter>(std::move(server), most_payload);
  if (from.u8() != 0) {
    const CipherState sends = take_cipher(from), receives = take_cipher(from);
    f->session_.emplace(sends, receives);
  }
  if (from.u8() != 0) {
    std::array<uint8_t, v2::header_size> h;
    for (uint8_t& b : h) b = from.u8();
    f->header_ = v2::read_header(h);
  }
  const BytesView in = from.var_bytes();
  f->in_ = as_text(in);
  from.expect_end("noise state");
  return f;
}

}  // namespace hh::stratum

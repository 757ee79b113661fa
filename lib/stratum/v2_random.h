// Random messages of every type, for tests: what a field can hold follows from its type.
#pragma once
#include "crypto/random.h"
#include "stratum/v2_messages.h"

namespace hh::stratum::v2 {

class RandomMessages {
 public:
  explicit RandomMessages(uint64_t seed) : random_(seed) {}
  template <class Message>
  Message make() {
    Message m;
    Message::each_field(m, [this](const char*, auto& field) { this->fill(field); });
    return m;
  }
  uint64_t below(uint64_t limit) { return number() % limit; }

 private:
  uint64_t number() {
    std::array<uint8_t, 8> b;
    random_.fill(b);
    uint64_t v = 0;
    for (const uint8_t x : b) v = v << 8 | x;
    return v;
  }
  void fill(bool& v) { v = below(2) == 1; }
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  void fill(T& v) { v = static_cast<T>(number()); }
  void fill(F32& v) { fill(v.bits); }
  void fill(U256& v) { random_.fill(v); }
  void fill(std::string& v) { v = std::string(as_text(random_.bytes(below(256)))); }
  void fill(SmallBytes& v) { v = SmallBytes(random_.bytes(below(33))); }
  template <size_t n>
  void fill(Blob<n>& v) { v.bytes = random_.bytes(below(std::min<size_t>(Blob<n>::most, 2000) + 1)); }
  template <class T>
  void fill(std::optional<T>& v) {
    v.reset();
    if (below(2) == 1) fill(v.emplace());
  }
  template <class T, size_t n>
  void fill(Seq<T, n>& v) {
    v.items.clear();
    for (uint64_t left = below(20); left > 0; --left) fill(v.items.emplace_back());
  }
  crypto::SeededRandom random_;
};

// Calls f with a value of each message type in turn.
template <class F>
void for_each_message_type(const F& f) {
  std::apply([&](const auto&... m) { (f(m), ...); }, AllMessages{});
}

}  // namespace hh::stratum::v2

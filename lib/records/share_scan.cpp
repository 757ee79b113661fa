// The fast reader of canonical share lines (see share.h) and their writer. Both walk through the same sequence of fixed texts and values,
// so they stand side by side: change one, change the other.
#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "json/fields.h"
#include "records/share.h"

namespace hh::records {
namespace {

constexpr std::array<int8_t, 256> make_hex_values() {
  std::array<int8_t, 256> t{};
  t.fill(-1);
  for (int i = 0; i < 10; ++i) t[static_cast<size_t>('0' + i)] = static_cast<int8_t>(i);
  for (int i = 0; i < 6; ++i) t[static_cast<size_t>('a' + i)] = static_cast<int8_t>(10 + i);
  return t;
}
constexpr auto hex_value = make_hex_values();

// Bytes that end a plain name or make the line a case for the strict reader: quote, backslash, space, controls, DEL, non-ASCII.
enum : uint8_t { plain = 0, space = 1, other = 2 };
constexpr std::array<uint8_t, 256> make_kinds() {
  std::array<uint8_t, 256> t{};
  for (size_t i = 0; i < 256; ++i) t[i] = i <= ' ' || i >= 0x7f || i == '"' || i == '\\' ? other : plain;
  t[' '] = space;
  return t;
}
constexpr auto kind = make_kinds();

// Walks through one line. Every step returns false as soon as the line is not what it should be.
class Scan {
 public:
  explicit Scan(std::string_view line) : at_(line.data()), end_(line.data() + line.size()) {}

  template <size_t N>
  bool text(const char (&fixed)[N]) {
    if (static_cast<size_t>(end_ - at_) < N - 1 || std::memcmp(at_, fixed, N - 1) != 0) return false;
    at_ += N - 1;
    return true;
  }
  // Up to a closing quote, which is left in place.
  bool name(std::string_view& out, size_t least, bool spaces) {
    const char* start = at_;
    while (at_ < end_) {
      const uint8_t k = kind[static_cast<uint8_t>(*at_)];
      if (k == other || (k == space && !spaces)) break;
      ++at_;
    }
    out = {start, static_cast<size_t>(at_ - start)};
    return at_ < end_ && *at_ == '"' && out.size() >= least && out.size() <= max_name;
  }
  bool number(int64_t& out, int64_t least, int64_t most) {
    const char* start = at_;
    uint64_t n = 0;
    while (at_ < end_ && *at_ >= '0' && *at_ <= '9') n = n * 10 + static_cast<uint64_t>(*at_++ - '0');
    const auto digits = at_ - start;
    if (digits == 0 || digits > 19 || (digits > 1 && *start == '0')) return false;  // 19 digits cannot wrap 64 bits
    if (n > static_cast<uint64_t>(most)) return false;
    out = static_cast<int64_t>(n);
    return out >= least;
  }
  bool hex32(uint32_t& out) {
    if (end_ - at_ < 8) return false;
    uint32_t n = 0;
    int bad = 0;
    for (int i = 0; i < 8; ++i) {
      const int v = hex_value[static_cast<uint8_t>(at_[i])];
      bad |= v;
      n = n << 4 | (static_cast<uint32_t>(v) & 15);
    }
    at_ += 8;
    out = n;
    return bad >= 0;
  }
  bool bytes(uint8_t* out, size_t room, uint8_t& size) {
    size_t n = 0;
    while (end_ - at_ >= 2 && *at_ != '"') {
      const int high = hex_value[static_cast<uint8_t>(at_[0])], low = hex_value[static_cast<uint8_t>(at_[1])];
      if ((high | low) < 0 || n == room) return false;
      out[n++] = static_cast<uint8_t>(high << 4 | low);
      at_ += 2;
    }
    size = static_cast<uint8_t>(n);
    return true;
  }
  bool at_end() const { return at_ == end_; }

 private:
  const char* at_;
  const char* end_;
};

bool scan_head(Scan& s, ShareView& v) {
  int64_t seq = 0;
  if (!s.text(R"({"type":"share","v":1,"source":")") || !s.name(v.source, 1, false)) return false;
  if (!s.text(R"(","seq":)") || !s.number(seq, 1, static_cast<int64_t>(max_seq))) return false;
  if (!s.text(R"(,"time_ms":)") || !s.number(v.time_ms, 0, json::max_integer)) return false;
  v.seq = static_cast<uint64_t>(seq);
  v.simulated = s.text(R"(,"simulated":true)");
  return s.text(R"(,"job":")") && s.name(v.job, 1, false) && s.text(R"(","miner":")") && s.name(v.miner, 1, false) &&
         s.text(R"(","worker":")") && s.name(v.worker, 0, true);
}

bool scan_proof(Scan& s, ShareView& v) {
  if (!s.text(R"(","extranonce1":")") || !s.bytes(v.extranonce.data(), max_extranonce, v.extranonce1_size)) return false;
  if (!s.text(R"(","extranonce2":")")) return false;
  if (!s.bytes(v.extranonce.data() + v.extranonce1_size, max_extranonce - v.extranonce1_size, v.extranonce2_size)) return false;
  return s.text(R"(","ntime":")") && s.hex32(v.ntime) && s.text(R"(","nonce":")") && s.hex32(v.nonce) && s.text(R"(","version":")") &&
         s.hex32(v.version);
}

bool scan_tail(Scan& s, ShareView& v) {
  if (!s.text(R"(","work":")") || !s.number(v.work, 1, INT64_MAX)) return false;
  if (s.text(R"(","fee_to":"manifest")"))
    v.fee_to = FeeTo::manifest;
  else if (s.text(R"(","fee_to":"coinbase")"))
    v.fee_to = FeeTo::coinbase;
  else
    return false;
  if (s.text(R"(,"address":")") && (!s.name(v.address, 1, false) || !s.text("\""))) return false;
  return s.text("}") && s.at_end();
}

// Appends "field":"8 digits"-style pieces without format parsing: this runs once for each share of a round that is closed.
void put_hex(std::string& out, const uint8_t* bytes, size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; ++i) {
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
}

void put_hex32(std::string& out, uint32_t n) {
  const uint8_t bytes[4] = {static_cast<uint8_t>(n >> 24), static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)};
  put_hex(out, bytes, 4);
}

void put_number(std::string& out, int64_t n) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

}  // namespace

std::optional<ShareView> scan_share(std::string_view line) {
  std::optional<ShareView> v(std::in_place);
  Scan s(line);
  if (!scan_head(s, *v) || !scan_proof(s, *v) || !scan_tail(s, *v)) v.reset();
  return v;
}

void put_share_line(std::string& out, const ShareView& share) {
  out += R"({"type":"share","v":1,"source":)";
  put_json_string(out, share.source);
  out += R"(,"seq":)";
  put_number(out, static_cast<int64_t>(share.seq));
  out += R"(,"time_ms":)";
  put_number(out, share.time_ms);
  if (share.simulated) out += R"(,"simulated":true)";
  out += R"(,"job":)";
  put_json_string(out, share.job);
  out += R"(,"miner":)";
  put_json_string(out, share.miner);
  out += R"(,"worker":)";
  put_json_string(out, share.worker);
  out += R"(,"extranonce1":")";
  put_hex(out, share.extranonce.data(), share.extranonce1_size);
  out += R"(","extranonce2":")";
  put_hex(out, share.extranonce.data() + share.extranonce1_size, share.extranonce2_size);
  out += R"(","ntime":")";
  put_hex32(out, share.ntime);
  out += R"(","nonce":")";
  put_hex32(out, share.nonce);
  out += R"(","version":")";
  put_hex32(out, share.version);
  out += R"(","work":")";
  put_number(out, share.work);
  out += R"(","fee_to":")";
  out += name(share.fee_to);
  out += '"';
  if (!share.address.empty()) {
    out += R"(,"address":)";
    put_json_string(out, share.address);
  }
  out += '}';
}

}  // namespace hh::records

#include "bitcoin/script.h"

#include <algorithm>

#include "base/error.h"
#include "bitcoin/wire.h"

namespace hh::bitcoin {

namespace {

constexpr uint8_t OP_0 = 0x00, OP_1 = 0x51, OP_16 = 0x60, OP_RETURN = 0x6a, OP_DUP = 0x76, OP_EQUAL = 0x87, OP_EQUALVERIFY = 0x88,
                  OP_HASH160 = 0xa9, OP_CHECKSIG = 0xac;

// The opcode that pushes a number from 0 to 16, and back.
uint8_t number_op(uint32_t n) { return static_cast<uint8_t>(n == 0 ? 0 : OP_1 - 1 + n); }
std::optional<uint32_t> read_number_op(uint8_t op) {
  if (op == OP_0) return 0;
  if (op < OP_1 || op > OP_16) return std::nullopt;
  return op - OP_1 + 1u;
}

bool is_p2pkh(BytesView s) {
  return s.size() == 25 && s[0] == OP_DUP && s[1] == OP_HASH160 && s[2] == 20 && s[23] == OP_EQUALVERIFY && s[24] == OP_CHECKSIG;
}
bool is_p2sh(BytesView s) { return s.size() == 23 && s[0] == OP_HASH160 && s[1] == 20 && s[22] == OP_EQUAL; }

ScriptKind kind_of(const WitnessProgram& w) {
  if (w.version == 0 && w.program.size() == 20) return ScriptKind::p2wpkh;
  if (w.version == 0 && w.program.size() == 32) return ScriptKind::p2wsh;
  if (w.version == 1 && w.program.size() == 32) return ScriptKind::p2tr;
  return ScriptKind::witness_other;
}

}  // namespace

Bytes p2pkh_script(const Hash160& key_hash) {
  Bytes s{OP_DUP, OP_HASH160, 20};
  put_bytes(s, key_hash);
  put_bytes(s, std::array<uint8_t, 2>{OP_EQUALVERIFY, OP_CHECKSIG});
  return s;
}

Bytes p2sh_script(const Hash160& script_hash) {
  Bytes s{OP_HASH160, 20};
  put_bytes(s, script_hash);
  s.push_back(OP_EQUAL);
  return s;
}

Bytes witness_script(unsigned version, BytesView program) {
  if (version > 16 || program.size() < 2 || program.size() > 40) throw Error(Exit::data, "a witness program has a version up to 16 and 2 to 40 bytes");
  Bytes s{number_op(version), static_cast<uint8_t>(program.size())};
  put_bytes(s, program);
  return s;
}

std::optional<WitnessProgram> read_witness_program(BytesView s) {
  if (s.size() < 4 || s.size() > 42 || s[1] + size_t{2} != s.size()) return std::nullopt;
  const auto version = read_number_op(s[0]);
  if (!version) return std::nullopt;
  return WitnessProgram{*version, s.subspan(2)};
}

ScriptKind kind_of(BytesView s) {
  if (is_p2pkh(s)) return ScriptKind::p2pkh;
  if (is_p2sh(s)) return ScriptKind::p2sh;
  if (const auto w = read_witness_program(s)) return kind_of(*w);
  return !s.empty() && s[0] == OP_RETURN ? ScriptKind::op_return : ScriptKind::other;
}

bool is_unspendable(BytesView s) { return (!s.empty() && s[0] == OP_RETURN) || s.size() > 10'000; }

// The size of the output and of the input that spends it: outpoint, sequence and script length are 41 bytes, signature and key 107, which
// the witness discount divides by four. At 3,000 sat per 1,000 bytes that is three satoshis a byte.
Sat dust_threshold(BytesView s) {
  if (is_unspendable(s)) return Sat(0);
  const size_t length_of_length = s.size() < 0xfd ? 1 : 3;
  const size_t output = 8 + length_of_length + s.size();
  const size_t input = read_witness_program(s) ? 41 + 107 / 4 : 41 + 107;
  return Sat(static_cast<int64_t>(3 * (output + input)));
}

void put_push(Bytes& script, BytesView data) {
  if (data.size() > 75) throw Error(Exit::data, "a push of " + std::to_string(data.size()) + " bytes: at most 75 fit here");
  script.push_back(static_cast<uint8_t>(data.size()));
  put_bytes(script, data);
}

// CScriptNum: little endian, with a zero byte after a highest bit that would be taken for a sign.
Bytes height_push(uint32_t height) {
  if (height <= 16) return {number_op(height)};
  Bytes number;
  for (uint32_t n = height; n; n >>= 8) number.push_back(static_cast<uint8_t>(n));
  if (number.back() & 0x80) number.push_back(0);
  Bytes script;
  put_push(script, number);
  return script;
}

std::optional<uint32_t> read_height_push(BytesView script_sig) {
  if (script_sig.empty()) return std::nullopt;
  if (const auto small = read_number_op(script_sig[0])) return small;
  const size_t length = script_sig[0];
  if (length > 5 || script_sig.size() < 1 + length) return std::nullopt;
  uint64_t height = 0;
  for (size_t i = 0; i < length; ++i) height |= static_cast<uint64_t>(script_sig[1 + i]) << (8 * i);
  if (height > UINT32_MAX) return std::nullopt;
  const Bytes canonical = height_push(static_cast<uint32_t>(height));
  if (!std::ranges::equal(canonical, script_sig.first(1 + length))) return std::nullopt;
  return static_cast<uint32_t>(height);
}

}  // namespace hh::bitcoin

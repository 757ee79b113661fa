#include "bitcoin/transaction.h"

#include <algorithm>

#include "base/error.h"
#include "bitcoin/wire.h"

namespace hh::bitcoin {

namespace {

// Least sizes on the wire, which bound what a count may claim.
constexpr size_t min_input = 32 + 4 + 1 + 4;
constexpr size_t min_output = 8 + 1;

void put_body(Bytes& out, const Transaction& tx) {
  put_compact_size(out, tx.inputs.size());
  for (const auto& in : tx.inputs) {
    put_bytes(out, in.previous.txid.bytes);
    put_u32(out, in.previous.index);
    put_var_bytes(out, in.script);
    put_u32(out, in.sequence);
  }
  put_compact_size(out, tx.outputs.size());
  for (const auto& o : tx.outputs) {
    put_u64(out, static_cast<uint64_t>(o.value.count()));
    put_var_bytes(out, o.script);
  }
}

void put_witnesses(Bytes& out, const Transaction& tx) {
  for (const auto& in : tx.inputs) {
    put_compact_size(out, in.witness.size());
    for (const auto& item : in.witness) put_var_bytes(out, item);
  }
}

Bytes take_var_bytes(Reader& in) {
  const BytesView b = in.var_bytes();
  return {b.begin(), b.end()};
}

TxInput read_input(Reader& in) {
  TxInput input;
  input.previous.txid = in.hash();
  input.previous.index = in.u32();
  input.script = take_var_bytes(in);
  input.sequence = in.u32();
  return input;
}

TxOutput read_output(Reader& in) {
  const uint64_t value = in.u64();
  if (value > static_cast<uint64_t>(max_money.count())) throw Error(Exit::data, "output value " + std::to_string(value) + " exceeds 21e6 BTC");
  return {Sat(static_cast<int64_t>(value)), take_var_bytes(in)};
}

std::vector<Bytes> read_witness(Reader& in) {
  std::vector<Bytes> items;
  // A Bytes takes 24 bytes where one byte claims it, so items are not reserved by the count.
  for (size_t n = in.count(1, "witness items"); n > 0; --n) items.push_back(take_var_bytes(in));
  return items;
}

}  // namespace

bool Transaction::has_witness() const {
  return std::any_of(inputs.begin(), inputs.end(), [](const TxInput& in) { return !in.witness.empty(); });
}

Hash256 Transaction::txid() const { return sha256d(serialize_stripped(*this)); }
Hash256 Transaction::wtxid() const { return sha256d(serialize(*this)); }
uint64_t Transaction::weight() const { return 3 * serialize_stripped(*this).size() + serialize(*this).size(); }

Bytes serialize_stripped(const Transaction& tx) {
  Bytes out;
  put_u32(out, tx.version);
  put_body(out, tx);
  put_u32(out, tx.lock_time);
  return out;
}

Bytes serialize(const Transaction& tx) {
  if (!tx.has_witness()) return serialize_stripped(tx);
  Bytes out;
  put_u32(out, tx.version);
  put_bytes(out, std::array<uint8_t, 2>{0, 1});  // marker and flag (BIP144)
  put_body(out, tx);
  put_witnesses(out, tx);
  put_u32(out, tx.lock_time);
  return out;
}

// A transaction with no inputs would look like the witness marker; consensus forbids it, so the marker is never ambiguous here.
Transaction read_transaction(Reader& in) {
  Transaction tx;
  tx.version = in.u32();
  const bool witness = in.peek() == 0;
  if (witness) {
    in.u8();
    if (const uint8_t flag = in.u8(); flag != 1) throw Error(Exit::data, "a transaction without inputs, or with an unknown flag " + std::to_string(flag));
  }
  const size_t inputs = in.count(min_input, "inputs");
  if (inputs == 0) throw Error(Exit::data, "a transaction without inputs");
  for (size_t i = 0; i < inputs; ++i) tx.inputs.push_back(read_input(in));
  for (size_t n = in.count(min_output, "outputs"); n > 0; --n) tx.outputs.push_back(read_output(in));
  if (witness) {
    for (auto& input : tx.inputs) input.witness = read_witness(in);
    if (!tx.has_witness()) throw Error(Exit::data, "a witness marker without any witness");
  }
  tx.lock_time = in.u32();
  return tx;
}

Transaction parse_transaction(BytesView bytes) {
  Reader in(bytes);
  Transaction tx = read_transaction(in);
  in.expect_end("transaction");
  return tx;
}

}  // namespace hh::bitcoin

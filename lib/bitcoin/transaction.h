// Transactions: parsing, serialising, identifiers, weight. Legacy and BIP144 (witness) forms.
//
// The parser is strict: it refuses trailing bytes, counts that the input cannot hold, non-minimal CompactSizes, a witness marker without
// any witness, and values outside 0..21e6 BTC. It allocates no more than a small multiple of its input's size.
#pragma once
#include <cstdint>
#include <vector>

#include "base/amount.h"
#include "bitcoin/hash.h"

namespace hh::bitcoin {

class Reader;

struct OutPoint {
  Hash256 txid;
  uint32_t index = 0xffffffff;  // the default is the coinbase's: zero hash, all ones
  auto operator<=>(const OutPoint&) const = default;
  bool is_null() const { return index == 0xffffffff && txid.is_zero(); }
};

struct TxInput {
  OutPoint previous;
  Bytes script;
  uint32_t sequence = 0xffffffff;
  std::vector<Bytes> witness;
  bool operator==(const TxInput&) const = default;
};

struct TxOutput {
  Sat value;
  Bytes script;
  bool operator==(const TxOutput&) const = default;
};

struct Transaction {
  uint32_t version = 2;
  std::vector<TxInput> inputs;
  std::vector<TxOutput> outputs;
  uint32_t lock_time = 0;

  bool operator==(const Transaction&) const = default;
  bool has_witness() const;
  bool is_coinbase() const { return inputs.size() == 1 && inputs[0].previous.is_null(); }
  Hash256 txid() const;   // hash of the stripped form
  Hash256 wtxid() const;  // hash of the form with witness; the same as txid where there is none
  uint64_t weight() const;  // BIP141: 3 × stripped size + full size
};

Bytes serialize(const Transaction& tx);           // with the witness where there is one
Bytes serialize_stripped(const Transaction& tx);  // without it
// Throws Error(data) saying what is wrong.
Transaction parse_transaction(BytesView bytes);
Transaction read_transaction(Reader& in);  // the next one of a block; bytes may follow

}  // namespace hh::bitcoin

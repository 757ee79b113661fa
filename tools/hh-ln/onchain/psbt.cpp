#include "onchain/psbt.h"

#include "bitcoin/wire.h"

namespace hh::ln {

// Magic, then the global map with the unsigned transaction under key 00, then an empty map for each output. A map ends with a zero.
Bytes psbt_of_outputs(const std::vector<bitcoin::TxOutput>& outputs) {
  bitcoin::Transaction tx;
  tx.outputs = outputs;
  Bytes out{'p', 's', 'b', 't', 0xff};
  const Bytes key{0x00};
  bitcoin::put_var_bytes(out, key);
  bitcoin::put_var_bytes(out, bitcoin::serialize_stripped(tx));
  out.insert(out.end(), 1 + outputs.size(), 0x00);
  return out;
}

}  // namespace hh::ln

// A transaction that is to be: outputs without inputs, as a PSBT that a wallet completes (BIP174, version 0).
#pragma once
#include <vector>

#include "bitcoin/transaction.h"

namespace hh::ln {

// Without inputs, which the wallet adds. Two outputs may be the same.
Bytes psbt_of_outputs(const std::vector<bitcoin::TxOutput>& outputs);

}  // namespace hh::ln

// What the wallet has built, against what was ordered: nothing is recorded, let alone sent, that pays anybody else, or too much to the miners.
//
// The program reads the signed transaction itself and believes no summary of it. What the coins hold is the wallet's word; a wallet that errs there
// signs for amounts that are not so, and the network refuses its signatures (BIP143, BIP341).
#pragma once
#include <optional>
#include <vector>

#include "bitcoin/address.h"
#include "onchain/wallet.h"

namespace hh::ln {

struct FeeLimits {
  int64_t max_sat_per_vbyte = 0;
  int64_t max_fee_ppm = 0;  // of what is paid
};

struct ChangeOutput {
  uint32_t vout = 0;
  Sat value;
  std::string address;
};

struct Checked {
  bitcoin::Transaction transaction;
  std::string txid;             // as people write it
  std::vector<uint32_t> vouts;  // of each output that was ordered, in order
  std::optional<ChangeOutput> change;
  Sat fee;
  int64_t vsize = 0;
};

// Throws Error(unavailable) with the reason: the wallet's transaction is not the one that was ordered. height: of the chain.
Checked check_transaction(BytesView raw, const std::vector<bitcoin::TxOutput>& ordered, const std::vector<Coin>& coins, const FeeLimits& limits, bitcoin::Network network, int64_t height);

}  // namespace hh::ln

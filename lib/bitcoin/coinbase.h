// The coinbase transaction, deterministic and in the pieces that Stratum needs. [C062]
//
// The subsidy goes to the treasury, which pays it on over Lightning. The transaction fees go to the miner that finds the block, in full: by
// an output of that miner's own coinbase (a) where its name is an address, else (b) into the treasury's output, and the manifest pays them
// on. Miners with addresses differ only in that one script, so a template gives one prefix and two ways to end:
//
//   prefix ‖ extranonce ‖ finder_head ‖ CompactSize(script) ‖ script ‖ finder_tail      (a) [treasury: subsidy] [finder: fees] [commitment]
//   prefix ‖ extranonce ‖ treasury_suffix                                               (b) [treasury: subsidy + fees] [commitment]
//
// Of a pool for solo miners the finder's output holds the whole reward but for what the treasury keeps; where it keeps nothing it has no output:
//
//   prefix ‖ extranonce ‖ finder_head ‖ CompactSize(script) ‖ script ‖ finder_tail          [treasury: what it keeps] [finder: the rest] [commitment]
//
// All of it in stripped serialisation (no marker, flag or witness), whose double SHA-256 is the txid: that is what V1 miners and V2 extended
// jobs hash. with_witness() gives the form for submitblock. Fees that would be dust for the finder's script stay in (b).
//
// The input's script is: height (BIP34), the template's aux bytes, pool tag, extranonce; each a push. Lock time is height - 1 and the sequence
// 0xfffffffe, which makes coinbases unique for ever and satisfies BIP54 should it activate.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/amount.h"
#include "bitcoin/hash.h"

namespace hh::bitcoin {

struct CoinbaseInputs {
  uint32_t height = 0;
  Bytes aux;                        // values of the template's coinbaseaux, joined; usually empty
  std::string pool_tag;             // e.g. "/Hyper Hash/"; may be empty
  size_t extranonce_size = 0;       // extranonce 1 and 2 together: 2 to 32 bytes
  Sat subsidy;
  Sat fees;
  Bytes treasury_script;
  Bytes witness_commitment_script;  // default_witness_commitment of the template as it is; empty: no such output
  std::optional<Sat> treasury_keeps = std::nullopt;  // solo: of subsidy and fees; solo_fee() gives it
};

struct CoinbaseParts {
  Bytes prefix;
  size_t extranonce_size = 0;
  Bytes finder_head;  // ends with the fee output's 8-byte value
  Bytes finder_tail;
  Bytes treasury_suffix;
  Sat to_finder;  // value of the finder's output
};

// What the treasury keeps of a solo block: so many millionths of the reward, rounded down to the satoshi; nothing where that would be dust for it.
Sat solo_fee(Sat reward, int64_t fee_ppm, BytesView treasury_script);

// Throws Error(data): script over 100 bytes, amounts outside 0..21e6 BTC, extranonce size out of range, an empty treasury script,
// more kept than there is.
CoinbaseParts build_coinbase(const CoinbaseInputs& in);

// Whether the finder's part is enough for an output of that script (not dust, and the script is not unspendable).
bool can_pay_finder(const CoinbaseParts& parts, BytesView finder_script);
// Suffix (a). REQUIRES can_pay_finder.
Bytes finder_suffix(const CoinbaseParts& parts, BytesView finder_script);
// (a) where it can be, else (b). An empty script means: no address.
Bytes suffix_for(const CoinbaseParts& parts, BytesView finder_script);
// Feeds the same bytes to a hash without putting them together.
void update_with_suffix(Sha256& hash, const CoinbaseParts& parts, BytesView finder_script);

// prefix ‖ extranonce ‖ suffix, and its txid without building it.
Bytes join_coinbase(BytesView prefix, BytesView extranonce, BytesView suffix);
Hash256 coinbase_txid(BytesView prefix, BytesView extranonce, BytesView suffix);

// A stripped coinbase with marker, flag and the witness reserved value of 32 zero bytes (BIP141). Throws Error(data) where the bytes are
// no stripped transaction with one input.
Bytes with_witness(BytesView stripped);

}  // namespace hh::bitcoin

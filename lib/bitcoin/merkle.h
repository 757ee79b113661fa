// Merkle trees of a block: transactions' root, the branch that Stratum sends instead of them, and the witness commitment of BIP141.
//
// Bitcoin duplicates the last node of an odd row. So a list whose end repeats can have the root of a shorter one (CVE-2012-2459), and a
// block is only known by its root if no two sibling nodes are equal: `mutated` tells.
#pragma once
#include <span>
#include <vector>

#include "base/hex.h"
#include "bitcoin/hash.h"

namespace hh::bitcoin {

// Zero hash for an empty list. mutated (may be null) is set to whether two siblings were equal.
Hash256 merkle_root(std::vector<Hash256> leaves, bool* mutated = nullptr);

// What must be hashed with the coinbase's txid, from the leaves upwards, to reach the root; others are the txids after the coinbase, in
// block order. These are merkle_branch of mining.notify and merkle_path of NewExtendedMiningJob. At most 32 hashes, none for no others.
std::vector<Hash256> coinbase_branch(std::span<const Hash256> others);
Hash256 root_from_branch(const Hash256& coinbase_txid, std::span<const Hash256> branch);

// BIP141, "Commitment structure". others_wtxid: of the transactions after the coinbase, whose own wtxid counts as zero.
Hash256 witness_commitment(std::vector<Hash256> others_wtxid, const Hash256& reserved_value = {});
// The scriptPubKey that holds it: OP_RETURN, push of 36 bytes, 0xaa21a9ed, commitment.
Bytes witness_commitment_script(const Hash256& commitment);
// The commitment in such a script (which may be longer), or false.
bool read_witness_commitment(BytesView script, Hash256& commitment);

}  // namespace hh::bitcoin

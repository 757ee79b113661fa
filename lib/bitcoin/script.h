// scriptPubKeys that the pool pays to, pushes of a coinbase's scriptSig, and the dust threshold.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "base/amount.h"
#include "bitcoin/hash.h"

namespace hh::bitcoin {

Bytes p2pkh_script(const Hash160& key_hash);
Bytes p2sh_script(const Hash160& script_hash);
// BIP141, "Witness program". REQUIRES version <= 16, 2 to 40 bytes (throws Error(data)).
Bytes witness_script(unsigned version, BytesView program);

enum class ScriptKind { p2pkh, p2sh, p2wpkh, p2wsh, p2tr, witness_other, op_return, other };
ScriptKind kind_of(BytesView script_pubkey);
struct WitnessProgram {
  unsigned version;
  BytesView program;  // points into the script
};
std::optional<WitnessProgram> read_witness_program(BytesView script_pubkey);
// OP_RETURN or longer than 10,000 bytes: cannot be spent (CScript::IsUnspendable).
bool is_unspendable(BytesView script_pubkey);

// The least that an output with this script may hold so that default nodes relay its spending: GetDustThreshold of Bitcoin Core
// (policy/policy.cpp) at the default dust relay fee of 3,000 sat/kvB. 546 for p2pkh, 540 p2sh, 294 p2wpkh, 330 p2wsh and p2tr, 0 unspendable.
Sat dust_threshold(BytesView script_pubkey);

// Appends the shortest push of data of up to 75 bytes (throws Error(data) above).
void put_push(Bytes& script, BytesView data);
// BIP34 as consensus checks it: `CScript() << height`, which is OP_1 to OP_16 for the first sixteen and OP_0 for zero.
Bytes height_push(uint32_t height);
// The height at the start of a coinbase's scriptSig, in exactly that form; nullopt for anything else.
std::optional<uint32_t> read_height_push(BytesView script_sig);

}  // namespace hh::bitcoin

// Addresses and the scripts they stand for: base58check, bech32 (BIP173) and bech32m (BIP350).
//
// The networks share prefixes: testnet4 and signet cannot be told apart by an address ("tb1", "m", "n", "2"), and base58 addresses of
// regtest look like theirs too. `dev` is Hyper Hash's simulated chain (hh-devchain); it uses regtest's prefixes.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/hex.h"

namespace hh::bitcoin {

enum class Network { main, testnet4, signet, regtest, dev };

// Names as getblockchaininfo gives them in `chain`, and "dev".
std::optional<Network> network_from_name(std::string_view name);
std::string_view network_name(Network n);

struct AddressScript {
  Bytes script;        // scriptPubKey; empty where refused
  std::string reason;  // where refused: what is wrong, without the address itself: "is an address of main, not of regtest"
  explicit operator bool() const { return !script.empty(); }
};
AddressScript script_from_address(std::string_view text, Network network);

// nullopt for scripts that have no address. The text is canonical: the same script always gives the same text (bech32 in lower case).
std::optional<std::string> address_from_script(BytesView script_pubkey, Network network);

// Base58Check: payload followed by four bytes of its double SHA-256. nullopt: bad digit, too long (over 128 digits), checksum.
std::string base58check_encode(BytesView payload);
std::optional<Bytes> base58check_decode(std::string_view text);

}  // namespace hh::bitcoin

#include "bitcoin/address.h"

#include <algorithm>
#include <array>

#include "bitcoin/bech32.h"
#include "bitcoin/hash.h"
#include "bitcoin/script.h"

namespace hh::bitcoin {

namespace {

struct Prefixes {
  Network network;
  std::string_view name;
  std::string_view bech32;
  uint8_t p2pkh, p2sh;
};
// chainparams.cpp of Bitcoin Core; dev is ours.
constexpr std::array<Prefixes, 5> all_prefixes{{
    {Network::main, "main", "bc", 0, 5},
    {Network::testnet4, "testnet4", "tb", 111, 196},
    {Network::signet, "signet", "tb", 111, 196},
    {Network::regtest, "regtest", "bcrt", 111, 196},
    {Network::dev, "dev", "bcrt", 111, 196},
}};

const Prefixes& prefixes_of(Network n) { return all_prefixes[static_cast<size_t>(n)]; }

AddressScript refuse(std::string reason) { return {{}, std::move(reason)}; }

// "is an address of testnet4 or signet, not of main"; belongs: whether a network has that prefix.
template <class Belongs>
AddressScript refuse_network(Network wanted, Belongs belongs) {
  std::string names;
  for (const auto& p : all_prefixes)
    if (belongs(p)) names += (names.empty() ? "" : " or ") + std::string(p.name);
  if (names.empty()) return refuse("is no Bitcoin address: unknown prefix");
  return refuse("is an address of " + names + ", not of " + std::string(network_name(wanted)));
}

AddressScript from_witness_address(const Bech32Text& text, Network network) {
  if (text.prefix != prefixes_of(network).bech32) return refuse_network(network, [&](const Prefixes& p) { return p.bech32 == text.prefix; });
  if (text.values.empty() || text.values[0] > 16) return refuse("has no witness version from 0 to 16");
  const unsigned version = text.values[0];
  const auto program = five_to_eight(BytesView(text.values).subspan(1));
  if (!program) return refuse("does not end on a whole byte");
  if (program->size() < 2 || program->size() > 40) return refuse("has a witness program of " + std::to_string(program->size()) + " bytes: 2 to 40 are allowed");
  if (version == 0 && program->size() != 20 && program->size() != 32) return refuse("is of witness version 0 but has neither 20 nor 32 bytes");
  if ((version == 0) != (text.encoding == Bech32::bech32)) return refuse("has the checksum of another witness version (bech32 is for version 0, bech32m for the others)");
  return {witness_script(version, *program), {}};
}

AddressScript from_base58_address(BytesView payload, Network network) {
  if (payload.size() != 21) return refuse("holds " + std::to_string(payload.size()) + " bytes, where an address has 21");
  const uint8_t version = payload[0];
  Hash160 hash;
  std::copy(payload.begin() + 1, payload.end(), hash.begin());
  if (version == prefixes_of(network).p2pkh) return {p2pkh_script(hash), {}};
  if (version == prefixes_of(network).p2sh) return {p2sh_script(hash), {}};
  return refuse_network(network, [&](const Prefixes& p) { return p.p2pkh == version || p.p2sh == version; });
}

// Whether it was meant as one of our bech32 addresses, so that the reason speaks of the right format.
bool looks_like_bech32(std::string_view text) {
  const size_t separator = text.find('1');
  if (separator == std::string_view::npos || separator == 0) return false;
  std::string prefix(text.substr(0, separator));
  for (char& c : prefix) c = static_cast<char>(c | 0x20);
  return std::any_of(all_prefixes.begin(), all_prefixes.end(), [&](const Prefixes& p) { return p.bech32 == prefix; });
}

std::string base58_address(uint8_t version, BytesView hash) {
  Bytes payload{version};
  payload.insert(payload.end(), hash.begin(), hash.end());
  return base58check_encode(payload);
}

}  // namespace

std::optional<Network> network_from_name(std::string_view name) {
  for (const auto& p : all_prefixes)
    if (p.name == name) return p.network;
  return std::nullopt;
}

std::string_view network_name(Network n) { return prefixes_of(n).name; }

AddressScript script_from_address(std::string_view text, Network network) {
  if (text.empty()) return refuse("is empty");
  if (const auto witness = bech32_decode(text)) return from_witness_address(*witness, network);
  if (const auto payload = base58check_decode(text)) return from_base58_address(*payload, network);
  if (!looks_like_bech32(text)) return refuse("is no Bitcoin address: wrong characters, length or checksum");
  const bool lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  const bool upper = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return refuse(lower && upper ? "mixes upper and lower case" : "is mistyped: wrong characters, length or checksum");
}

std::optional<std::string> address_from_script(BytesView script, Network network) {
  const Prefixes& p = prefixes_of(network);
  if (const auto w = read_witness_program(script)) {
    if (w->version == 0 && w->program.size() != 20 && w->program.size() != 32) return std::nullopt;
    Bytes values{static_cast<uint8_t>(w->version)};
    const Bytes program = eight_to_five(w->program);
    values.insert(values.end(), program.begin(), program.end());
    return bech32_encode(w->version == 0 ? Bech32::bech32 : Bech32::bech32m, p.bech32, values);
  }
  switch (kind_of(script)) {
    case ScriptKind::p2pkh: return base58_address(p.p2pkh, script.subspan(3, 20));
    case ScriptKind::p2sh: return base58_address(p.p2sh, script.subspan(2, 20));
    default: return std::nullopt;
  }
}

}  // namespace hh::bitcoin

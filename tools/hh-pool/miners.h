// Who a Stratum user name is: `<address>[.worker]`, or an alias from the miners file. [C065]
//
// The account's name of an address is its canonical text (script -> address), so that a bech32 address in capitals is not a second
// account. Aliases come from `miner` records (hh-ledger miner show); an alias that is itself an address of this network is an address.
#pragma once
#include <string>
#include <unordered_map>
#include <variant>

#include "bitcoin/address.h"

namespace hh::pool {

struct Identity {
  std::string miner;    // account name
  std::string worker;   // "" where none
  std::string address;  // of an alias that has one; "" for an account that is an address
  Bytes script;         // for the fee output; empty: fees go by the manifest
};

class Miners {
 public:
  // path: the miners file; "" for none.
  Miners(bitcoin::Network network, std::string path) : network_(network), path_(std::move(path)) {}

  // Reads the file. Throws Error (no_input, data) and then keeps what was there.
  void load();
  // Reads it again where it has changed since; true where it did. Throws as load().
  bool load_if_changed();
  size_t size() const { return aliases_.size(); }

  // The identity, or why there is none (a sentence for the miner's owner).
  std::variant<Identity, std::string> identify(std::string_view user_name) const;

 private:
  struct Alias {
    std::string address;
    Bytes script;
  };
  std::string stamp() const;
  bitcoin::Network network_;
  std::string path_, stamp_;
  std::unordered_map<std::string, Alias> aliases_;
};

}  // namespace hh::pool

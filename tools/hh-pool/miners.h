// Who a Stratum user name is: `<address>[.worker]`, or an alias from the miners file. [C065]
//
// The setting pay_to says for users, or for single workers, which address the coinbase pays instead of their own. The account stays the same.
//
// The account's name of an address is its canonical text (script -> address), so that a bech32 address in capitals is not a second
// account. Aliases come from `miner` records (hh-ledger miner show); an alias that is itself an address of this network is an address.
#pragma once
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "bitcoin/address.h"

namespace hh::pool {

struct Identity {
  std::string miner;    // account name
  std::string worker;   // "" where none
  std::string address;  // that the coinbase pays, where the account is not that address: by pay_to, or of an alias; "" for none
  Bytes script;         // of that output; empty: fees go by the manifest
};

// USER=ADDRESS or USER.WORKER=ADDRESS, from user (an address in its canonical text) to address. Throws Error(config).
using PayTo = std::unordered_map<std::string, std::string>;
PayTo parse_pay_to(const std::vector<std::string>& list, bitcoin::Network network);

class Miners {
 public:
  // path: the miners file; "" for none. solo: whoever has no address is refused, as the coinbase pays the finder everything.
  Miners(bitcoin::Network network, std::string path, PayTo pay_to, bool solo)
      : network_(network), path_(std::move(path)), pay_to_(std::move(pay_to)), solo_(solo) {}

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
  std::variant<Identity, std::string> account(std::string_view name) const;
  void redirect(Identity& who) const;
  bitcoin::Network network_;
  std::string path_, stamp_;
  std::unordered_map<std::string, Alias> aliases_;
  PayTo pay_to_;
  bool solo_;
};

}  // namespace hh::pool

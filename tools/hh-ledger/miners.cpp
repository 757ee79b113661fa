#include "miners.h"

#include <fmt/format.h>

#include "audit.h"
#include "base/error.h"
#include "records/destination.h"

namespace hh::ledger {
namespace {

using records::Miner;

constexpr bitcoin::Network networks[] = {bitcoin::Network::main, bitcoin::Network::testnet4, bitcoin::Network::signet, bitcoin::Network::regtest, bitcoin::Network::dev};

bool is_an_address(const std::string& text) {
  for (const auto n : networks)
    if (bitcoin::script_from_address(text, n)) return true;
  return false;
}

Miner miner_from(const store::Statement& s) {
  Miner m;
  m.miner = s.text(0);
  m.address = s.optional_text(1);
  if (!s.is_null(2)) m.destination = records::known_destination(s.text(2), s.text(3));
  return m;
}

void check_name(const std::string& name) {
  if (!records::is_miner_name(name)) throw Error(Exit::data, "a miner's name is 1 to 128 printable ASCII characters without space");
  if (name.find('.') != std::string::npos) throw Error(Exit::data, fmt::format("\"{}\" has a dot: in a Stratum user name the dot ends the miner's name", name));
}

void check_address(Ledger& ledger, const MinerChange& change) {
  if (is_an_address(change.miner)) throw Error(Exit::data, fmt::format("{} is an address itself: only an alias has another", change.miner));
  auto network = bitcoin::network_from_name(change.chain);
  if (const auto chain = ledger.chain()) network = chain->network;
  if (!network) throw Error(Exit::data, "the ledger has no job yet, so its chain is not known: give --chain");
  if (const auto found = bitcoin::script_from_address(*change.address, *network); !found) throw Error(Exit::data, fmt::format("{} {}", *change.address, found.reason));
}

}  // namespace

Miner set_miner(Ledger& ledger, const MinerChange& change) {
  check_name(change.miner);
  if (change.address && !change.address->empty()) check_address(ledger, change);
  const bool removes = change.value && change.value->empty();
  if (change.value && !removes) records::make_destination(change.kind.value_or("lnaddress"), *change.value);
  auto& db = ledger.db();
  Change tx(ledger);
  auto there = db.statement("SELECT id FROM miners WHERE name = ?1");
  if (!there.first(change.miner)) db.statement("INSERT INTO miners(name) VALUES (?1)").run(change.miner);
  if (change.address)
    db.statement("UPDATE miners SET address = ?2 WHERE name = ?1").run(change.miner, change.address->empty() ? std::nullopt : change.address);
  if (change.value) {
    const auto kind = removes ? std::nullopt : std::optional(change.kind.value_or("lnaddress"));
    db.statement("UPDATE miners SET destination_kind = ?2, destination_value = ?3 WHERE name = ?1").run(change.miner, kind, removes ? std::nullopt : change.value);
  }
  const Miner now = show_miner(ledger, change.miner);
  audit(ledger, "miner_set", json::parse(records::miner_line(now)));
  tx.commit();
  return now;
}

std::vector<Miner> list_miners(Ledger& ledger) {
  std::vector<Miner> all;
  auto s = ledger.db().statement("SELECT name, address, destination_kind, destination_value FROM miners ORDER BY name");
  while (s.step()) all.push_back(miner_from(s));
  return all;
}

Miner show_miner(Ledger& ledger, const std::string& name) {
  auto s = ledger.db().statement("SELECT name, address, destination_kind, destination_value FROM miners WHERE name = ?1");
  if (!s.first(name)) throw Error(Exit::data, fmt::format("the ledger knows no miner {}", name));
  return miner_from(s);
}

}  // namespace hh::ledger

// The open ledger: its database with the access a command needs, and the one way to change it.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "bitcoin/address.h"
#include "store/sqlite.h"
#include "store/writer_lock.h"

namespace hh::ledger {

// read: the file must exist and is not changed; write: it must exist and is brought up to date; create: also where it does not exist.
enum class Access { read, write, create };

class Ledger {
 public:
  Ledger(const std::string& path, Access access, Clock& clock = system_clock());
  ~Ledger();  // checkpoints where no other writer is at work
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  store::Database& db() { return *db_; }
  Clock& clock() { return clock_; }
  const std::string& path() const { return path_; }

  struct Chain {
    bitcoin::Network network = bitcoin::Network::main;
    bool simulated = false;
  };
  std::optional<Chain> chain();  // nullopt before the first job
  Chain require_chain();         // throws Error(data) "holds no shares yet"

 private:
  std::string path_;
  Clock& clock_;
  std::unique_ptr<store::Database> db_;
};

// One change: the writer lock, then a write transaction. Short ones only, since `append` waits for the lock meanwhile (and others for it).
class Change {
 public:
  explicit Change(Ledger& ledger);
  void commit() { tx_.commit(); }

 private:
  store::WriterLock lock_;
  store::Transaction tx_;
};

}  // namespace hh::ledger

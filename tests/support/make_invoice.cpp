// Invoices for tests without a node: make_invoice AMOUNT_MSAT DESCRIPTION_HASH EXPIRY_SECONDS prints a BOLT 11 invoice and leaves its preimage (hex) in
// $HH_PREIMAGES/HASH, where fake_lnd.py finds it. $HH_CURRENCY: bcrt (default), tbs, tb, bc. $HH_PAYEE: secret key of the payee in hex; a new one by default.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "lightning/bolt11.h"

namespace {

int make(char** words) {
  const char* folder = std::getenv("HH_PREIMAGES");
  const char* currency = std::getenv("HH_CURRENCY");
  const char* payee = std::getenv("HH_PAYEE");
  if (!folder) throw hh::Error(hh::Exit::usage, "HH_PREIMAGES is not set");
  hh::lightning::NewInvoice n;
  n.currency = currency ? currency : "bcrt";
  n.amount = hh::Msat(std::atoll(words[1]));
  std::array<uint8_t, 32> preimage, key, description;
  hh::crypto::system_random().fill(preimage);
  hh::crypto::system_random().fill(key);
  if (payee && !hh::from_hex(payee, key)) throw hh::Error(hh::Exit::usage, "HH_PAYEE must have 64 hex digits");
  if (!hh::from_hex(words[2], description)) throw hh::Error(hh::Exit::usage, "the description hash must have 64 hex digits");
  n.description_hash = description;
  n.payment_hash = hh::crypto::sha256(hh::BytesView(preimage));
  n.payment_secret = description;
  n.timestamp = hh::system_clock().unix_seconds();
  n.expiry_seconds = std::atoll(words[3]);
  hh::write_file_durably(std::string(folder) + "/" + hh::to_hex(n.payment_hash), hh::to_hex(preimage), 0600);
  std::puts(hh::lightning::encode_bolt11(n, key).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: make_invoice AMOUNT_MSAT DESCRIPTION_HASH EXPIRY_SECONDS\n", stderr), 64;
  return hh::run_main("make_invoice", [&] { return make(argv); });
}

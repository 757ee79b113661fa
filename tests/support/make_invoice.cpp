// Invoices for tests without a node; their preimages (hex) are left in $HH_PREIMAGES/HASH, where fake_lnd.py and fake_cln.py find them.
//   make_invoice AMOUNT_MSAT DESCRIPTION_HASH EXPIRY_SECONDS    prints a BOLT 11 invoice
//   make_invoice offer                                          prints a BOLT 12 offer for any amount, on regtest
//   make_invoice bolt12 OFFER AMOUNT_MSAT NOTE EXPIRY_SECONDS   prints the invoice for it that was asked with this amount and note
// $HH_CURRENCY: bcrt (default), tbs, tb, bc; BOLT 11 only. $HH_PAYEE: secret key of the payee in hex; a new one by default.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "lightning/bolt11.h"
#include "lightning/test_payee.h"

namespace {

using hh::lightning::test::SecretKey;

SecretKey payee() {
  SecretKey key;
  hh::crypto::system_random().fill(key);
  const char* given = std::getenv("HH_PAYEE");
  if (given && !hh::from_hex(given, key)) throw hh::Error(hh::Exit::usage, "HH_PAYEE must have 64 hex digits");
  return key;
}

// The hash of a new preimage, which is kept for whoever pays.
hh::lightning::PaymentHash new_hash() {
  const char* folder = std::getenv("HH_PREIMAGES");
  if (!folder) throw hh::Error(hh::Exit::usage, "HH_PREIMAGES is not set");
  const hh::Bytes preimage = hh::crypto::system_random().bytes(32);
  const auto hash = hh::crypto::sha256(hh::BytesView(preimage));
  hh::write_file_durably(std::string(folder) + "/" + hh::to_hex(hash), hh::to_hex(preimage), 0600);
  return hash;
}

std::string bolt11(char** words) {
  const char* currency = std::getenv("HH_CURRENCY");
  hh::lightning::NewInvoice n;
  n.currency = currency ? currency : "bcrt";
  n.amount = hh::Msat(std::atoll(words[0]));
  std::array<uint8_t, 32> description;
  if (!hh::from_hex(words[1], description)) throw hh::Error(hh::Exit::usage, "the description hash must have 64 hex digits");
  n.description_hash = description;
  n.payment_hash = new_hash();
  n.payment_secret = description;
  n.timestamp = hh::system_clock().unix_seconds();
  n.expiry_seconds = std::atoll(words[2]);
  return hh::lightning::encode_bolt11(n, payee());
}

std::string bolt12(char** words) {
  using namespace hh::lightning;
  const SecretKey key = payee();
  auto fields = test::invoice_fields(decode_offer(words[0]), {hh::Msat(std::atoll(words[1])), words[2], new_hash(), hh::system_clock().unix_seconds()}, key);
  test::set(fields, 166, truncated_number(static_cast<uint64_t>(std::atoll(words[3]))));
  return test::signed_text(fields, key);
}

std::string make(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (argc == 2 && what == "offer") return hh::lightning::encode_bolt12("lno", hh::lightning::test::offer_fields(payee()));
  if (argc == 6 && what == "bolt12") return bolt12(argv + 2);
  if (argc == 4) return bolt11(argv + 1);
  throw hh::Error(hh::Exit::usage, "usage: make_invoice AMOUNT_MSAT DESCRIPTION_HASH EXPIRY_SECONDS | offer | bolt12 OFFER AMOUNT_MSAT NOTE EXPIRY_SECONDS");
}

}  // namespace

int main(int argc, char** argv) {
  return hh::run_main("make_invoice", [&] {
    std::puts(make(argc, argv).c_str());
    return 0;
  });
}

// What lnd's wallet answers, and the transaction that it signs: read whole or refused, and a transaction that is taken pays what was ordered.
#include "base/error.h"
#include "bitcoin/script.h"
#include "onchain/check.h"
#include "onchain/lnd_wallet_answers.h"

namespace {

using namespace hh;
using namespace hh::ln;

template <class Read>
void attempt(Read&& read) {
  try {
    read();
  } catch (const Error& e) {
    if (e.code() != Exit::unavailable) __builtin_trap();
  }
}

void check(BytesView raw) {
  const std::vector<bitcoin::TxOutput> ordered{{Sat(50'000), bitcoin::witness_script(0, Bytes(20, 1))}};
  bitcoin::Hash256 name;
  name.bytes.fill(1);
  const std::vector<Coin> coins{{{name, 0}, Sat(100'000), "a"}};
  const Checked c = check_transaction(raw, ordered, coins, {50, 20'000}, bitcoin::Network::regtest, 1000);
  if (c.transaction.outputs.size() > 2 || c.transaction.outputs.at(c.vouts.at(0)) != ordered[0] || c.fee > Sat(1000)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const BytesView rest(data + 1, size - 1);
  const std::string_view body = as_text(rest);
  switch (data[0] % 8) {
    case 0: attempt([&] { read_funded(body); }); break;
    case 1: attempt([&] { read_transactions(body); }); break;
    case 2: attempt([&] { read_final_transaction(body); }); break;
    case 3: attempt([&] { read_fee_rate(body), read_confirmed_balance(body); }); break;
    case 4: attempt([&] { read_published(body, 200), read_published(body, 500); }); break;
    case 5: attempt([&] { has_address(body, "x"); }); break;
    case 6: attempt([&] { read_block_height(body), read_bump(body); }); break;
    default: attempt([&] { check(rest); }); break;
  }
  return 0;
}

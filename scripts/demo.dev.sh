# shellcheck shell=bash disable=SC2034,SC2154  # variables go to and come from scripts/demo
# The simulated world of scripts/demo: hh-devchain for bitcoind, and hh-ln's simulated wallet for lnd. Everything that comes of it is marked
# "simulated":true. The addresses are those of BIP173's examples, in regtest's form.

treasury=bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry
carol=bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080
speed=60000  # hashes a second of the slowest miner
wallet_options="--backend sim"
maturity_options="--maturity 6"
blocks_wanted=6  # one, and five that confirm it

start_chain() {
  start devchain "hh-devchain --datadir chain --mempool-seconds 2"
  local devchain
  devchain=$(record devchain devchain)
  rpc_options="--rpc-url $(jq -r .rpc_url <<<"$devchain") --rpc-cookie-file $(jq -r .cookie_file <<<"$devchain")"
  pool_options="--chain dev $rpc_options --difficulty-min 0.000001 --difficulty-start 0.000004 --vardiff-shares-per-minute 0"
  tell "A chain in one small program; what is made with it is marked as simulated."
}

accounts() {
  show "hh-ledger miner set alice --chain dev --destination alice@miners.example --db ledger.sqlite >>accounts.jsonl"
  show "hh-ledger miner set bob --chain dev --destination bob@miners.example --db ledger.sqlite >>accounts.jsonl"
  show "hh-ledger miner set $carol --chain dev --destination carol@miners.example --db ledger.sqlite >>accounts.jsonl"
  show "hh-ledger miner show --db ledger.sqlite >miners.jsonl"
  tell "carol's name is an on-chain address: if she finds the block, its coinbase pays her the transaction fees."
}

mature() {
  show "hh-ledger watch --once --db ledger.sqlite $maturity_options $rpc_options >watched.jsonl"
  show_watched
}

check_wallet() {
  show "sqlite3 payments.sqlite.sim 'SELECT sum(amount_msat + fee_msat) FROM spent' >spent"
  [[ $(<spent) == "$(spent_by_the_books)" ]] || fail "the wallet spent $(<spent) msat, the books say $(spent_by_the_books)"
  tell "The wallet's own list and the books agree to the msat: $(<spent) msat were spent."
}

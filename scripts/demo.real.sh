# shellcheck shell=bash disable=SC2034,SC2154  # variables go to and come from scripts/demo
# The real world of scripts/demo --real: bitcoind on a signet of its own (blocks need no signature and some 5 million hashes), a treasury lnd that is
# paid by the pool's coinbases, and an lnd of the miners with channels from the treasury. alice and bob are paid through LNURL; carol has said
# nothing about Lightning, so her part is carried.

carol=tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx
speed=250000
maturity_options="--maturity 6"  # for a short demonstration; the default is 100
blocks_wanted=1
channels=4          # 10 BTC each, the most that lnd puts into one
channel_sat=1000000000
premined=101        # the first coinbase can be spent after 100 more

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
bitcoin_cli() { bitcoin-cli -datadir="$dir/bitcoin" -signet -rpcport="$rpc_port" "$@"; }
mine() { bitcoin_cli generatetodescriptor "$1" "$2" 100000000 >>mined; }
lncli_of() { # NAME ARGUMENT…
  local name=$1
  shift
  lncli --lnddir="$dir/$name" --network=signet --rpcserver="127.0.0.1:$(<"$name.rpc")" "$@"
}

# lnd is told nothing of the challenge: with it, lnd 0.21 takes the network for another one than bitcoind reports ("expected network Unknown
# BitcoinNet"), and as it speaks to bitcoind by RPC only, it does not need to know.
start_lnd() { # NAME
  local name=$1 rpc rest peer
  rpc=$(free_port) rest=$(free_port) peer=$(free_port)
  echo "$rpc" >"$name.rpc" && echo "$rest" >"$name.rest" && echo "$peer" >"$name.peer"
  start "$name" "lnd --lnddir=$name --noseedbackup --nobootstrap --bitcoin.node=bitcoind --bitcoin.signet --bitcoin.defaultchanconfs=1 --bitcoind.rpchost=127.0.0.1:$rpc_port --bitcoind.rpccookie=$cookie --bitcoind.rpcpolling --bitcoind.blockpollinginterval=1s --bitcoind.txpollinginterval=1s --listen=127.0.0.1:$peer --rpclisten=127.0.0.1:$rpc --restlisten=127.0.0.1:$rest --protocol.wumbo-channels --maxpendingchannels=10 --debuglevel=warn"
  await 120 "$name" lncli_of "$name" getinfo
}

is_synced() { lncli_of "$1" getinfo | jq -e '.synced_to_chain'; }
has_channels() { lncli_of treasury listchannels --active_only | jq -e --argjson n "$channels" '.channels | length == $n'; }
has_money() { lncli_of treasury walletbalance | jq -e --argjson need "$((channels * channel_sat))" '(.confirmed_balance | tonumber) > $need'; }

# Bitcoin Core and lnd, built once per machine where they are not there yet.
find_peers() {
  local ready
  ready=$("$root/scripts/peers" --status --json | jq -s '[.[] | select(.name == ("bitcoin", "lnd")) | select(.state == ("built", "on-path"))] | length')
  ((ready == 2)) || "$root/scripts/peers" bitcoin lnd || die "$EX_UNAVAILABLE" "bitcoind and lnd are needed"
  PATH=$("$root/scripts/peers" --path):$PATH
}

start_chain() {
  find_peers
  rpc_port=$(free_port)
  cookie=$dir/bitcoin/signet/.cookie
  mkdir bitcoin
  start bitcoind "bitcoind -datadir=$dir/bitcoin -signet -signetchallenge=51 -rpcport=$rpc_port -server -listen=0 -connect=0 -dnsseed=0 -discover=0 -fixedseeds=0 -txindex -fallbackfee=0.0002 -acceptnonstdtxn -printtoconsole=0"
  await 60 "bitcoind" bitcoin_cli getblockchaininfo
  start_lnd treasury
  start_lnd miners
  treasury=$(lncli_of treasury newaddress p2wkh | jq -r .address)
  tell "Mining $premined blocks, so that the treasury can open channels (some minutes)."
  mine 1 "addr($treasury)"
  local left
  for ((left = premined - 1; left > 0; left -= 5)); do
    mine $((left < 5 ? left : 5)) 'raw(51)'
    [[ -t 2 ]] && printf '\r   %d of %d blocks' $((premined - left)) "$premined" >&2
  done
  [[ -t 2 ]] && printf '\r\033[K' >&2
  await 120 "the treasury's money" has_money
  open_channels
  rpc_options="--rpc-url http://127.0.0.1:$rpc_port --rpc-cookie-file $cookie"
  pool_options="--chain signet $rpc_options --difficulty-start 0.000004 --difficulty-min 0.000004 --vardiff-shares-per-minute 0"
  tell "Transactions with fees, for the finder of the block:"
  show "python3 $root/tests/support/tx.py --cli 'bitcoin-cli -datadir=$dir/bitcoin -signet -rpcport=$rpc_port' --count 1 --fee 12345 | jq -c '{sent, fees_sat}'"
}

open_channels() {
  local key i list=()
  await 60 "the miners' node" is_synced miners
  await 60 "the treasury's node" is_synced treasury
  key=$(lncli_of miners getinfo | jq -r .identity_pubkey)
  lncli_of treasury connect "$key@127.0.0.1:$(<miners.peer)" >/dev/null
  for ((i = 0; i < channels; i++)); do list+=("{\"node_pubkey\":\"$key\",\"local_funding_amount\":$channel_sat}"); done
  tell "The treasury opens $channels channels of $((channel_sat / 100000000)) BTC to the miners' node."
  lncli_of treasury batchopenchannel --sat_per_vbyte 2 "[$(IFS=, && echo "${list[*]}")]" >/dev/null
  mine 3 'raw(51)'
  await 120 "the channels" has_channels
}

accounts() {
  # What a wallet provider of the miners would do: an LNURL service that makes invoices with their node.
  start lnurl "python3 $root/scripts/demo.lnurl.py --lncli 'lncli --lnddir=$dir/miners --network=signet --rpcserver=127.0.0.1:$(<miners.rpc)'"
  local base name
  await 20 "the LNURL service" grep -q http "$dir/lnurl.out"
  base=$(head -n 1 "$dir/lnurl.out")
  for name in alice bob; do
    show "hh-ledger miner set $name --chain signet --kind lnurl --destination $base/$name --db ledger.sqlite >>accounts.jsonl"
  done
  show "hh-ledger miner show --db ledger.sqlite >miners.jsonl"
  # hh-ln gets only the rights that it uses.
  lncli_of treasury bakemacaroon info:read offchain:read offchain:write >treasury.macaroon
  chmod 600 treasury.macaroon
  wallet_options="--backend lnd --lnd-url https://127.0.0.1:$(<treasury.rest) --lnd-tls-cert treasury/tls.cert --lnd-macaroon $dir/treasury.macaroon --lnurl-allow-loopback"
}

mature() {
  tell "Mining 5 more blocks on top."
  mine 5 'raw(51)'
  show "hh-ledger watch --once --db ledger.sqlite $maturity_options $rpc_options >watched.jsonl"
  show_watched
}

# The treasury's node keeps a list of payments of its own.
check_wallet() {
  lncli_of treasury listpayments >payments.json
  show "jq '[.payments[] | select(.status == \"SUCCEEDED\") | (.value_msat | tonumber) + (.fee_msat | tonumber)] | add // 0' payments.json >spent"
  [[ $(<spent) == "$(spent_by_the_books)" ]] || fail "lnd spent $(<spent) msat, the books say $(spent_by_the_books)"
  tell "lnd's own list and the books agree to the msat: $(<spent) msat were spent."
}

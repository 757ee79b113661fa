# shellcheck shell=bash
# The end of scripts/demo: one table of the round, the payments and the books, for people. Takes round.jsonl, payout.jsonl, settlements.jsonl,
# posted_again.jsonl and balances.jsonl in the current folder; exits 70 where something does not add up.

print_table() {
  jq -rs --slurpfile payout payout.jsonl --slurpfile settled settlements.jsonl --slurpfile again posted_again.jsonl '
    def pad($n): tostring | (" " * ([$n - length, 0] | max)) + .;
    def name($n): tostring | if length > $n then .[0:$n - 1] + "…" else . end | . + (" " * ($n - length));
    # msat as satoshis with three places, by integer arithmetic; jq 1.6 keeps integers below 2^53 exact.
    def sat: if . < 0 then "-" + ((0 - .) | sat) else "\((. - . % 1000) / 1000).\((. % 1000 + 1000) | tostring | .[1:])" end;
    def row($a; $b; $c; $d; $e; $f): "   \($a | name(22))\($b | pad(8))\($c | pad(18))\($d | pad(14))\($e | pad(18))\($f | pad(18))";
    . as $balances
    | ($payout[0]) as $head
    | ($payout[1:]) as $lines
    | ($settled | map(select(.type == "settlement" and .state == "PAID"))) as $paid
    | ($balances | map(select(.type == "balance") | {key: .account, value: .balance_msat}) | from_entries) as $books
    | "   round \($head.round): \($head.shares) shares, up to block \($head.block.height), found by \($head.finder)",
      "",
      row("account"; "shares"; "earned sat"; "fees sat"; "paid sat"; "owed sat"),
      ($lines[] | . as $line | row(.account; .shares; .earned_msat | sat; .fees_msat | sat;
        ([$paid[] | select(.line == $line.line) | .amount_msat] | add // 0) | sat; (0 - ($books[.account] // 0)) | sat)),
      row("operator (0.5 %)"; ""; $head.operator_msat | sat; ""; ""; (0 - ($books.operator // 0)) | sat),
      row("node pool (0.5 %)"; ""; $head.node_pool_msat | sat; ""; ""; (0 - ($books.node_pool // 0)) | sat),
      "",
      "   block subsidy \($head.subsidy_msat | sat) sat = \($head.operator_msat + $head.node_pool_msat + $head.earned_msat | sat) sat given out",
      "   transaction fees \($head.fees_msat | sat) sat, to the finder, \($head.finder), by " + (if $head.fee_to == "coinbase" then "its own coinbase" else "the manifest" end),
      "   \($paid | length) payments, \([$paid[].amount_msat] | add // 0 | sat) sat, and \([$paid[].fee_msat] | add // 0 | sat) sat of routing fees",
      "   the second payday paid \([$again[] | select(.result == "posted")] | length) lines",
      "   books: \($balances[-1].postings) postings, sum \($balances[-1].sum_msat)"
  ' balances.jsonl
  jq -es --slurpfile payout payout.jsonl --slurpfile again posted_again.jsonl '
    ($payout[0]) as $head
    | (.[-1].type == "books" and .[-1].sum_msat == 0)
      and ($head.operator_msat + $head.node_pool_msat + $head.earned_msat == $head.subsidy_msat)
      and ([$again[] | select(.result == "posted")] == [])
      and ([.[] | select(.type == "balance") | .balance_msat] | add == 0)
  ' balances.jsonl >/dev/null || fail "the books do not add up"
}

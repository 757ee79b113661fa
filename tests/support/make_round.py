#!/usr/bin/env python3
"""Prints a closed round record for payment tests: make_round.py CHAIN SUBSIDY_SAT MINER=KIND:VALUE …

The block is another one for other words, as the journal of payments takes one manifest for each; ROUND_BLOCK in the environment names it.
Each miner has one share of work 1000, so each earns the same. The record is what `hh-ledger round` would print of such a round; where it comes
from does not matter to the payment side, which trusts only the manifest's signature and sums.
"""
import hashlib
import json
import os
import sys


def main():
    chain, subsidy = sys.argv[1], int(sys.argv[2])
    miners = []
    for word in sys.argv[3:]:
        name, destination = word.split("=", 1)
        kind, value = destination.split(":", 1)
        miners.append({"miner": name, "shares": 1, "work": "1000", "carried_msat": 0, "destination": {"kind": kind, "value": value}})
    block = os.environ.get("ROUND_BLOCK", " ".join(sys.argv[1:]))
    miners.sort(key=lambda m: m["miner"].encode())
    record = {"type": "round", "v": 1}
    if chain == "dev":
        record["simulated"] = True
    record |= {
        "chain": chain, "round": 1, "status": "closed", "shares": len(miners), "work": str(1000 * len(miners)), "merkle_root": "ab" * 32,
        "cuts": [{"source": "pool", "first_seq": 1, "last_seq": len(miners)}],
        "block": {"height": 120, "hash": "00" * 4 + hashlib.sha256(block.encode()).hexdigest()[:56], "nbits": "207fffff", "time_ms": 1700000000000, "subsidy_sat": subsidy, "fees_sat": 0,
                  "fee_to": "manifest", "miner": miners[0]["miner"], "confirmations": 120},
        "scheme": "prop", "miners": miners,
    }
    print(json.dumps(record, separators=(",", ":")))


main()

#!/usr/bin/env python3
"""Real transactions for a bitcoind without wallet: spends coinbases that anyone can spend, mined to raw(51) or to P2WSH of OP_TRUE.

    tx.py --cli 'bitcoin-cli -regtest -datadir=…' [--count N] [--fee SAT] [--chain N]

Finds such coinbases that have matured and are unspent, and sends N transactions with sendrawtransaction, each with that fee: output P2WSH of OP_TRUE. With --chain each of them is followed by that many transactions which spend the P2WSH output
with a witness (so the block has a witness commitment that matters). Prints one line: {"sent":N,"fees_sat":…,"txids":[…]}.
"""
import argparse
import hashlib
import json
import shlex
import struct
import subprocess
import sys

OP_TRUE = b"\x51"
P2WSH_TRUE = b"\x00\x20" + hashlib.sha256(OP_TRUE).digest()


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


class Tx:
    """Version 2, one input, one output."""

    def __init__(self, txid, index, value, script, witness=()):
        self.stripped_parts = (txid, index, value, script)
        self.value, self.script, self.witness = value, script, list(witness)

    def serialize(self, with_witness=True):
        txid, index, value, script = self.stripped_parts
        marker = b"\x00\x01" if with_witness and self.witness else b""
        body = b"\x01" + bytes.fromhex(txid)[::-1] + struct.pack("<I", index) + b"\x00" + b"\xfd\xff\xff\xff"
        body += b"\x01" + struct.pack("<q", value) + bytes([len(script)]) + script
        stack = b""
        if marker:
            stack = bytes([len(self.witness)]) + b"".join(bytes([len(item)]) + item for item in self.witness)
        return struct.pack("<i", 2) + marker + body + stack + struct.pack("<I", 0)

    def txid(self):
        return sha256d(self.serialize(False))[::-1].hex()


class Node:
    def __init__(self, command):
        self.command = shlex.split(command)

    def call(self, *args):
        run = subprocess.run([*self.command, *map(str, args)], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"{' '.join(map(str, args))[:100]}: {run.stderr.strip()}")
        text = run.stdout.strip()
        try:
            return json.loads(text, parse_float=str)
        except json.JSONDecodeError:
            return text

    def spendable(self, count):
        """(txid, value in sat, witness) of matured unspent coinbase outputs that anyone can spend, oldest first."""
        tip, found = int(self.call("getblockcount")), []
        for height in range(1, tip - 99):
            coinbase = self.call("getblock", self.call("getblockhash", height), 1)["tx"][0]
            out = self.call("gettxout", coinbase, 0, "true")
            script = out["scriptPubKey"]["hex"] if out else ""
            if script in (OP_TRUE.hex(), P2WSH_TRUE.hex()):
                whole, _, part = str(out["value"]).partition(".")
                witness = [OP_TRUE] if script == P2WSH_TRUE.hex() else []
                found.append((coinbase, int(whole) * 100_000_000 + int((part + "00000000")[:8]), witness))
            if len(found) == count:
                break
        return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cli", required=True)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--fee", type=int, default=10_000)
    parser.add_argument("--chain", type=int, default=0)
    args = parser.parse_args()
    node, txids = Node(args.cli), []
    coins = node.spendable(args.count)
    if len(coins) < args.count:
        sys.exit(f"{len(coins)} of {args.count} matured OP_TRUE coinbases: mine 100 blocks more")
    for txid, value, witness in coins:
        tx = Tx(txid, 0, value - args.fee, P2WSH_TRUE, witness)
        txids.append(node.call("sendrawtransaction", tx.serialize().hex(), 0))
        for _ in range(args.chain):
            tx = Tx(tx.txid(), 0, tx.value - args.fee, P2WSH_TRUE, [OP_TRUE])
            txids.append(node.call("sendrawtransaction", tx.serialize().hex(), 0))
    print(json.dumps({"sent": len(txids), "fees_sat": args.fee * len(txids), "txids": txids}))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What a node answers to good and broken blocks, one line each: "NAME ANSWER". For hh-devchain and bitcoind alike, so that they can be compared.

    answers.py URL COOKIE_FILE

The node must be at difficulty 207fffff with nothing but its first block. Blocks hold a coinbase alone, except where a transaction is the point.
"""
import base64
import copy
import hashlib
import json
import struct
import sys
import urllib.error
import urllib.request


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


class Node:
    def __init__(self, url, cookie):
        with open(cookie, encoding="ascii") as file:
            self.authorization = "Basic " + base64.b64encode(file.read().encode()).decode()
        self.url = url

    def call(self, method, *params):
        """The result as text, or "error CODE"."""
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        try:
            answer = urllib.request.urlopen(urllib.request.Request(self.url, body, {"Authorization": self.authorization}), timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        answer = json.load(answer)
        return f"error {answer['error']['code']}" if answer["error"] else answer["result"]


class Block:
    """A coinbase-only block on a template, as fields to break."""

    def __init__(self, template, extra=b"\x00"):
        self.version, self.prev, self.time, self.bits = 0x20000000, template["previousblockhash"], template["curtime"], 0x207FFFFF
        height = template["height"]
        self.script = (bytes([0x50 + height]) if height <= 16 else b"\x01" + bytes([height])) + b"\x02" + extra * 2
        self.outputs = [(5_000_000_000, b"\x51")]
        self.witness = [bytes(32)]
        self.commitment = True
        self.lock_time, self.sequence = 0, 0xFFFFFFFF
        self.prevout = bytes(32) + b"\xff" * 4
        self.others = []  # serialised without witness
        self.root = None
        self.work = True

    def coinbase(self, witness):
        outputs = list(self.outputs)
        if self.commitment:
            wtxids = [bytes(32)] + [sha256d(tx) for tx in self.others]
            outputs.append((0, bytes.fromhex("6a24aa21a9ed") + sha256d(merkle(wtxids) + bytes(32))))
        marked = witness and self.witness
        tx = struct.pack("<i", 2) + (b"\x00\x01" if marked else b"") + b"\x01" + self.prevout
        tx += bytes([len(self.script)]) + self.script + struct.pack("<I", self.sequence) + bytes([len(outputs)])
        for value, script in outputs:
            tx += struct.pack("<q", value) + bytes([len(script)]) + script
        if marked:
            tx += bytes([len(self.witness)]) + b"".join(bytes([len(item)]) + item for item in self.witness)
        return tx + struct.pack("<I", self.lock_time)

    def mine(self):
        """(hash in display order, the block in hex)"""
        root = self.root or merkle([sha256d(self.coinbase(False))] + [sha256d(tx) for tx in self.others])
        length, target = self.bits >> 24, self.bits & 0xFFFFFF
        for nonce in range(1 << 32):
            header = struct.pack("<I", self.version) + bytes.fromhex(self.prev)[::-1] + root + struct.pack("<III", self.time, self.bits, nonce)
            if (int.from_bytes(sha256d(header), "little") <= target << (8 * (length - 3))) == self.work:
                break
        block = header + bytes([1 + len(self.others)]) + self.coinbase(True) + b"".join(self.others)
        return sha256d(header)[::-1].hex(), block.hex()


def merkle(row):
    while len(row) > 1:
        row = row + row[-1:] if len(row) % 2 else row
        row = [sha256d(row[i] + row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def payment(lock_time=0, sequence=0xFFFFFFFF):
    """A transaction that spends what never existed."""
    return struct.pack("<i", 2) + b"\x01" + b"\x07" * 32 + bytes(4) + b"\x00" + struct.pack("<I", sequence) + b"\x01" + struct.pack("<q", 1) + b"\x01\x51" + struct.pack("<I", lock_time)


BROKEN = {
    "no-work": lambda b: setattr(b, "work", False),
    "wrong-root": lambda b: setattr(b, "root", b"\x01" * 32),
    "repeated-transaction": lambda b: setattr(b, "others", [payment(), payment(1), payment(1)]),
    "unknown-parent": lambda b: setattr(b, "prev", "11" * 32),
    "other-bits": lambda b: setattr(b, "bits", 0x207FFFFE),
    "too-old": lambda b: setattr(b, "time", 1_000_000_000),
    "too-new": lambda b: setattr(b, "time", b.time + 3 * 60 * 60),
    "wrong-height": lambda b: setattr(b, "script", b"\x5f\x02\x00\x00"),
    "long-script": lambda b: setattr(b, "script", b.script + b"\x00" * 100),
    "not-final": lambda b: (setattr(b, "lock_time", 500), setattr(b, "sequence", 0)),
    "other-transaction-not-final": lambda b: setattr(b, "others", [payment(500, 0)]),
    "short-reserved-value": lambda b: setattr(b, "witness", [bytes(31)]),
    "wrong-reserved-value": lambda b: setattr(b, "witness", [b"\x01" * 32]),
    "unexpected-witness": lambda b: setattr(b, "commitment", False),
    "too-much": lambda b: setattr(b, "outputs", [(5_000_000_001, b"\x51")]),
    "no-such-coins": lambda b: setattr(b, "others", [payment()]),
}


def main():
    node = Node(*sys.argv[1:3])
    rules = {"rules": ["segwit"]}

    def template():
        return node.call("getblocktemplate", rules)

    def submit(name, block):
        block_hash, data = block.mine()
        print(name, node.call("submitblock", data))
        return block_hash, data

    first, first_data = submit("good", Block(template()))
    print("again", node.call("submitblock", first_data))
    base = template()
    for number, (name, damage) in enumerate(BROKEN.items(), 16):
        block = Block(copy.deepcopy(base), bytes([number]))  # each with a hash of its own, whatever its witness
        damage(block)
        if block.work and block.prev == base["previousblockhash"]:  # before it is submitted: bitcoind remembers what it has refused
            print("proposed", name, node.call("getblocktemplate", {"mode": "proposal", "data": block.mine()[1], **rules}))
        submit(name, block)
    print("no-hex", node.call("submitblock", "zz"))
    print("no-block", node.call("submitblock", "00" * 80))
    print("trailing", node.call("submitblock", first_data[:-2]))
    side, _ = submit("side-branch", Block({**base, "height": 1, "previousblockhash": node.call("getblockhash", 0)}, b"\x02"))
    print("side confirmations", node.call("getblockheader", side)["confirmations"])
    submit("reorganisation", Block({**base, "previousblockhash": side}, b"\x03"))
    print("orphan confirmations", node.call("getblockheader", first)["confirmations"], "height", node.call("getblockcount"))
    node.call("invalidateblock", side)
    print("after invalidateblock", node.call("getbestblockhash") == first)
    submit("on invalid", Block({**base, "previousblockhash": side}, b"\x04"))
    node.call("reconsiderblock", side)
    print("after reconsiderblock", node.call("getblockcount"), node.call("getblockheader", side)["confirmations"])
    for method, *params in (["getblockhash", 99], ["getblockhash", -1], ["getblockheader", "00" * 32], ["getblockheader", "00"], ["getblocktemplate"], ["getblocktemplate", {}],
                            ["nothing"], ["invalidateblock", "00" * 32], ["getblock", "00" * 32], ["submitblock"], ["getblocktemplate", {"mode": "x"}]):
        print(method, *params, node.call(method, *params))


main()

#!/usr/bin/env python3
"""Makes job, share and block lines as hh-pool would print them, with hashes that really meet their work.

The chain is one of its own: nbits 2000ffff, so that a block takes 256 hashes and a share a few. The same options give the same bytes.
  make_shares.py --count 100 --miners 3 --sources 1 --blocks 2
Blocks are spread evenly, each the record after its winning share; sources take turns, one share each. Miners are the aliases miner0,
miner1 …, the last --addresses of them regtest addresses whose fees go to their own coinbase output.
"""
import argparse
import hashlib
import json
import random
import struct
import sys

NBITS = 0x2000FFFF
BLOCK_TARGET = 0xFFFF << (8 * (0x20 - 3))


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def bech32(prefix, program):
    """BIP173 address of a version 0 witness program."""
    charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = int.from_bytes(program, "big")
    values = [0] + [(bits >> shift) & 31 for shift in range(len(program) * 8 - 5, -1, -5)]
    check = 1
    for v in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values + [0] * 6:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ v
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> i & 1:
                check ^= generator
    check ^= 1
    return prefix + "1" + "".join(charset[v] for v in values + [check >> 5 * (5 - i) & 31 for i in range(6)])


class Miner:
    def __init__(self, name, script=b""):
        self.name, self.script = name, script


class Chain:
    def __init__(self, options, random_bytes):
        self.options, self.height = options, options.height
        self.prev = random_bytes(32)  # internal order


class Source:
    def __init__(self, name, options, rng):
        self.name, self.options, self.rng, self.seq, self.job_number = name, options, rng, 0, 0

    def emit(self, record):
        sys.stdout.write(json.dumps(record, separators=(",", ":")) + "\n")

    def mark(self, record):
        if self.options.chain == "dev":
            record["simulated"] = True
        return record

    def new_job(self, chain, now):
        self.job_number += 1
        self.height, self.prev = chain.height, chain.prev
        self.job = "%08x%04x" % (self.options.start_ms // 1000, self.job_number)
        self.subsidy, self.fees = 5_000_000_000, 1000 + self.rng.randrange(100_000)
        self.branch = [self.rng.randbytes(32) for _ in range(self.rng.randrange(4))]
        push = struct.pack("<I", self.height).rstrip(b"\0") or b"\0"
        script = bytes([len(push)]) + push + b"\x04test" + b"\x0c"
        treasury = bytes.fromhex("0014") + bytes(20)
        self.prefix = struct.pack("<I", 2) + b"\x01" + bytes(32) + b"\xff" * 4 + bytes([len(script) + 12]) + script

        def output(value, out_script):
            return struct.pack("<q", value) + bytes([len(out_script)]) + out_script

        self.suffix = b"\xfe\xff\xff\xff\x01" + output(self.subsidy + self.fees, treasury) + struct.pack("<I", self.height - 1)
        self.head = b"\xfe\xff\xff\xff\x02" + output(self.subsidy, treasury) + struct.pack("<q", self.fees)
        self.tail = struct.pack("<I", self.height - 1)
        job = {"type": "job", "v": 1, "source": self.name, "job": self.job, "time_ms": now, "chain": self.options.chain}
        self.mark(job)
        job.update({"height": self.height, "prev_hash": self.prev[::-1].hex(), "version": "20000000", "nbits": "%08x" % NBITS,
                    "ntime": "%08x" % (now // 1000), "subsidy_sat": self.subsidy, "fees_sat": self.fees,
                    "coinbase_prefix": self.prefix.hex(), "coinbase_suffix_treasury": self.suffix.hex(),
                    "coinbase_suffix_head": self.head.hex(), "coinbase_suffix_tail": self.tail.hex(),
                    "extranonce1_size": 4, "extranonce2_size": 8, "merkle_branch": [h.hex() for h in self.branch],
                    "tx_count": 1 << len(self.branch)})
        self.emit(job)

    def share(self, miner, worker, work, now, block):
        """A share of that work, or where block is true one that is a block too. Returns the block's hash or None."""
        extranonce1, extranonce2 = self.rng.randbytes(4), self.rng.randbytes(8)
        suffix = self.head + bytes([len(miner.script)]) + miner.script + self.tail if miner.script else self.suffix
        txid = sha256d(self.prefix + extranonce1 + extranonce2 + suffix)
        root = txid
        for sibling in self.branch:
            root = sha256d(root + sibling)
        head = struct.pack("<I", 0x20000000) + self.prev + root + struct.pack("<II", now // 1000, NBITS)
        for nonce in range(1 << 32):
            found = sha256d(head + struct.pack("<I", nonce))
            value = int.from_bytes(found, "little")
            if value <= (1 << 256) // work - 1 and (value <= BLOCK_TARGET) == block:
                break
        self.seq += 1
        fee_to = "coinbase" if miner.script else "manifest"
        record = self.mark({"type": "share", "v": 1, "source": self.name, "seq": self.seq, "time_ms": now})
        record.update({"job": self.job, "miner": miner.name, "worker": worker, "extranonce1": extranonce1.hex(),
                       "extranonce2": extranonce2.hex(), "ntime": "%08x" % (now // 1000), "nonce": "%08x" % nonce, "version": "20000000",
                       "work": str(work), "fee_to": fee_to})
        self.emit(record)
        if not block:
            return None
        self.seq += 1
        record = self.mark({"type": "block", "v": 1, "source": self.name, "seq": self.seq, "time_ms": now})
        record.update({"chain": self.options.chain, "job": self.job, "share_seq": self.seq - 1, "height": self.height,
                       "hash": found[::-1].hex(), "prev_hash": self.prev[::-1].hex(), "nbits": "%08x" % NBITS, "miner": miner.name,
                       "worker": worker, "subsidy_sat": self.subsidy, "fees_sat": self.fees, "fee_to": fee_to,
                       "coinbase_txid": txid[::-1].hex()})
        self.emit(record)
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="shares of all sources together")
    parser.add_argument("--miners", type=int, default=3)
    parser.add_argument("--addresses", type=int, default=0, help="how many of the miners are addresses")
    parser.add_argument("--sources", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=0)
    parser.add_argument("--tail", type=int, default=0, help="shares after the last block (of --count)")
    parser.add_argument("--jobs-every", type=int, default=50, help="shares of a source between new jobs")
    parser.add_argument("--chain", default="regtest", choices=["main", "testnet4", "signet", "regtest", "dev"])
    parser.add_argument("--height", type=int, default=100, help="of the first block")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start-ms", type=int, default=1_700_000_000_000)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    prefix = {"main": "bc", "testnet4": "tb", "signet": "tb", "regtest": "bcrt", "dev": "bcrt"}[options.chain]
    miners = []
    for i in range(options.miners):
        key_hash = rng.randbytes(20)
        is_address = i >= options.miners - options.addresses
        miners.append(Miner(bech32(prefix, key_hash), b"\x00\x14" + key_hash) if is_address else Miner("miner%d" % i))
    chain = Chain(options, rng.randbytes)
    sources = [Source("pool-%s" % "abcdefghijklmnopqrstuvwxyz"[i], options, rng) for i in range(options.sources)]
    spread = options.count - options.tail
    wins = {spread * (b + 1) // options.blocks - 1 for b in range(options.blocks)}
    for i in range(options.count):
        source, now = sources[i % len(sources)], options.start_ms + i * 250
        turn = i // len(sources)
        if turn % options.jobs_every == 0 or source.height != chain.height:
            source.new_job(chain, now)
        miner = rng.choice(miners)
        found = source.share(miner, rng.choice(["", "rig1", "rig2"]), rng.choice([2, 4, 8, 16]), now, i in wins)
        if found:
            chain.height, chain.prev = chain.height + 1, found


main()

"""Makes job, share and block lines for `scripts/bench payout`: real proofs of work, cheap to make, the same bytes each time.

A share's work is the largest power of two (up to 16) that its hash happens to meet, so one hash makes one share. The last share is a block, on nbits that
one hash in 256 meets. Jobs have the size of a full block's: 12 hashes in the branch, 110 bytes of coinbase before and 120 behind the extranonce.
"""
import argparse
import hashlib
import json
import random
import struct
import sys

NBITS = 0x2000FFFF
BLOCK_TARGET = 0xFFFF << (8 * 29)
SHARES_PER_JOB = 5000


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def job_line(number, now, branch, prefix, suffix):
    return json.dumps({"type": "job", "v": 1, "source": "pool-a", "job": "%08x" % number, "time_ms": now, "chain": "regtest", "height": 101, "prev_hash": "00" * 32,
                       "version": "20000000", "nbits": "%08x" % NBITS, "ntime": "%08x" % (now // 1000), "subsidy_sat": 312500000, "fees_sat": 4321000,
                       "coinbase_prefix": prefix.hex(), "coinbase_suffix_treasury": suffix.hex(), "coinbase_suffix_head": suffix.hex(),
                       "coinbase_suffix_tail": "00000000", "extranonce1_size": 4, "extranonce2_size": 8, "merkle_branch": [h.hex() for h in branch],
                       "tx_count": 4096}, separators=(",", ":"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--miners", type=int, default=10)
    options = parser.parse_args()
    rng = random.Random(1)
    write = sys.stdout.write
    template = ('{"type":"share","v":1,"source":"pool-a","seq":%d,"time_ms":%d,"job":"%08x","miner":"miner%d","worker":"rig%d","extranonce1":"%s",'
                '"extranonce2":"%s","ntime":"%08x","nonce":"%08x","version":"20000000","work":"%d","fee_to":"manifest"}\n')
    for i in range(options.count):
        now = 1_700_000_000_000 + i * 5
        if i % SHARES_PER_JOB == 0:
            job = i // SHARES_PER_JOB
            branch, prefix, suffix = [rng.randbytes(32) for _ in range(12)], rng.randbytes(110), rng.randbytes(120)
            write(job_line(job, now, branch, prefix, suffix) + "\n")
        extranonce1, extranonce2 = struct.pack(">I", i), rng.randbytes(8)
        root = sha256d(prefix + extranonce1 + extranonce2 + suffix)
        coinbase_txid = root
        for sibling in branch:
            root = sha256d(root + sibling)
        head = struct.pack("<I", 0x20000000) + bytes(32) + root + struct.pack("<II", now // 1000, NBITS)
        nonce, found = 0, 1 << 256
        while i + 1 == options.count and found > BLOCK_TARGET or found == 1 << 256:
            nonce += 1
            found = int.from_bytes(sha256d(head + struct.pack("<I", nonce)), "little")
        work = next(w for w in (16, 8, 4, 2, 1) if found <= (1 << 256) // w - 1)
        miner = rng.randrange(options.miners)
        write(template % (i + 1, now, job, miner, miner % 3, extranonce1.hex(), extranonce2.hex(), now // 1000, nonce, work))
    write(json.dumps({"type": "block", "v": 1, "source": "pool-a", "seq": options.count + 1, "time_ms": now, "chain": "regtest", "job": "%08x" % job,
                      "share_seq": options.count, "height": 101, "hash": "%064x" % found, "prev_hash": "00" * 32, "nbits": "%08x" % NBITS,
                      "miner": "miner%d" % miner, "worker": "rig%d" % (miner % 3), "subsidy_sat": 312500000, "fees_sat": 4321000, "fee_to": "manifest",
                      "coinbase_txid": coinbase_txid[::-1].hex()}, separators=(",", ":")) + "\n")


main()

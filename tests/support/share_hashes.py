#!/usr/bin/env python3
"""The block-header hash of every share in a ledger export (job and share lines), one per line in display order.

Written from hh-records(5) alone and in another language than the tools, so that it checks them: who has the records can compute the hashes.
usage: share_hashes.py FILE
"""
import hashlib
import json
import sys

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def script_of_segwit(address):
    """BIP173: the scriptPubKey of a segwit address (checksum not looked at: the pool has)."""
    data = [CHARSET.index(c) for c in address.rsplit("1", 1)[1]][:-6]
    bits = value = 0
    program = bytearray()
    for five in data[1:]:
        value, bits = (value << 5 | five) & 0xFFF, bits + 5
        if bits >= 8:
            bits -= 8
            program.append(value >> bits & 0xFF)
    return bytes([data[0] + (0x50 if data[0] else 0), len(program)]) + bytes(program)


def coinbase(job, share):
    start = bytes.fromhex(job["coinbase_prefix"] + share["extranonce1"] + share["extranonce2"])
    if share["fee_to"] == "manifest":
        return start + bytes.fromhex(job["coinbase_suffix_treasury"])
    script = script_of_segwit(share.get("address", share["miner"]))
    return start + bytes.fromhex(job["coinbase_suffix_head"]) + bytes([len(script)]) + script + bytes.fromhex(job["coinbase_suffix_tail"])


def header_hash(job, share):
    root = sha256d(coinbase(job, share))
    for branch in job["merkle_branch"]:
        root = sha256d(root + bytes.fromhex(branch))
    little = lambda text: bytes.fromhex(text)[::-1]
    header = little(share["version"]) + little(job["prev_hash"]) + root + little(share["ntime"]) + little(job["nbits"]) + little(share["nonce"])
    return sha256d(header)[::-1].hex()


def main():
    jobs = {}
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["type"] == "job":
                jobs[record["source"], record["job"]] = record
            elif record["type"] == "share":
                print(header_hash(jobs[record["source"], record["job"]], record))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The closed round that a ledger must make of job, share and block lines on standard input: cuts, weights, Merkle root. A second, independent way.

  close_round.py [--scheme prop|pplns] [--factor N] [--carry MINER=MSAT …]

The last block in the input ends the round: for its source at the winning share, for the others at what has come before the block. With prop the
round begins after the block before it. Every miner is paid at NAME@example.com.
"""
import argparse
import hashlib
import json
import sys


def merkle_root(leaves):
    """RFC 9162 section 2.1.1, as it is written there."""
    def root(nodes):
        if len(nodes) == 1:
            return nodes[0]
        split = 1
        while split * 2 < len(nodes):
            split *= 2
        return hashlib.sha256(b"\x01" + root(nodes[:split]) + root(nodes[split:])).digest()

    hashes = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    return root(hashes) if hashes else hashlib.sha256(b"").digest()


def work_of_bits(nbits):
    target = (nbits & 0xFFFFFF) << 8 * ((nbits >> 24) - 3)
    return 2**256 // (target + 1)


def read(stream):
    """Shares by source in the order of seq, as they stood when the last block came; that block; and where each source stood at the block before."""
    shares, lasts, block, closed_at, begins = {}, {}, None, {}, {}
    for line in stream:
        record = json.loads(line)
        if record["type"] == "share":
            shares.setdefault(record["source"], []).append((record["seq"], record["time_ms"], record["miner"], int(record["work"]), line.rstrip("\n")))
            lasts[record["source"]] = record["seq"]
        elif record["type"] == "block":
            begins, block, closed_at = closed_at, record, dict(lasts)
    return shares, block, closed_at, begins


def pplns_window(shares, ends, wanted):
    """Backwards in time over all sources until the window is full: the cuts, each miner's [shares, work], and what counts of the oldest share."""
    heads = {source: [s for s in shares[source] if s[0] <= end] for source, end in ends.items()}
    weights, cuts, filled, counted = {}, {}, 0, 0
    while filled < wanted and any(heads.values()):
        source = max((s for s in heads if heads[s]), key=lambda s: (heads[s][-1][1], s))
        seq, _, miner, work, _ = heads[source].pop()
        counted = min(work, wanted - filled)
        filled += counted
        cuts[source] = (seq, cuts.get(source, (0, seq))[1])
        entry = weights.setdefault(miner, [0, 0])
        entry[0] += 1
        entry[1] += counted
    return cuts, weights, counted


def prop_basis(shares, ends, begins):
    cuts, weights = {}, {}
    for source, end in ends.items():
        first = begins.get(source, 0) + 1
        cuts[source] = (first, end)
        for seq, _, miner, work, _ in shares[source]:
            if first <= seq <= end:
                entry = weights.setdefault(miner, [0, 0])
                entry[0] += 1
                entry[1] += work
    return cuts, weights


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scheme", default="prop", choices=["prop", "pplns"])
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--carry", nargs="*", default=[])
    options = parser.parse_args()
    shares, block, ends, begins = read(sys.stdin)
    pplns = {}
    if options.scheme == "pplns":
        wanted = options.factor * work_of_bits(int(block["nbits"], 16))
        cuts, weights, counted = pplns_window(shares, ends, wanted)
        pplns = {"pplns": {"factor": options.factor, "window_work": str(wanted), "cut_share_work": str(counted)}}
    else:
        cuts, weights = prop_basis(shares, ends, begins)
    carry = {name: int(msat) for name, msat in (pair.split("=") for pair in options.carry)}
    miners = [{"miner": name, "shares": weights.get(name, [0, 0])[0], "work": str(weights.get(name, [0, 0])[1]), "carried_msat": carry.get(name, 0),
               "destination": {"kind": "lnaddress", "value": name + "@example.com"}} for name in sorted(set(weights) | set(carry))]
    leaves = [s[4].encode() for source in sorted(cuts) for s in shares[source] if cuts[source][0] <= s[0] <= cuts[source][1]]
    simulated = {"simulated": True} if block.get("simulated") else {}
    print(json.dumps({"type": "round", "v": 1, **simulated, "chain": block["chain"], "round": 1, "status": "closed", "shares": len(leaves),
                      "work": str(sum(w for _, w in weights.values())), "merkle_root": merkle_root(leaves).hex(),
                      "cuts": [{"source": s, "first_seq": cuts[s][0], "last_seq": cuts[s][1]} for s in sorted(cuts)],
                      "block": {**{k: block[k] for k in ("height", "hash", "nbits", "time_ms", "subsidy_sat", "fees_sat", "fee_to", "miner")}, "confirmations": 100},
                      "scheme": options.scheme, **pplns, "miners": miners}, separators=(",", ":")))


main()

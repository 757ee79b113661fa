#!/usr/bin/env python3
"""A second, independent payout: what hh-payout compute | manifest must print, from the rules of hh-payout(1), in Python's integers.

  reference.py ROUND            the manifest of a round record in a file, with the default policy
  reference.py --policy k=v …   policy keys that differ from the default
  reference.py --nodes FILE     for a cycle record
  reference.py --random SEED    prints a random closed round record instead
"""
import argparse
import json
import random
import sys
from fractions import Fraction

SAMPLES = 7 * 24 * 3600 // 5


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def split(pool, works):
    """Largest remainder: exact parts as fractions, rounded down, what is left over by the size of the fraction cut off, then by position."""
    exact = [Fraction(pool * work, sum(works)) for work in works]
    parts = [int(e) for e in exact]
    by_cut = sorted(range(len(works)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_cut[: pool - sum(parts)]:
        parts[i] += 1
    return parts


def line(policy, account, earned, fees, carried, destination, extra):
    due = earned + fees + carried
    payable = due // policy["pay_unit_msat"] * policy["pay_unit_msat"]
    why = "below_minimum" if payable < policy["min_payout_sat"] * 1000 else "paid" if destination else "no_destination"
    pay = payable if why == "paid" else 0
    out = {"account": account, "earned_msat": earned, "fees_msat": fees, "carried_in_msat": carried, "pay_msat": pay,
           "carried_out_msat": due - pay, "rail": "lightning" if pay else "none", "why": why, **extra}
    if pay:
        out["destination"] = destination
    return out


def finish(head, lines):
    lines.sort(key=lambda entry: entry["account"].encode())
    for number, entry in enumerate(lines):
        entry["line"] = number
    for field in ("earned_msat", "carried_in_msat", "pay_msat", "carried_out_msat"):
        head[field] = sum(entry[field] for entry in lines)
    return canonical({"type": "manifest", "v": 1, **head, "lines": lines})


def round_manifest(r, policy):
    subsidy, fees = r["block"]["subsidy_sat"] * 1000, r["block"]["fees_sat"] * 1000
    operator, pool = (subsidy * policy[key] // 10**6 for key in ("operator_ppm", "node_pool_ppm"))
    miners = sorted(r["miners"], key=lambda m: m["miner"].encode())
    parts = split(subsidy - operator - pool, [int(m["work"]) for m in miners])
    lines = []
    for m, part in zip(miners, parts):
        finder_fees = fees if m["miner"] == r["block"]["miner"] and r["block"]["fee_to"] == "manifest" else 0
        lines.append(line(policy, "miner:" + m["miner"], part, finder_fees, m["carried_msat"], m.get("destination"),
                          {"shares": m["shares"], "work": m["work"]}))
    return finish({**({"simulated": True} if r.get("simulated") else {}), "chain": r["chain"], "kind": "round", "round": r["round"],
                   "block": {k: r["block"][k] for k in ("height", "hash")}, "merkle_root": r["merkle_root"],
                   "shares": sum(m["shares"] for m in miners), "work": str(sum(int(m["work"]) for m in miners)), "policy": policy,
                   "subsidy_msat": subsidy, "fees_msat": fees, "operator_msat": operator, "node_pool_msat": pool,
                   "fee_to": r["block"]["fee_to"], "finder": r["block"]["miner"]}, lines)


def is_eligible(n):
    uptime = Fraction(n["samples_up"], max(SAMPLES, n["samples_total"]))
    return uptime >= Fraction(95, 100) and n["treasury_channels"] >= 1 and (n["template_provider"] == "remote" or n["bitcoind_synced"])


def cycle_manifest(c, policy, nodes):
    eligible = {n["node"] for n in nodes if is_eligible(n)}
    part = c["node_pool_msat"] // len(eligible) if eligible else 0
    carried = {n["node"]: n["carried_msat"] for n in c["nodes"]}
    destinations = {n["node"]: n.get("destination") for n in nodes}
    lines = [line(policy, "node:" + name, part if name in eligible else 0, 0, carried.get(name, 0), destinations.get(name), {})
             for name in set(carried) | set(destinations)]
    lines = [entry for entry in lines if entry["earned_msat"] + entry["carried_in_msat"] > 0]
    return finish({**({"simulated": True} if c.get("simulated") else {}), "chain": c["chain"], "kind": "cycle", "cycle": c["cycle"],
                   "policy": policy, "node_pool_msat": c["node_pool_msat"], "eligible_nodes": len(eligible),
                   "node_pool_remainder_msat": c["node_pool_msat"] - part * len(eligible)}, lines)


def random_round(seed):
    rng = random.Random(seed)
    names = rng.sample(["m%d" % i for i in range(300)], rng.randrange(1, 120))
    bits = rng.randrange(1, 118)
    miners = []
    for name in sorted(names):
        idle = rng.randrange(5) == 0 and name != names[0]
        miner = {"miner": name, "shares": 0 if idle else rng.randrange(1, 10**6), "work": "0" if idle else str(1 + rng.getrandbits(bits)),
                 "carried_msat": rng.choice([0, 5, 999_999, 1_000_000, rng.randrange(10**10)])}
        if rng.randrange(4):
            miner["destination"] = {"kind": "lnaddress", "value": name + "@example.com"}
        miners.append(miner)
    return canonical({"type": "round", "v": 1, "chain": "signet", "round": seed, "status": "closed",
                      "shares": sum(m["shares"] for m in miners), "work": str(sum(int(m["work"]) for m in miners)), "merkle_root": "%064x" % seed,
                      "cuts": [{"source": "pool-a", "first_seq": 1, "last_seq": 5}], "scheme": "prop", "miners": miners,
                      "block": {"height": rng.randrange(10**6), "hash": "%064x" % rng.getrandbits(200), "nbits": "1d00ffff", "time_ms": 1,
                                "subsidy_sat": rng.randrange(5 * 10**9) >> rng.randrange(33), "fees_sat": rng.randrange(10**8),
                                "fee_to": rng.choice(["coinbase", "manifest"]), "miner": names[0], "confirmations": 100}})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", nargs="?")
    parser.add_argument("--policy", nargs="*", default=[])
    parser.add_argument("--nodes")
    parser.add_argument("--random", type=int)
    options = parser.parse_args()
    if options.random is not None:
        print(random_round(options.random))
        return
    policy = {"scheme": "prop", "operator_ppm": 5000, "node_pool_ppm": 5000, "min_payout_sat": 1000, "pay_unit_msat": 1000}
    for pair in options.policy:
        key, value = pair.split("=")
        policy[key] = value if key == "scheme" else int(value)
    with open(options.record, encoding="utf-8") as file:
        record = json.load(file)
    if record["type"] == "round":
        print(round_manifest(record, policy))
        return
    with open(options.nodes, encoding="utf-8") as file:
        print(cycle_manifest(record, policy, [json.loads(entry) for entry in file]))


sys.exit(main())

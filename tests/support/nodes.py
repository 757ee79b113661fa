#!/usr/bin/env python3
"""JSON-RPC calls to bitcoind or hh-devchain for tests, and a wire between nodes that have none.

    nodes.py call URL|COOKIE METHOD [JSON…]     prints the result
    nodes.py relay URL|COOKIE URL|COOKIE        gives the second node the blocks of the first one's best chain that it does not have
"""
import base64
import json
import sys
import urllib.error
import urllib.request


class Node:
    def __init__(self, text):
        self.url, self.cookie = text.split("|")

    def call(self, method, *params):
        with open(self.cookie, encoding="ascii") as f:
            credentials = base64.b64encode(f.read().strip().encode()).decode()
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Authorization": "Basic " + credentials, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                reply = json.load(answer)
        except urllib.error.HTTPError as e:
            reply = json.load(e)
        if reply.get("error"):
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def has(self, block):
        try:
            self.call("getblockheader", block)
            return True
        except RuntimeError:
            return False


def relay(source, target):
    missing, block = [], source.call("getbestblockhash")
    while not target.has(block):
        missing.append(block)
        block = source.call("getblockheader", block)["previousblockhash"]
    for block in reversed(missing):
        verdict = target.call("submitblock", source.call("getblock", block, 0))
        if verdict not in (None, "duplicate", "inconclusive"):
            raise RuntimeError(f"submitblock: {verdict}")


def main():
    if sys.argv[1] == "relay":
        relay(Node(sys.argv[2]), Node(sys.argv[3]))
    else:
        result = Node(sys.argv[2]).call(sys.argv[3], *[json.loads(a) for a in sys.argv[4:]])
        print(result if isinstance(result, str) else json.dumps(result))


if __name__ == "__main__":
    main()

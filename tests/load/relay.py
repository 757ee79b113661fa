#!/usr/bin/env python3
"""Between sv1_load and a pool, spoils answers to submits: relay.py POOL_PORT NTH_DOUBLED NTH_DROPPED.

Prints its port, then "doubled N" and "dropped N" with the count so far each time it does so. An answer to a submit is one whose id is 10 or more.
"""
import json
import selectors
import socket
import sys

pool, doubled_each, dropped_each = (int(a) for a in sys.argv[1:])
counts = {"answers": 0, "doubled": 0, "dropped": 0}


def spoil(line):
    message = json.loads(line)
    if "method" in message or not isinstance(message.get("id"), int) or message["id"] < 10:
        return line
    counts["answers"] += 1
    for what, each, result in (("doubled", doubled_each, line * 2), ("dropped", dropped_each, b"")):
        if each and counts["answers"] % each == 0:
            counts[what] += 1
            print(what, counts[what], flush=True)
            return result
    return line


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
selector = selectors.DefaultSelector()
selector.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            miner, _ = listener.accept()
            upstream = socket.create_connection(("127.0.0.1", pool))
            selector.register(miner, selectors.EVENT_READ, (upstream, None))
            selector.register(upstream, selectors.EVENT_READ, (miner, bytearray()))
            continue
        other, buffer = key.data
        data = key.fileobj.recv(65536)
        if not data:
            for s in (key.fileobj, other):
                selector.unregister(s)
                s.close()
            break  # the other one may be among the events at hand
        if buffer is None:
            other.sendall(data)
            continue
        buffer += data
        *lines, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        other.sendall(b"".join(spoil(line + b"\n") for line in lines))

"""What fake_lnd.py and fake_cln.py share: invoices, faults on request, and the account of what money has left. The folder is their first argument.

FOLDER/preimages/HASH   the preimage of each invoice that can be paid (see make_invoice)
FOLDER/faults           one fault a line, "CALL FAULT"; each call takes the first line that is for it and deletes it
FOLDER/unstick          once it is there, payments that hang settle
FOLDER/forget           once it is there, all payments are forgotten, and the file is deleted
FOLDER/spent            gets one line HASH AMOUNT_MSAT each time that money leaves
"""
import http.server
import json
import os
import sys
import threading

FOLDER = sys.argv[1]
KEY = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
lock = threading.Lock()


def path(name):
    return os.path.join(FOLDER, name)


def decode_bolt12(invoice):
    """As decode, of a BOLT 12 invoice: TLVs with types and lengths below 0xfd or of two bytes."""
    bits = "".join(f"{ALPHABET.index(c):05b}" for c in invoice.removeprefix("lni1"))
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))
    fields, at = {}, 0

    def number():
        nonlocal at
        size = 3 if data[at] == 0xfd else 1
        at += size
        return int.from_bytes(data[at - size + (size > 1):at], "big")
    while at < len(data):
        kind, size = number(), number()
        fields[kind] = data[at:at + size]
        at += size
    return fields[168].hex(), int.from_bytes(fields[170], "big")


def decode(invoice):
    """Payment hash and amount of an invoice; its signature is not this server's business."""
    if invoice.startswith("lni1"):
        return decode_bolt12(invoice)
    prefix, data = invoice.rsplit("1", 1)
    values = [ALPHABET.index(c) for c in data][7:-110]
    payment_hash = None
    while values:
        kind, size = values[0], values[1] * 32 + values[2]
        if kind == 1 and size == 52:
            bits = "".join(f"{v:05b}" for v in values[3:55])
            payment_hash = f"{int(bits[:256], 2):064x}"
        values = values[3 + size:]
    amount = prefix[len(prefix.rstrip("0123456789munp")):]
    factor = {"m": 100_000_000, "u": 100_000, "n": 100}.get(amount[-1])
    msat = int(amount[:-1]) // 10 if amount[-1] == "p" else int(amount[:-1]) * factor if factor else int(amount) * 100_000_000_000
    return payment_hash, msat


def take_fault(call):
    if not os.path.exists(path("faults")):
        return None
    lines = open(path("faults")).read().splitlines()
    for i, line in enumerate(lines):
        if line.split()[0] == call:
            open(path("faults"), "w").write("".join(x + "\n" for x in lines[:i] + lines[i + 1:]))
            return line.split()[1]
    return None


def preimage_of(payment_hash):
    return open(os.path.join(FOLDER, "preimages", payment_hash)).read()


def account_for(payment_hash, msat):
    with open(path("spent"), "a") as spent:
        spent.write(f"{payment_hash} {msat}\n")


def is_time_to_forget():
    if not os.path.exists(path("forget")):
        return False
    os.remove(path("forget"))
    return True


def is_time_to_unstick():
    return os.path.exists(path("unstick"))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def raw(self, status, data):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def send(self, status, value):
        self.raw(status, json.dumps(value).encode() + b"\n")

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(2)

    def cut(self, status, answer, size=50):
        """The first bytes of an answer that declares more."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer[:size])
        self.hang_up()

    def log_message(self, *args):
        pass


def serve(handler):
    """Prints the port; the second argument may give one."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), handler)
    print(server.server_port, flush=True)
    server.serve_forever()

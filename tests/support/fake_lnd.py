#!/usr/bin/env python3
"""lnd's REST server as far as hh-ln uses it, for faults that a real lnd does not show on request. Prints its port, serves until it is ended.

usage: fake_lnd.py FOLDER     FOLDER/preimages/HASH holds the preimage of each invoice that can be paid (see make_invoice)

FOLDER/faults is a file with one fault a line; each send or track takes the first line that is for it and deletes it:
  send close         the connection ends before the request is handled     send paid-close    it is paid, then the connection ends
  send 500           HTTP 500, nothing done                                send paid-500      it is paid, then HTTP 500
  send 200-error     HTTP 200 with an error inside; nothing done           send paid-garbage  it is paid, the answer is no JSON
  send paid-cut      it is paid, the answer is cut off in the middle       send wrong         it is paid, the preimage shown is wrong
  send fail          final failure: no route                               send broke         final failure: insufficient balance
  send stuck         under way until FOLDER/unstick exists                 send fail-stuck    FAILED with an HTLC still out, settles later
  send other         it is paid, the answer is about another payment       send html          HTTP 200 with a web page; nothing done
  track 404          the gateway's own "Not Found", as for an unknown path track 502          a proxy's error
  track close        the connection ends
FOLDER/forget: once it is there, all payments are forgotten, as by `lncli deletepayments --all`, and the file is deleted.
FOLDER/spent gets one line HASH AMOUNT_MSAT each time that money leaves.
"""
import base64
import http.server
import json
import os
import sys
import threading
import time

FOLDER = sys.argv[1]
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
KEY = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
payments = {}
lock = threading.Lock()


def decode(invoice):
    """Payment hash and amount of an invoice; its signature is not this server's business."""
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
    path = os.path.join(FOLDER, "faults")
    if not os.path.exists(path):
        return None
    lines = open(path).read().splitlines()
    for i, line in enumerate(lines):
        if line.split()[0] == call:
            open(path, "w").write("".join(x + "\n" for x in lines[:i] + lines[i + 1:]))
            return line.split()[1]
    return None


def spend(payment):
    payment |= {"status": "SUCCEEDED", "failure_reason": "FAILURE_REASON_NONE", "htlcs": [{"status": "SUCCEEDED"}], "fee_msat": "1000"}
    payment["payment_preimage"] = open(os.path.join(FOLDER, "preimages", payment["payment_hash"])).read()
    with open(os.path.join(FOLDER, "spent"), "a") as spent:
        spent.write(f"{payment['payment_hash']} {payment['value_msat']}\n")


def forget():
    if os.path.exists(os.path.join(FOLDER, "forget")):
        os.remove(os.path.join(FOLDER, "forget"))
        payments.clear()


def settle_stuck():
    if os.path.exists(os.path.join(FOLDER, "unstick")):
        for p in payments.values():
            if p["htlcs"] and p["htlcs"][0]["status"] == "IN_FLIGHT":
                spend(p)


class Lnd(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def raw(self, status, data):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def send(self, status, value):
        self.raw(status, json.dumps(value).encode() + b"\n")

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(2)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v2/router/send":
            return self.send(404, {"code": 5, "message": "Not Found", "details": []})
        with lock:
            fault = take_fault("send")
            self.pay(request, fault)

    def pay(self, request, fault):
        if fault == "close":
            return self.hang_up()
        if fault == "500":
            return self.raw(500, b"internal server error")
        if fault == "html":
            return self.raw(200, b"<html>welcome</html>\n")
        if fault == "200-error":
            return self.send(200, {"error": {"code": 2, "message": "chain backend is still syncing", "details": []}})
        payment_hash, msat = decode(request["payment_request"])
        known = payments.get(payment_hash)
        if known and (known["status"] != "FAILED" or any(h["status"] == "IN_FLIGHT" for h in known["htlcs"])):
            return self.send(409, {"error": {"code": 6, "message": "invoice is already paid", "details": []}})
        payment = {"payment_hash": payment_hash, "value_msat": str(msat), "payment_preimage": "00" * 32, "status": "IN_FLIGHT", "fee_msat": "0", "htlcs": [],
                   "failure_reason": "FAILURE_REASON_NONE", "payment_index": str(len(payments) + 1), "creation_time_ns": str(time.time_ns())}
        payments[payment_hash] = payment
        self.outcome(payment, fault)

    def outcome(self, payment, fault):
        if fault in ("fail", "broke"):
            reason = "FAILURE_REASON_NO_ROUTE" if fault == "fail" else "FAILURE_REASON_INSUFFICIENT_BALANCE"
            payment |= {"status": "FAILED", "failure_reason": reason, "htlcs": [{"status": "FAILED"}]}
        elif fault == "stuck":
            payment["htlcs"] = [{"status": "IN_FLIGHT"}]
        elif fault == "fail-stuck":
            payment |= {"status": "FAILED", "failure_reason": "FAILURE_REASON_TIMEOUT", "htlcs": [{"status": "IN_FLIGHT"}]}
        else:
            spend(payment)
        answer = json.dumps({"result": payment}).encode() + b"\n"
        if fault == "paid-close":
            return self.hang_up()
        if fault == "paid-500":
            return self.raw(500, b"oops")
        if fault == "paid-garbage":
            return self.raw(200, b"\x00\xff garbage\n")
        if fault == "paid-cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer[:50])
            return self.hang_up()
        if fault == "wrong":
            return self.send(200, {"result": payment | {"payment_preimage": "11" * 32}})
        if fault == "other":
            return self.send(200, {"result": payment | {"payment_hash": "22" * 32}})
        self.raw(200, answer)

    def do_GET(self):
        with lock:
            settle_stuck()
            forget()
            self.answer_get(self.path.split("?")[0])

    def answer_get(self, path):
        if path == "/v1/getinfo":
            self.send(200, {"version": "0.21.1-beta", "identity_pubkey": KEY, "synced_to_chain": True, "chains": [{"chain": "bitcoin", "network": "regtest"}]})
        elif path == "/v1/channels":
            self.send(200, {"channels": [{"pending_htlcs": [{"incoming": False, "hash_lock": base64.b64encode(bytes.fromhex(h)).decode()}]} for h, p in payments.items()
                                         if any(x["status"] == "IN_FLIGHT" for x in p["htlcs"])]})
        elif path == "/v1/payments":
            offset = int(dict(x.split("=") for x in self.path.split("?")[1].split("&"))["index_offset"])
            page = [p for p in payments.values() if int(p["payment_index"]) > offset]
            self.send(200, {"payments": page, "last_index_offset": page[-1]["payment_index"] if page else "0"})
        elif path.startswith("/v2/router/track/"):
            self.track(base64.urlsafe_b64decode(path.rsplit("/", 1)[1]).hex())
        else:
            self.send(404, {"code": 5, "message": "Not Found", "details": []})

    def track(self, payment_hash):
        fault = take_fault("track")
        if fault == "close":
            self.hang_up()
        elif fault == "404":
            self.send(404, {"code": 5, "message": "Not Found", "details": []})
        elif fault == "502":
            self.raw(502, b"<html>bad gateway</html>")
        elif payment_hash in payments:
            self.send(200, {"result": payments[payment_hash]})
        else:
            self.send(404, {"error": {"code": 5, "message": "payment isn't initiated", "details": []}})

    def log_message(self, *args):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Lnd)
    print(server.server_port, flush=True)
    server.serve_forever()


main()

#!/usr/bin/env python3
"""lnd's REST server as far as hh-ln uses it, for faults that a real lnd does not show on request. Prints its port, serves until it is ended.

usage: fake_lnd.py FOLDER [PORT]

Faults, one a line in FOLDER/faults:
  send close         the connection ends before the request is handled     send paid-close    it is paid, then the connection ends
  send 500           HTTP 500, nothing done                                send paid-500      it is paid, then HTTP 500
  send 200-error     HTTP 200 with an error inside; nothing done           send paid-garbage  it is paid, the answer is no JSON
  send paid-cut      it is paid, the answer is cut off in the middle       send wrong         it is paid, the preimage shown is wrong
  send fail          final failure: no route                               send broke         final failure: insufficient balance
  send stuck         under way until FOLDER/unstick exists                 send fail-stuck    FAILED with an HTLC still out, settles later
  send other         it is paid, the answer is about another payment       send html          HTTP 200 with a web page; nothing done
  send paid-409      it is paid, the answer is that it exists already      send reordered     it is paid; SUCCEEDED comes first, IN_FLIGHT after it
  send cut-updates   it is paid; IN_FLIGHT comes whole, SUCCEEDED does not send part          one part failed, one is out; the connection ends
  send lie           FAILED without an HTLC, but it is under way until unstuck
  track 404          the gateway's own "Not Found", as for an unknown path track 502          a proxy's error
  track close        the connection ends
The other files of FOLDER: fake_node.py.
"""
import base64
import json
import os
import time

import fake_node

payments = {}


def spend(payment):
    payment |= {"status": "SUCCEEDED", "failure_reason": "FAILURE_REASON_NONE", "htlcs": [{"status": "SUCCEEDED"}], "fee_msat": "1000"}
    payment["payment_preimage"] = fake_node.preimage_of(payment["payment_hash"])
    fake_node.account_for(payment["payment_hash"], payment["value_msat"])


def settle_stuck():
    if fake_node.is_time_to_unstick():
        for p in payments.values():
            if p["htlcs"] and p["htlcs"][0]["status"] == "IN_FLIGHT":
                spend(p)


class Lnd(fake_node.Handler):
    def do_POST(self):
        request = self.body()
        if self.path != "/v2/router/send":
            return self.send(404, {"code": 5, "message": "Not Found", "details": []})
        with fake_node.lock:
            fault = fake_node.take_fault("send")
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
        payment_hash, msat = fake_node.decode(request["payment_request"])
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
        elif fault in ("stuck", "lie"):
            payment["htlcs"] = [{"status": "IN_FLIGHT"}]
        elif fault == "part":
            payment["htlcs"] = [{"status": "IN_FLIGHT"}, {"status": "FAILED"}]
        elif fault == "fail-stuck":
            payment |= {"status": "FAILED", "failure_reason": "FAILURE_REASON_TIMEOUT", "htlcs": [{"status": "IN_FLIGHT"}]}
        else:
            spend(payment)
        answer = json.dumps({"result": payment}).encode() + b"\n"
        before = json.dumps({"result": payment | {"status": "IN_FLIGHT", "payment_preimage": "00" * 32, "htlcs": [{"status": "IN_FLIGHT"}]}}).encode() + b"\n"
        if fault in ("paid-close", "part"):
            return self.hang_up()
        if fault == "paid-409":
            return self.send(409, {"error": {"code": 6, "message": "payment is in transition", "details": []}})
        if fault == "reordered":
            return self.raw(200, answer + before)
        if fault == "cut-updates":
            return self.cut(200, before + answer, len(before) + 50)
        if fault == "lie":
            return self.send(200, {"result": payment | {"status": "FAILED", "failure_reason": "FAILURE_REASON_TIMEOUT", "htlcs": [{"status": "FAILED"}]}})
        if fault == "paid-500":
            return self.raw(500, b"oops")
        if fault == "paid-garbage":
            return self.raw(200, b"\x00\xff garbage\n")
        if fault == "paid-cut":
            return self.cut(200, answer)
        if fault == "wrong":
            return self.send(200, {"result": payment | {"payment_preimage": "11" * 32}})
        if fault == "other":
            return self.send(200, {"result": payment | {"payment_hash": "22" * 32}})
        self.raw(200, answer)

    def do_GET(self):
        with fake_node.lock:
            settle_stuck()
            if fake_node.is_time_to_forget():
                payments.clear()
            self.answer_get(self.path.split("?")[0])

    def answer_get(self, path):
        if path == "/v1/getinfo":
            self.send(200, {"version": "0.21.1-beta", "identity_pubkey": fake_node.KEY, "synced_to_chain": True, "block_height": 114, "chains": [{"chain": "bitcoin", "network": "regtest"}]})
        elif path == "/v1/channels":
            self.send(200, {"channels": [{"pending_htlcs": [{"incoming": False, "hash_lock": base64.b64encode(bytes.fromhex(h)).decode()}]} for h, p in payments.items()
                                         if any(x["status"] == "IN_FLIGHT" for x in p["htlcs"])]})
        elif path == "/v1/transactions":
            made = fake_node.path("transactions")
            self.send(200, {"transactions": json.load(open(made)) if os.path.exists(made) else []})
        elif path == "/v1/payments":
            offset = int(dict(x.split("=") for x in self.path.split("?")[1].split("&"))["index_offset"])
            page = [p for p in payments.values() if int(p["payment_index"]) > offset]
            self.send(200, {"payments": page, "last_index_offset": page[-1]["payment_index"] if page else "0"})
        elif path.startswith("/v2/router/track/"):
            self.track(base64.urlsafe_b64decode(path.rsplit("/", 1)[1]).hex())
        else:
            self.send(404, {"code": 5, "message": "Not Found", "details": []})

    def track(self, payment_hash):
        fault = fake_node.take_fault("track")
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


fake_node.serve(Lnd)

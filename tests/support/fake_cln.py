#!/usr/bin/env python3
"""Core Lightning's clnrest as far as hh-ln uses it, for faults that a real one does not show on request. Prints its port, serves until it is ended.

usage: fake_cln.py FOLDER [PORT]

Faults, one a line in FOLDER/faults. xpay:
  xpay close         the connection ends before the request is handled     xpay paid-close    it is paid, then the connection ends
  xpay 500           HTTP 500 without JSON, nothing done                   xpay paid-500      it is paid, then HTTP 500 without JSON
  xpay error-N       HTTP 500 with error code N; nothing done              xpay paid-error-N  it is paid, then HTTP 500 with error code N
  xpay 201-error     HTTP 201 with an error inside; nothing done           xpay paid-garbage  it is paid, the answer is no JSON
  xpay paid-cut      it is paid, the answer is cut off in the middle       xpay wrong         it is paid, the preimage shown is wrong
  xpay fail          205, its parts failed                                 xpay fail-parts    205 while one part is still out, settles later
  xpay stuck         -1, but under way until FOLDER/unstick exists         xpay rune          401, 1502: the rune does not permit it
  xpay failed-part   205, one more part failed, whatever is under way
  xpay part          one part failed, another under way, then the connection ends: restarted in the middle of a payment of several parts
fetchinvoice:
  offer close        the connection ends                                   offer 502          a proxy's error
  offer rune         401, 1502: the rune does not permit it                offer error-N      HTTP 500 with error code N
  offer more, offer note, offer payee, offer other, offer stale            an invoice over 1000 msat more, with another note, of another payee, for another offer,
                                                                           that expires in a second
  offer bolt11       an invoice that is none of BOLT 12                    offer same         the same invoice as the last time
listpays:
  list flicker       calls everything failed, as before 26.06              list 502           a proxy's error
  list 404           no such command                                       list close         the connection ends
  list empty-object  an object without a list
$HH_MAKE_INVOICE makes the invoices for offers. The other files of FOLDER: fake_node.py. FOLDER/rune holds the rune that is accepted, FOLDER/version the version, if there.
"""
import os
import subprocess
import time

import fake_node

last_invoice = {}  # by offer
parts = []  # of all payments, in order; a part's index is its place here, from 1


def new_part(payment_hash, invoice, msat, status):
    parts.append({"created_index": len(parts) + 1, "id": len(parts) + 1, "groupid": 1, "partid": 1, "payment_hash": payment_hash, "status": status, "amount_msat": msat,
                  "amount_sent_msat": msat + 1000, "created_at": int(time.time()), "bolt12" if invoice.startswith("lni1") else "bolt11": invoice})
    return parts[-1]


def spend(payment_hash, msat):
    for p in parts:
        if p["payment_hash"] == payment_hash and p["status"] == "pending":
            p |= {"status": "complete", "payment_preimage": fake_node.preimage_of(payment_hash)}
    fake_node.account_for(payment_hash, msat)


def settle_stuck():
    if fake_node.is_time_to_unstick():
        for p in [p for p in parts if p["status"] == "pending"]:
            if p["status"] == "pending":
                spend(p["payment_hash"], fake_node.decode(p.get("bolt12") or p["bolt11"])[1])


def pays(payment_hash):
    """As listpays shows them: one entry for each payment."""
    mine = [p for p in parts if p["payment_hash"] == payment_hash]
    if not mine:
        return []
    states = {p["status"] for p in mine}
    good = [p for p in mine if p["status"] != "failed"]
    status = next(s for s in ("complete", "pending", "failed") if s in states)
    entry = {"payment_hash": payment_hash, "status": status, "created_at": mine[0]["created_at"], "created_index": mine[0]["created_index"],
             "amount_sent_msat": sum(p["amount_sent_msat"] for p in good)}
    if good:
        entry["amount_msat"] = sum(p["amount_msat"] for p in good)
    if status == "complete":
        entry["preimage"] = fake_node.preimage_of(payment_hash)
    return [entry]


class Cln(fake_node.Handler):
    def do_POST(self):
        request = self.body()
        method = self.path.removeprefix("/v1/")
        if not self.is_allowed():
            return None
        with fake_node.lock:
            settle_stuck()
            if fake_node.is_time_to_forget():
                parts.clear()
            command = {"getinfo": self.getinfo, "fetchinvoice": self.fetchinvoice, "xpay": self.xpay, "listpays": self.listpays, "listsendpays": self.listsendpays, "listpeerchannels": self.listpeerchannels}.get(method)
            if not command:
                return self.error(404, -32601, f"Unknown command '{method}'")
            return command(request)

    def error(self, status, code, message):
        self.send(status, {"code": code, "message": message, "data": None})

    def is_allowed(self):
        wanted = open(fake_node.path("rune")).read().strip()
        rune = self.headers.get("Rune")
        if rune != wanted:
            self.error(401 if rune else 403, 1501, "Not authorized: " + ("Not derived from master" if rune else "Missing rune"))
        return rune == wanted

    def getinfo(self, _):
        version = open(fake_node.path("version")).read().strip() if os.path.exists(fake_node.path("version")) else "v26.06.6"
        self.send(201, {"id": fake_node.KEY, "alias": "payer", "version": version, "network": "regtest", "blockheight": 114})

    def fetchinvoice(self, request):
        fault = fake_node.take_fault("offer") or ""
        offer, amount, note, expiry, environment = request["offer"], request["amount_msat"], request["payer_note"], 3600, dict(os.environ)
        if fault in ("close", "rune") or fault.startswith("error-"):
            return self.refuses(fault)
        if fault == "502":
            return self.raw(502, b"<html>bad gateway</html>")
        if fault == "more":
            amount += 1000
        if fault == "note":
            note += "0"
        if fault == "payee":
            environment["HH_PAYEE"] = "08" * 32
        if fault == "stale":
            expiry = 1
        if fault == "other":
            offer = self.make(environment | {"HH_PAYEE": "08" * 32}, "offer")
        if fault == "bolt11":
            return self.send(201, {"invoice": self.make(environment, str(amount), "00" * 32, "3600"), "changes": {}})
        if fault != "same":
            last_invoice[request["offer"]] = self.make(environment, "bolt12", offer, str(amount), note, str(expiry))
        return self.send(201, {"invoice": last_invoice[request["offer"]], "changes": {}})

    @staticmethod
    def make(environment, *words):
        return subprocess.run([os.environ["HH_MAKE_INVOICE"], *words], check=True, capture_output=True, timeout=60, text=True, env=environment).stdout.strip()

    def xpay(self, request):
        fault = fake_node.take_fault("xpay") or ""
        invoice = request["invstring"]
        payment_hash, msat = fake_node.decode(invoice)
        if self.refuses(fault):
            return None
        if fault == "failed-part":
            new_part(payment_hash, invoice, msat // 2, "failed")
            return self.error(500, 205, "Failed after 2 attempts")
        known = pays(payment_hash)
        if known and known[0]["status"] == "complete":
            return self.error(500, 219, "Already paid this invoice successfully")
        if known and known[0]["status"] == "pending":
            return self.error(500, -3, "Unexpected injectpaymentonion error 200: Payment with groupid=1 still in progress")
        return self.pay(fault, payment_hash, msat, invoice)

    def refuses(self, fault):
        """Faults that come before anything is done."""
        if fault == "close":
            self.hang_up()
        elif fault == "500":
            self.raw(500, b"internal server error")
        elif fault.startswith("error-"):
            self.error(500, int(fault.removeprefix("error-")), "a fault of the test")
        elif fault == "201-error":
            self.send(201, {"code": -1, "message": "a fault of the test"})
        elif fault == "rune":
            self.error(401, 1502, "Not permitted: invoice parameter invstring_amount is greater or equal to 1")
        else:
            return False
        return True

    def pay(self, fault, payment_hash, msat, invoice):
        if fault == "fail":
            new_part(payment_hash, invoice, msat, "failed")
            return self.error(500, 205, "Failed: could not find a route")
        if fault == "fail-parts":
            new_part(payment_hash, invoice, msat // 2, "failed")
            new_part(payment_hash, invoice, msat, "pending")
            return self.error(500, 205, "Failed after 2 attempts")
        if fault == "part":
            new_part(payment_hash, invoice, msat // 2, "failed")
            new_part(payment_hash, invoice, msat, "pending")
            return self.hang_up()
        new_part(payment_hash, invoice, msat, "pending")
        if fault == "stuck":
            return self.error(500, -1, "Plugin terminated before replying to RPC call.")
        spend(payment_hash, msat)
        return self.answer_paid(fault, payment_hash, msat)

    def answer_paid(self, fault, payment_hash, msat):
        answer = {"payment_preimage": fake_node.preimage_of(payment_hash), "failed_parts": 0, "successful_parts": 1, "amount_msat": msat, "amount_sent_msat": msat + 1000}
        if fault == "paid-close":
            return self.hang_up()
        if fault == "paid-500":
            return self.raw(500, b"oops")
        if fault.startswith("paid-error-"):
            return self.error(500, int(fault.removeprefix("paid-error-")), "a fault of the test")
        if fault == "paid-garbage":
            return self.raw(201, b"\x00\xff garbage\n")
        if fault == "paid-cut":
            return self.cut(201, str(answer).encode())
        if fault == "wrong":
            answer["payment_preimage"] = "11" * 32
        return self.send(201, answer)

    def listpays(self, request):
        fault = fake_node.take_fault("list")
        if fault == "close":
            return self.hang_up()
        if fault == "502":
            return self.raw(502, b"<html>bad gateway</html>")
        if fault == "404":
            return self.error(404, -32601, "Unknown command 'listpays'")
        if fault == "empty-object":
            return self.send(201, {})
        entries = pays(request["payment_hash"])
        if fault == "flicker":
            entries = [{k: v for k, v in e.items() if k != "preimage"} | {"status": "failed"} for e in entries]
        return self.send(201, {"pays": entries})

    def listsendpays(self, request):
        if "payment_hash" in request:
            return self.send(201, {"payments": [p for p in parts if p["payment_hash"] == request["payment_hash"]]})
        page = [p for p in parts if p["created_index"] >= request["start"]]
        return self.send(201, {"payments": page[:request["limit"]]})

    def listpeerchannels(self, _):
        htlcs = [{"direction": "out", "id": p["created_index"], "amount_msat": p["amount_msat"], "expiry": 200, "payment_hash": p["payment_hash"], "state": "SENT_ADD_ACK_REVOCATION"}
                 for p in parts if p["status"] == "pending"]
        self.send(201, {"channels": [{"peer_id": fake_node.KEY, "peer_connected": True, "state": "CHANNELD_NORMAL", "htlcs": htlcs}]})


fake_node.serve(Cln)

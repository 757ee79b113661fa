#!/usr/bin/env python3
"""A node's invoice endpoint (hh-invoice-endpoint(5)) over mutual TLS on a free port of loopback, whose paths are the ways to answer. Prints its port, serves
until it is ended.

usage: invoice_endpoint.py COMMAND CERTIFICATE KEY CLIENT_CA FOLDER [TLS_VERSION]

COMMAND AMOUNT_MSAT DESCRIPTION_HASH EXPIRY_SECONDS prints an invoice (BOLT 11). TLS_VERSION: 1.2 or 1.3 alone. Each request is a line of
FOLDER/asked: path, subject of the client's certificate, body. Each invoice that is made is a line of FOLDER/made.

Paths: /honest and whatever else is not listed; /lost (the first answer for a line never arrives), /more (1000 msat more), /network (of signet), /stale (expires in a
second), /line (for another line), /attempt (for another attempt), /huge (1 MiB), /slow (a byte every tenth of a second), /stuck (head without a body), /redirect (to
/honest), /garbage, /empty, /error (503 with a reason), /gone (404), /once (the same invoice for whatever is asked).
"""
import hashlib
import http.server
import json
import os
import shlex
import ssl
import subprocess
import sys
import threading
import time

lock = threading.Lock()
known = {}  # what was asked -> the invoice that it got


class Endpoint(http.server.BaseHTTPRequestHandler):
    maker = []
    folder = ""

    def note(self, name, line):
        with open(os.path.join(self.folder, name), "a") as out:
            out.write(line + "\n")

    def invoice(self, amount, description, expiry=3600, currency="bcrt"):
        words = self.maker + [str(amount), hashlib.sha256(description.encode()).hexdigest(), str(expiry)]
        made = subprocess.run(words, check=True, capture_output=True, timeout=60, text=True, env=os.environ | {"HH_CURRENCY": currency}).stdout.strip()
        self.note("made", made)
        return made

    def raw(self, status, data, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def give(self, bolt11):
        self.raw(200, json.dumps({"type": "invoice_reply", "v": 1, "bolt11": bolt11}).encode())

    def once(self, key, make):
        """The same invoice each time that the same is asked: whether it is new, and the invoice."""
        with lock:
            new = key not in known
            if new:
                known[key] = make()
            return new, known[key]

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        subject = ",".join("=".join(pair) for part in self.connection.getpeercert()["subject"] for pair in part)
        self.note("asked", f"{self.path} {subject} {body}")
        asked = json.loads(body)
        self.answer(self.path.removeprefix("/"), asked, asked["amount_msat"], asked["description"])

    def answer(self, way, asked, amount, text):
        manifest, line, attempt = asked["manifest_id"], asked["line"], asked["attempt"]
        if way == "more":
            self.give(self.invoice(amount + 1000, text))
        elif way == "network":
            self.give(self.invoice(amount, text, currency="tbs"))
        elif way == "stale":
            self.give(self.invoice(amount, text, 1))
        elif way == "line":
            self.give(self.invoice(amount, f"Hyper Hash payout {manifest}/{line + 1}/{attempt}"))
        elif way == "attempt":
            self.give(self.invoice(amount, f"Hyper Hash payout {manifest}/{line}/{attempt + 1}"))
        elif way == "huge":
            self.give("x" * (1 << 20))
        elif way == "slow":
            self.drip()
        elif way == "stuck":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            time.sleep(30)
        elif way == "redirect":
            self.raw(302, b"", [("Location", f"https://127.0.0.1:{self.server.server_port}/honest")])
        elif way == "garbage":
            self.raw(200, b"\x00\xff<html>")
        elif way == "empty":
            self.raw(200, b"")
        elif way == "error":
            self.raw(503, json.dumps({"type": "error", "v": 1, "status": 503, "reason": "lnd is away"}).encode())
        elif way == "gone":
            self.raw(404, b"404 page not found\n")
        elif way == "once":
            self.give(self.once("once", lambda: self.invoice(amount, text))[1])
        else:
            new, made = self.once((manifest, line, attempt, amount), lambda: self.invoice(amount, text))
            if way == "lost" and new:
                self.close_connection = True
                self.connection.shutdown(2)
            else:
                self.give(made)

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "10000")
        self.end_headers()
        try:
            for _ in range(300):
                self.wfile.write(b" ")
                time.sleep(0.1)
        except OSError:
            self.close_connection = True

    def log_message(self, *args):
        pass


def main():
    command, certificate, key, client_ca, Endpoint.folder = sys.argv[1:6]
    Endpoint.maker = shlex.split(command)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    if len(sys.argv) > 6:
        context.minimum_version = context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[sys.argv[6]]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_port, flush=True)
    server.serve_forever()


main()

#!/usr/bin/env python3
"""An LNURL-pay service (LUD-06, LUD-16) on a free port of loopback, whose users are the ways to answer. Prints its port, serves until it is ended.

usage: lnurl_server.py COMMAND     COMMAND AMOUNT_MSAT DESCRIPTION_HASH EXPIRY_SECONDS prints an invoice (BOLT 11)

Users: honest and whatever else is not listed; more, less (an invoice over 1000 msat more or less), stale (expires in a second), same (always the first invoice), hash
(an invoice with another description hash), huge (2 MiB of metadata), error, nonsense, silent (closes the connection), elsewhere (callback on
another host over http).
"""
import hashlib
import http.server
import json
import shlex
import subprocess
import sys
import threading
import urllib.parse


class Service(http.server.BaseHTTPRequestHandler):
    maker = []
    first = None
    making = threading.Lock()  # several may ask at once

    def invoice(self, amount, description, expiry=3600):
        words = self.maker + [str(amount), description, str(expiry)]
        return subprocess.run(words, check=True, capture_output=True, timeout=60, text=True).stdout.strip()

    def send(self, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def parameters(self, user, metadata):
        host = "http://192.0.2.1" if user == "elsewhere" else f"http://127.0.0.1:{self.server.server_port}"
        return {"tag": "payRequest", "callback": f"{host}/pay/{user}", "minSendable": 1000, "maxSendable": 10**13, "metadata": metadata}

    def pay(self, user, amount, metadata):
        description = hashlib.sha256(metadata.encode()).hexdigest()
        if user == "more":
            return self.invoice(amount + 1000, description)
        if user == "less":
            return self.invoice(amount - 1000, description)
        if user == "stale":
            return self.invoice(amount, description, 1)
        if user == "hash":
            return self.invoice(amount, "00" * 32)
        if user == "same":
            with Service.making:
                Service.first = Service.first or self.invoice(amount, description)
            return Service.first
        return self.invoice(amount, description)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        user = url.path.rsplit("/", 1)[1]
        metadata = json.dumps([["text/plain", "x" * (2 << 20) if user == "huge" else f"mining reward of {user}"]])
        amount = urllib.parse.parse_qs(url.query).get("amount")
        if user == "silent":
            self.connection.close()
        elif user == "error":
            self.send({"status": "ERROR", "reason": "no such user here"})
        elif user == "nonsense":
            self.send(b"<html>hello</html>")
        elif amount:
            self.send({"pr": self.pay(user, int(amount[0]), metadata), "routes": []})
        else:
            self.send(self.parameters(user, metadata))

    def log_message(self, *args):
        pass


def main():
    Service.maker = shlex.split(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    print(server.server_port, flush=True)
    server.serve_forever()


main()

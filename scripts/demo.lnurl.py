#!/usr/bin/env python3
"""An LNURL-pay service (LUD-06) for scripts/demo --real: http://127.0.0.1:PORT/NAME pays NAME, with invoices of an lnd that lncli reaches.

usage: demo.lnurl.py --lncli COMMAND

Takes a free port, prints its base URL, and serves until it is ended.
"""
import argparse
import hashlib
import http.server
import json
import shlex
import subprocess
import urllib.parse


class Service(http.server.BaseHTTPRequestHandler):
    lncli = []

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        name = url.path.strip("/").split("/")[0]
        metadata = json.dumps([["text/plain", f"mining reward of {name}"]])
        amount = urllib.parse.parse_qs(url.query).get("amount")
        if not amount:
            callback = f"http://127.0.0.1:{self.server.server_port}/{name}/pay"
            self.answer({"tag": "payRequest", "callback": callback, "minSendable": 1000, "maxSendable": 10**13, "metadata": metadata})
            return
        description = hashlib.sha256(metadata.encode()).hexdigest()
        command = self.lncli + ["addinvoice", "--amt_msat", str(int(amount[0])), "--description_hash", description]
        invoice = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout)
        self.answer({"pr": invoice["payment_request"], "routes": []})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lncli", required=True)
    Service.lncli = shlex.split(parser.parse_args().lncli)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

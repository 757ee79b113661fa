#!/usr/bin/env python3
"""A door in front of lnd's REST server that closes at one call, so that a test can kill hh-ln there. Prints its port, serves until it is ended.

usage: lnd_gate.py URL PATH before|after FOLDER

Everything is passed on to URL over TLS (unchecked: the test's own lnd on loopback). The first POST to PATH is held for ever, before it is passed on or
after lnd has answered it; FOLDER/held is there from then on.
"""
import http.server
import os
import ssl
import sys
import threading
import urllib.error
import urllib.request

URL, PATH, WHEN, FOLDER = sys.argv[1:]
TLS = ssl._create_unverified_context()
held = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def hold(self):
        open(os.path.join(FOLDER, "held"), "w").close()
        threading.Event().wait()

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_held = self.command == "POST" and self.path == PATH and held.acquire(blocking=False)
        if is_held and WHEN == "before":
            self.hold()
        headers = {name: self.headers[name] for name in ("Grpc-Metadata-macaroon", "Content-Type") if name in self.headers}
        request = urllib.request.Request(URL + self.path, body or None, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, context=TLS) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        if is_held:
            self.hold()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = forward


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()

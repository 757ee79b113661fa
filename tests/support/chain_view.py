#!/usr/bin/env python3
"""A bitcoind that sees exactly the chain that a test wants it to see: getblockchaininfo, getblockheader, getblockhash and nothing else.

  chain_view.py VIEW.json COOKIE_FILE      prints {"rpc_url":…} when it listens on loopback
VIEW.json is read anew for each request: {"chain":"regtest","tip":110,"blocks":{"<height>":"<hash>"}}. A block named there is in the active
chain; with "stale":["<hash>"] a block is known but not in it. Without the file every request is answered by hanging up.
"""
import base64
import http.server
import json
import sys

view_path, cookie_path = sys.argv[1], sys.argv[2]
cookie = "__cookie__:secret-of-a-test"
with open(cookie_path, "w", encoding="utf-8") as f:
    f.write(cookie)


class RpcError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


def answer(view, method, params):
    if method == "getblockchaininfo":
        return {"chain": view["chain"], "blocks": view["tip"], "headers": view["tip"], "initialblockdownload": False}
    if method == "getblockhash":
        if params[0] > view["tip"]:
            raise RpcError(-8, "Block height out of range")
        return view["blocks"].get(str(params[0]), "ff" * 32)
    if method == "getblockheader":
        for height, block in view["blocks"].items():
            if block == params[0]:
                return {"hash": block, "height": int(height), "confirmations": view["tip"] - int(height) + 1}
        if params[0] in view.get("stale", []):
            return {"hash": params[0], "confirmations": -1}
        raise RpcError(-5, "Block not found")
    raise RpcError(-32601, "Method not found")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            with open(view_path, encoding="utf-8") as f:
                view = json.load(f)
        except OSError:
            self.close_connection = True
            return
        status, body = 200, {"result": None, "error": None, "id": request.get("id")}
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(cookie.encode()).decode():
            status = 401
        try:
            body["result"] = answer(view, request["method"], request.get("params", []))
        except RpcError as e:
            status, body["error"] = 500, {"code": e.code, "message": e.message}
        data = json.dumps(body).encode() if status != 401 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"rpc_url": "http://127.0.0.1:%d" % server.server_port}), flush=True)
server.serve_forever()

#!/usr/bin/env python3
"""A miner that only watches: prints each job that the pool sends as a JSON line with the time of its arrival (unix milliseconds).

    job_watch.py PORT USER [SECONDS]      until the pool hangs up ({"closed": …}) or the time is over; connects once
"""
import json
import socket
import sys
import time

import sv1_client as sv1


def now():
    return int(time.time() * 1000)


def main():
    end = time.monotonic() + float(sys.argv[3] if len(sys.argv) > 3 else 3600)
    client = sv1.Client(sys.argv[1])
    client.login(sys.argv[2])
    seen = set()
    while time.monotonic() < end:
        for job in client.jobs:
            if job.id in seen:
                continue
            seen.add(job.id)
            print(json.dumps({"at_ms": now(), "job": job.id, "prev": job.prev[::-1].hex(), "clean": job.clean, "branch": len(job.branch),
                              "ntime": job.ntime}), flush=True)
        client.socket.settimeout(max(end - time.monotonic(), 0.001))
        try:
            if client.read_line() is None:
                print(json.dumps({"at_ms": now(), "closed": True}), flush=True)
                return
        except socket.timeout:
            return


if __name__ == "__main__":
    main()

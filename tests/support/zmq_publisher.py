#!/usr/bin/env python3
"""Publishes as bitcoind's -zmqpubhashblock does, to one subscriber after the other: ZMTP 3.0 (rfc.zeromq.org/spec/23) from its description.

    zmq_publisher.py PORT     each line on stdin, a hash in hex, is one message; prints "subscribed" when a subscriber is ready
"""
import socket
import struct
import sys

GREETING = b"\xff" + bytes(8) + b"\x7f" + bytes([3, 0]) + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)


def take(stream, size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def frame(flags, body):
    return bytes([flags, len(body)]) + body


def read_frame(stream):
    flags, size = take(stream, 2)
    assert not flags & 2, "a long frame"
    return flags, take(stream, size)


def metadata(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    stream, _ = listener.accept()
    stream.sendall(GREETING)
    take(stream, 64)
    stream.sendall(frame(4, b"\x05READY" + metadata(b"Socket-Type", b"PUB")))
    flags, body = read_frame(stream)
    assert flags == 4 and body.startswith(b"\x05READY"), body
    while True:
        flags, body = read_frame(stream)
        if body.startswith(b"\x01hashblock") or b"SUBSCRIBEhashblock" in body:
            break
    print("subscribed", flush=True)
    for count, line in enumerate(sys.stdin):
        stream.sendall(frame(1, b"hashblock") + frame(1, bytes.fromhex(line.strip())) + frame(0, struct.pack("<I", count)))


if __name__ == "__main__":
    main()

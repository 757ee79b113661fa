"""A scripted Stratum V1 miner for tests: says exactly what a test wants, also what no miner should.

    import sv1_client as sv1
    c = sv1.Client(port); c.login("bcrt1q….rig"); job = c.job()
    share = c.mine(job)                 # a share that meets the difficulty
    c.submit(share)                     # -> {"result": true} …
    c.submit(share, ntime="00000000")   # … with one field replaced

It shares no code with the pool: header, coinbase and targets are computed here from the protocol's description.
"""
import hashlib
import itertools
import json
import socket
import struct
import time
from fractions import Fraction

DIFFICULTY_ONE = 0xFFFF << 208


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def target_of(difficulty):
    return int(DIFFICULTY_ONE / Fraction(str(difficulty)))


def target_of_bits(bits):
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    return mantissa << (8 * (exponent - 3)) if exponent > 3 else mantissa >> (8 * (3 - exponent))


class Job:
    def __init__(self, params, difficulty):
        (self.id, prev, self.coinbase1, self.coinbase2, self.branch, version, bits, ntime, self.clean) = params
        self.prev = b"".join(struct.pack("<I", int(prev[i:i + 8], 16)) for i in range(0, 64, 8))
        self.version, self.bits, self.ntime = int(version, 16), int(bits, 16), int(ntime, 16)
        self.difficulty = difficulty


def is_turned_away(port, **options):
    """Whether a new connection is closed before anything is answered; it may be so before it is known to be connected."""
    try:
        return Client(port, **options).read_line() is None
    except ConnectionResetError:
        return True


class Client:
    def __init__(self, port, host="127.0.0.1", timeout=20, source=None, preamble=b"", tls=None):
        """preamble: bytes before anything else, such as a PROXY header. tls: an ssl.SSLContext."""
        self.socket = socket.create_connection((host, int(port)), timeout=timeout, source_address=source and (source, 0))
        self.socket.sendall(preamble)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""
        self.ids = itertools.count(1)
        self.difficulty = None
        self.jobs = []
        self.notices = []
        self.extranonce1 = None
        self.extranonce2_size = None
        self.user = None
        self.extranonce2 = itertools.count(0)

    # ---- lines
    def send_raw(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def read_line(self):
        """The next line as an object; None once the pool has closed."""
        while b"\n" not in self.buffer:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        message = json.loads(line)
        if message.get("method") == "mining.set_difficulty":
            self.difficulty = message["params"][0]
        elif message.get("method") == "mining.notify":
            if message["params"][8]:
                self.jobs.clear()
            self.jobs.append(Job(message["params"], self.difficulty))
        elif "method" in message:
            self.notices.append(message)
        return message

    def request(self, method, params):
        number = next(self.ids)
        self.send_raw(json.dumps({"id": number, "method": method, "params": params}) + "\n")
        return number

    def answer(self, number):
        while True:
            message = self.read_line()
            if message is None:
                raise EOFError("the pool closed the connection")
            if message.get("id") == number and "method" not in message:
                return message

    def call(self, method, *params):
        return self.answer(self.request(method, list(params)))

    def is_closed(self):
        while True:
            if self.read_line() is None:
                return True

    # ---- protocol
    def subscribe(self):
        result = self.call("mining.subscribe", "sv1_client")["result"]
        self.extranonce1, self.extranonce2_size = result[1], result[2]
        return result

    def authorize(self, user, password="x"):
        self.user = self.user or user
        return self.call("mining.authorize", user, password)

    def login(self, user):
        self.subscribe()
        answer = self.authorize(user)
        assert answer["result"] is True, answer

    def job(self):
        """The newest job; waits for the first."""
        while not self.jobs:
            assert self.read_line() is not None, "the pool closed the connection"
        return self.jobs[-1]

    def next_job(self):
        """Waits for another job than those seen."""
        known = self.jobs[-1].id if self.jobs else None
        while not self.jobs or self.jobs[-1].id == known:
            assert self.read_line() is not None, "the pool closed the connection"
        return self.jobs[-1]

    def header(self, job, extranonce2, ntime, nonce, version):
        coinbase = bytes.fromhex(job.coinbase1 + self.extranonce1 + extranonce2 + job.coinbase2)
        root = sha256d(coinbase)
        for node in job.branch:
            root = sha256d(root + bytes.fromhex(node))
        return struct.pack("<I", version) + job.prev + root + struct.pack("<III", ntime, job.bits, nonce)

    def mine(self, job, difficulty=None, version_bits=None, mask=0x1FFFE000, ntime=None, block=None, seconds=60):
        """Parameters of a submit. block True/False: it must (not) meet the block's target as well."""
        target = target_of(difficulty if difficulty is not None else job.difficulty)
        block_target = target_of_bits(job.bits)
        target = max(target, block_target) if difficulty is None else target
        ntime = job.ntime if ntime is None else ntime
        version = job.version if version_bits is None else (job.version & ~mask) | version_bits
        extranonce2 = next(self.extranonce2).to_bytes(self.extranonce2_size, "big").hex()
        start = self.header(job, extranonce2, ntime, 0, version)[:76]
        midstate = hashlib.sha256(start[:64])
        end = time.monotonic() + seconds
        for nonce in range(1 << 32):
            inner = midstate.copy()
            inner.update(start[64:] + struct.pack("<I", nonce))
            value = int.from_bytes(hashlib.sha256(inner.digest()).digest(), "little")
            if value <= target and (block is None or (value <= block_target) == block):
                break
            if nonce % 4096 == 0 and time.monotonic() > end:
                raise TimeoutError("no share found")
        share = [self.user, job.id, extranonce2, f"{ntime:08x}", f"{nonce:08x}"]
        return share if version_bits is None else share + [f"{version_bits:08x}"]

    def find_bad(self, job):
        """A submit whose hash misses the target."""
        target = max(target_of(job.difficulty), target_of_bits(job.bits))
        extranonce2 = next(self.extranonce2).to_bytes(self.extranonce2_size, "big").hex()
        for nonce in range(1 << 32):
            if int.from_bytes(sha256d(self.header(job, extranonce2, job.ntime, nonce, job.version)), "little") > target:
                return [self.user, job.id, extranonce2, f"{job.ntime:08x}", f"{nonce:08x}"]
        raise AssertionError

    NAMES = ["user", "job", "extranonce2", "ntime", "nonce", "version_bits"]

    def submit(self, share, **replaced):
        share = list(share)
        for name, value in replaced.items():
            index = self.NAMES.index(name)
            share[index:index + 1] = [value]
        return self.call("mining.submit", *share)


def code(answer):
    """The error code of an answer; 0 where it was accepted."""
    return 0 if answer["result"] is True else answer["error"][0]

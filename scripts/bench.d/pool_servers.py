"""What scripts/bench.d/pool starts: nodes, pools, and the blocks that are given to the nodes. All of it listens on loopback only.

Each is a context manager that ends what it started, by its process id.
"""
import base64
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

TREASURY = {"dev": "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85",
            "signet": "tb1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqaqh7jw"}
LEAST_DIFFICULTY = "0.00000000023283064365386962890625"  # 2^-32: all but one hash in 65,536 is a share


def find_program(name):
    folder = os.environ.get("HH_BIN") or str(pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "bin")
    path = pathlib.Path(folder) / name
    if not path.exists():
        sys.exit("%s is not built: cmake --preset release && cmake --build --preset release" % path)
    return str(path)


def cache_folder():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "hyperhash"


def find_peer(name):
    """Real software that scripts/peers has built, or that is on PATH; None where it is not there."""
    path = cache_folder() / "peers" / "bin" / name
    return str(path) if path.exists() else shutil.which(name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def most_descriptors():
    """A child may hold as many descriptors as the hard limit lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def wait_for(what, condition, process=None, seconds=60):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if process is not None and process.poll() is not None:
            sys.exit("%s ended with status %d" % (what, process.returncode))
        if time.monotonic() > end:
            sys.exit("%s is not ready after %d s" % (what, seconds))
        time.sleep(0.05)


class Server:
    """Processes with their output in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.processes = []

    def start(self, command, name, env=None):
        out, err = (open(self.folder / (name + suffix), "wb") for suffix in (".out", ".err"))
        with out, err:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=most_descriptors, cwd=self.folder,
                                       env={**os.environ, **(env or {})})
        self.processes.append(process)
        return process

    def pids(self):
        return [p.pid for p in self.processes]

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def first_record(self, name, kind, process):
        def look():
            for line in (self.folder / (name + ".out")).read_text(errors="replace").splitlines():
                if line.startswith('{"type":"%s"' % kind):
                    return json.loads(line)
            return None
        return wait_for(name, look, process)


class Node(Server):
    """A node with HTTP RPC: url, cookie, chain."""

    def rpc(self, method, *params):
        request = urllib.request.Request(self.url, json.dumps({"id": 1, "method": method, "params": list(params)}).encode())
        request.add_header("Authorization", "Basic " + base64.b64encode(self.cookie.read_bytes().strip()).decode())
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)["result"]

    def is_up(self):
        try:
            return self.rpc("getblockcount") is not None
        except (OSError, ValueError):
            return False


class DevNode(Node):
    """hh-devchain. bits: 16 million hashes a block, so that shares seldom are blocks; for a quick run fewer, as they have to be mined first."""
    name, chain, bits = "hh-devchain", "dev", "1e00ffff"

    def __enter__(self):
        process = self.start([find_program("hh-devchain"), "serve", "--datadir", self.folder, "--bits", self.bits, "--mempool-seconds", "0"], "node")
        record = self.first_record("node", "devchain", process)
        self.url, self.cookie = record["rpc_url"], pathlib.Path(record["cookie_file"])
        return self

    def mine(self, count):
        return self.rpc("generatetoaddress", count, TREASURY["dev"])


class QuickDevNode(DevNode):
    bits = "1e0aaaaa"


class SignetNode(Node):
    """bitcoin-node on a private signet: blocks need no signatures, and 5 million hashes."""
    name, chain, bits = "bitcoin-node", "signet", "signet"

    def __enter__(self):
        port = free_port()
        (self.folder / "signet").mkdir()
        process = self.start([find_peer("bitcoin-node"), "-datadir=%s" % self.folder, "-signet", "-signetchallenge=51", "-rpcport=%d" % port, "-server=1", "-listen=0", "-connect=0",
                              "-dnsseed=0", "-discover=0", "-fixedseeds=0", "-printtoconsole=0", "-maxtipage=2000000000", "-ipcbind=unix"], "node")
        self.url, self.cookie = "http://127.0.0.1:%d" % port, self.folder / "signet" / ".cookie"
        wait_for("bitcoin-node", self.is_up, process)
        return self

    def mine(self, count):
        return self.rpc("generatetodescriptor", count, "raw(51)", 1_000_000_000)


class Blocks:
    """A chain of blocks mined once: the first of them every node is given at its start, the others are the new blocks of the runs."""

    def __init__(self, node_class, folder, quick):
        self.start_count = 2 if node_class.chain == "dev" else 20  # bitcoin-node's mining interface wants a few
        count = self.start_count + (1 if quick else 3)
        self.file = cache_folder() / "bench" / ("%s.%s.blocks" % (node_class.chain, node_class.bits))
        self.lines = self.file.read_text().split() if self.file.exists() else []
        if len(self.lines) < count:
            print("mining %d blocks …" % count, file=sys.stderr)
            with node_class(folder / "quarry") as node:
                self.lines = [node.rpc("getblock", block, 0) for block in node.mine(count)]
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text("\n".join(self.lines) + "\n")

    def feed(self, node):
        for line in self.lines[:self.start_count]:
            refused = node.rpc("submitblock", line)
            if refused is not None:
                sys.exit("%s refuses a block of %s: %s; delete that file" % (node.name, self.file, refused))

    def fresh_file(self, folder):
        path = folder / "fresh.blocks"
        path.write_text("\n".join(self.lines[self.start_count:]) + "\n")
        return path


class HhPool(Server):
    name = "hh_pool"

    def __init__(self, folder, node):
        super().__init__(folder)
        self.node = node

    def __enter__(self):
        settings = {"LISTEN": "127.0.0.1:0", "CHAIN": self.node.chain, "TREASURY": TREASURY[self.node.chain], "RPC_URL": self.node.url, "RPC_COOKIE_FILE": str(self.node.cookie),
                    "SPOOL": str(self.folder / "spool.jsonl"), "DIFFICULTY_START": LEAST_DIFFICULTY, "DIFFICULTY_MIN": LEAST_DIFFICULTY, "VARDIFF_SHARES_PER_MINUTE": "0",
                    "LIMITS_CONNECTIONS": "100000", "LOG_LEVEL": "warn"}
        # Its records on stdout are a copy of the spool: read by nobody here, as hh-ledger would read at its own pace.
        process = self.start([find_program("hh-pool"), "serve"], "pool", {"HH_POOL_" + k: v for k, v in settings.items()})
        self.address = self.first_record("pool", "pool", process)["listen"]
        return self

    def load_arguments(self):
        return []


class OnlyAnswers(Server):
    """tests/load/only_answers.cpp: answers and notifies, and does nothing else. What it costs, nobody can be below."""
    name = "only_answers"
    senders = 1

    def __init__(self, folder, node):
        super().__init__(folder)
        self.node = node

    def __enter__(self):
        process = self.start([find_program("only_answers"), self.node.url, self.node.cookie, str(self.senders)], "only_answers")
        self.address = self.first_record("only_answers", "only_answers", process)["listen"]
        return self

    def load_arguments(self):
        return []


class OnlyAnswersByTwo(OnlyAnswers):
    """The same with two threads that send a new notify."""
    name = "only_answers_by_two"
    senders = 2


class SriPool(Server):
    """pool_sv2 on the node's IPC, and translator_sv2 before it for V1 miners, each miner on a channel of its own."""
    name = "sri"
    # The key pair of SRI's own example configurations: it guards nothing here.
    PUBLIC, SECRET = "9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72", "mkDLTBBRxdBv998612qipDYoTK3YUrqLe8uWw7gu3iXbSrn2n"
    SHARES_PER_MINUTE = 20
    HASHRATE = 0.001  # of the weakest miner: so low that every hash is a share

    def __init__(self, folder, node):
        super().__init__(folder)
        self.node = node

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def __enter__(self):
        pool_port, port = free_port(), free_port()
        pool = self.start([find_peer("pool_sv2"), "-c", self.write("pool.toml", POOL_SV2.format(
            public=self.PUBLIC, secret=self.SECRET, port=pool_port, treasury=TREASURY["signet"], shares=self.SHARES_PER_MINUTE, datadir=self.node.folder))], "pool_sv2", QUIET)
        wait_for("pool_sv2", lambda: is_listening(pool_port), pool)
        translator = self.start([find_peer("translator_sv2"), "-c", self.write("translator.toml", TRANSLATOR_SV2.format(
            public=self.PUBLIC, pool_port=pool_port, port=port, hashrate=self.HASHRATE, shares=self.SHARES_PER_MINUTE))], "translator_sv2", QUIET)
        wait_for("translator_sv2", lambda: is_listening(port), translator)
        self.address = "127.0.0.1:%d" % port
        return self

    def load_arguments(self):
        return []


def is_listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


QUIET = {"RUST_LOG": "warn"}  # as hh-pool, which logs warnings only here

POOL_SV2 = """
authority_public_key = "{public}"
authority_secret_key = "{secret}"
cert_validity_sec = 3600
listen_address = "127.0.0.1:{port}"
coinbase_reward_script = "addr({treasury})"
server_id = 1
pool_signature = "bench"
shares_per_minute = {shares}.0
share_batch_size = 10
supported_extensions = []
required_extensions = []

[template_provider_type.BitcoinCoreIpc]
version = 31
network = "signet"
data_dir = "{datadir}"
fee_threshold = 100
min_interval = 5
"""

TRANSLATOR_SV2 = """
downstream_address = "127.0.0.1"
downstream_port = {port}
max_supported_version = 2
min_supported_version = 2
downstream_extranonce2_size = 4
verify_payout = false
aggregate_channels = false
supported_extensions = []
required_extensions = []

[downstream_difficulty_config]
min_individual_miner_hashrate = {hashrate}
shares_per_minute = {shares}.0
enable_vardiff = false
job_keepalive_interval_secs = 60

[[upstreams]]
address = "127.0.0.1"
port = {pool_port}
authority_pubkey = "{public}"
user_identity = "bench"
"""

"""What is measured: each workload by its name, and how one run of it with one peer goes."""

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import peers, process
from .process import Failed, Server

PAYLOAD = 32
LARGE = 4 << 20
# The prefix of gRPC, the tag and the length, and the payload.
BODY = bytes([0, 0, 0, 0, PAYLOAD + 2, 0x0A, PAYLOAD]) + b"x" * PAYLOAD
IDLE = [1_000, 10_000]
COLD_STARTS = 10
SETTLE = 0.5


@dataclass(frozen=True)
class Workload:
    """`kind` is what is done; `figure` is what it is judged by, and where there is one the better."""

    name: str
    text: str
    kind: str
    one_core: bool = False
    callers: int = 1
    connections: int = 1
    size: int = PAYLOAD
    figure: str = "rate"
    unit: str = "per s"

    def needs(self):
        """What a peer must be able to do."""
        return "several" if self.kind == "unary" and self.callers > 1 else self.kind


def pair(name, text, kind, **options):
    """On two cores and, with an s behind its name, on one."""
    return [Workload(name, f"{text}, two cores", kind, **options),
            Workload(f"{name}s", f"{text}, one core", kind, one_core=True, **options)]


UNARY = "unary, 32 B, {} on one connection"
H2LOAD = "h2load, 32 B, {}"
WORKLOADS = [
    *pair("W1", UNARY.format("one caller"), "unary"),
    *pair("W2a", UNARY.format("8 callers"), "unary", callers=8),
    *pair("W2b", UNARY.format("64 callers"), "unary", callers=64),
    *pair("H1", H2LOAD.format("one request at a time"), "h2load"),
    Workload("H8", H2LOAD.format("8 at a time, two cores"), "h2load", callers=8),
    *pair("H64", H2LOAD.format("64 at a time"), "h2load", callers=64),
    Workload("W3a", H2LOAD.format("100 connections with 10 at a time, two cores"), "h2load", callers=10, connections=100),
    Workload("W3b", H2LOAD.format("1,000 connections with one at a time, two cores"), "h2load", connections=1000),
    Workload("W4s", "one stream of messages of 32 B, two cores", "stream", unit="messages/s"),
    Workload("W4b", "one stream of messages of 64 KiB, two cores", "stream", size=64 << 10, figure="MBps", unit="MB/s"),
    *pair("W5", "ping-pong of 32 B on one stream", "bidi"),
    Workload("W6", "unary, 4 MiB, one caller, two cores", "unary", size=LARGE, figure="MBps", unit="MB/s one way"),
]
IDLE_WORKLOAD, COLD_WORKLOAD, ASLEEP_WORKLOAD = "W7", "cold", "asleep"
# What is measured while handlers sleep, by the name of its figures.
ASLEEP = {
    "same": "max_workers − 1 handlers asleep: another call on the connection that began them",
    "other": "max_workers − 1 handlers asleep: a call on another connection",
    "refused": "all handlers asleep: a refusal",
    "health": "all handlers asleep: health",
}
LATE = "late"
BY_NAME = {workload.name: workload for workload in WORKLOADS}
NAMES = [workload.name for workload in WORKLOADS] + [IDLE_WORKLOAD, COLD_WORKLOAD, ASLEEP_WORKLOAD]


def run(peer, workload, seconds, h2load):
    """One run. Figures of processors are microseconds for each call or message; the server's hold the warm-up too."""
    cores = process.one_core() if workload.one_core else process.two_cores()
    with Server(peer, cores) as server:
        if workload.kind == "h2load":
            found = generated(server, workload, seconds, h2load, cores)
        else:
            found = called(peer, server, workload, seconds, cores)
        if not server.is_alive():
            raise Failed("the server has ended")
        return found


def called(peer, server, workload, seconds, cores):
    size = min(workload.size, peer.message_size_max)
    if workload.kind == "stream":
        words = ["stream", peer.stream_counts[workload.size > PAYLOAD], size]
    elif workload.kind == "bidi":
        words = ["bidi", size, seconds]
    else:
        words = ["unary", workload.callers, size, seconds]
    cpu = server.cpu()
    printed = process.output([*peer.client(server.port), *map(str, words)], cores, peer.environment())
    found = json.loads(printed.strip().splitlines()[-1])
    found["client_cpu_us"] = found.pop("client_cpu_s") / found["n"] * 1e6
    found["server_cpu_us"] = (server.cpu() - cpu) / (found["n"] + found.get("n_warm_up", 0)) * 1e6
    return found


def generated(server, workload, seconds, h2load, cores):
    """A run by h2load, which says when its warm-up is over: the server's processors are read then."""
    body = peers.WORK / "body"
    body.write_bytes(BODY)
    milliseconds = round(seconds * 1e3)
    # Until every connection has been made and served.
    warm_up = milliseconds // 4 + workload.connections // 2
    command = [*h2load.command(), "-c", workload.connections, "-m", workload.callers, "-D", f"{milliseconds}ms",
               f"--warm-up-time={warm_up}ms", "-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers",
               f"http://127.0.0.1:{server.port}/perf.Bench/Unary"]
    marks, printed = {}, []
    # It ends by itself; now and then it waits for ever for a connection that the server has closed.
    limit = 10 + 3 * seconds
    for line in process.lines(list(map(str, command)), cores, h2load.environment(), limit):
        printed.append(line)
        for mark in [" started for thread", " over for thread"]:
            if line.startswith("Main benchmark duration is") and mark in line:
                marks[mark] = server.cpu()
    printed = "".join(printed)
    counts = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed", printed)
    data = re.search(r"\((\d+)\) data", printed)
    if len(marks) != 2 or not counts or not data:
        raise Failed("h2load has printed something else")
    done, succeeded, failed = map(int, counts.groups())
    if failed or not succeeded:
        raise Failed(f"{failed} of {done} requests have failed")
    # A reply without its message would be quick: the data are counted.
    if int(data[1]) < succeeded * len(BODY):
        raise Failed("replies lack their messages")
    latency = re.search(r"time for request:\s+(\S+)\s+(\S+)\s+(\S+)", printed)
    begun, ended = marks.values()
    return {"n": succeeded, "secs": seconds, "rate": succeeded / seconds, "max_us": microseconds(latency[2]),
            "mean_us": microseconds(latency[3]), "server_cpu_us": (ended - begun) / succeeded * 1e6}


def microseconds(text):
    number, unit = re.match(r"([\d.]+)(\w+)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def idle(peer, counts=None):
    """Memory, threads and files of a server with so many connections that do nothing."""
    kind = "http2" if "h2load" in peer.does else "tcp"
    with Server(peer, process.two_cores()) as server:
        time.sleep(SETTLE)
        fresh, _ = server.memory()
        found = {"fresh_kib": fresh, "fresh_threads": server.threads(), "fresh_files": server.files()}
        for count in counts or IDLE:
            command = [sys.executable, Path(__file__).with_name("idle.py"), str(server.port), str(count), kind]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
                try:
                    ready = int(clients.stdout.readline() or 0)
                    time.sleep(SETTLE)
                    if not server.is_alive():
                        found[f"note_{count}"] = "the server has ended"
                        break
                    memory, _ = server.memory()
                    found[f"threads_{count}"], found[f"files_{count}"] = server.threads(), server.files()
                    if ready >= 0.9 * count:
                        found[f"kib_{count}"] = (memory - fresh) / ready
                    if ready < count:
                        found[f"note_{count}"] = f"{ready} were served"
                finally:
                    clients.kill()
        return found


def cold(peer):
    """The time of a process that makes one call, from its start to its end, in milliseconds; and on processors."""
    with Server(peer, process.two_cores()) as server:
        command = [*peer.client(server.port), "once", str(PAYLOAD)]
        taken = [process.spent(command, process.two_cores(), peer.environment()) for _ in range(COLD_STARTS)]
        return {"ms": min(wall for wall, _ in taken) * 1e3, "client_cpu_ms": min(cpu for _, cpu in taken) * 1e3}


def asleep(program):
    """How long calls take while handlers sleep: of each kind the longest one and the median, in milliseconds."""
    return json.loads(process.output(program.command(), process.two_cores(), program.environment()))

"""How latency and memory grow with what there is more of: callers, connections, bytes, methods."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import peers, process
from .peers import OURS, RAW
from .process import Server
from .workloads import PAYLOAD, SETTLE

CALLERS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
CONNECTIONS = [1, 10, 100, 1_000, 10_000]
# The largest is what fits with its tag and its length into a message of 64 MiB.
SIZES = [0, 64, 1 << 10, 16 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, (64 << 20) - 64]
METHODS = [1, 10, 100, 1_000]
# What may be held for each of them beyond the fresh server, in KiB.
CALLER_KIB, CONNECTION_KIB, METHOD_KIB = 16, 6, 1
# The part of raw TCP's speed that large messages are to reach.
PART_OF_RAW = 0.6


@dataclass
class Series:
    """Points of one line: what there is more of, and the figure of each round."""

    points: dict = field(default_factory=dict)

    def add(self, x, value):
        self.points.setdefault(x, []).append(value)


@dataclass(frozen=True)
class Axis:
    """What there is more of; `expected` says in words what the two expected lines are, `why` what stands in their way."""

    name: str
    title: str
    values: list
    expected: tuple[str, str]
    why: str = ""


AXES = [
    Axis("callers", "callers on one connection", CALLERS,
         ("p50 of one caller × callers", f"that of one caller and {CALLER_KIB} KiB for each"),
         why="The server allows 100 calls at a time on one connection. Beyond that a caller waits twice, for its turn and for "
         "its reply, and is woken twice, so that 256 callers make fewer calls than 100; a channel of several connections "
         "(`connections`) or a server that allows more has no such step."),
    Axis("connections", "connections, of which one is used", CONNECTIONS,
         ("that of one connection", f"that of one and {CONNECTION_KIB} KiB for each")),
    Axis("size", "bytes of payload, each way", SIZES,
         (f"that of 0 bytes and raw TCP's beyond that, divided by {PART_OF_RAW}",
          "that of 0 bytes, and the message twice"),
         why="Each side copies a payload three times more than raw TCP: into the message that is sent, out of the buffer that "
         "was read into, and into the field that the method gets. Those copies are a third of a call of 256 KiB. Its time "
         "differs from process to process by up to two (140 to 350 µs), and neither page faults nor switches of threads "
         "tell the quick from the slow. A server that echoes holds a message as it came, as a field, and as it goes, and "
         "for a while the buffers of the last one."),
    Axis("methods", "methods of the service", METHODS,
         ("that of one method", f"that of one and {METHOD_KIB} KiB for each")),
]


class Methods(peers.Crate):
    """Our server and client of a service with so many methods."""

    def __init__(self, count):
        server = ["methods-server", "PORT", str(count)]
        super().__init__(OURS, "bench-methods", server, ["methods-client", "PORT", str(count)])


def measure(axis, value, seconds):
    """One run at a point: p50 in microseconds and the resident KiB of the server, at most where it varies."""
    ours, raw = crate(OURS), crate(RAW)
    if axis.name == "callers":
        return {OURS: called(ours, value, PAYLOAD, seconds)}
    if axis.name == "connections":
        return {OURS: among_idle(ours, value, seconds)}
    if axis.name == "size":
        return {OURS: called(ours, 1, value, seconds), RAW: called(raw, 1, value, seconds)}
    return {OURS: called(Methods(value), 1, PAYLOAD, seconds)}


def crate(name):
    [found] = [peer for peer in peers.every() if peer.name == name]
    return found


def prepare(names):
    for peer in [crate(OURS), crate(RAW), *([Methods(1)] if "methods" in names else [])]:
        peer.prepare()


def called(peer, callers, size, seconds):
    with Server(peer, process.one_core()) as server:
        found = client(peer, server, callers, size, seconds)
        return found["p50_us"], server.memory()[1]


def among_idle(peer, count, seconds):
    """One of the connections is the client's."""
    with Server(peer, process.one_core()) as server:
        command = [sys.executable, Path(__file__).with_name("idle.py"), str(server.port), str(count - 1), "http2"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as idle:
            try:
                ready = int(idle.stdout.readline() or 0)
                if ready < count - 1:
                    raise process.Failed(f"{ready} of {count - 1} connections were served")
                time.sleep(SETTLE)
                found = client(peer, server, 1, PAYLOAD, seconds)
                return found["p50_us"], server.memory()[0]
            finally:
                idle.kill()


def client(peer, server, callers, size, seconds):
    words = ["unary", callers, size, seconds]
    printed = process.output([*peer.client(server.port), *map(str, words)], process.one_core(), peer.environment())
    return json.loads(printed.strip().splitlines()[-1])


def expected(axis, medians):
    """The expected latencies and memories at the points where there are some; `medians` are those of ours and of the control."""
    latency, memory = medians[OURS]
    if not latency:
        return {}, {}
    first = min(latency)
    if axis.name == "callers":
        return {x: latency[first] * x for x in latency}, {x: memory[first] + CALLER_KIB * x for x in memory}
    if axis.name == "size":
        raw = medians[RAW][0]
        times = {x: latency[first] + max(raw[x] - raw[first], 0) / PART_OF_RAW for x in latency if x in raw and first in raw}
        return times, {x: memory[first] + 2 * x / 1024 for x in memory}
    each = CONNECTION_KIB if axis.name == "connections" else METHOD_KIB
    return {x: latency[first] for x in latency}, {x: memory[first] + each * x for x in memory}

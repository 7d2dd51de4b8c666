#!/usr/bin/env python3
"""gRPC's interoperability tests: ours against others, both ways, plain and over TLS. `make interop`.

    matrix.py BINARIES [PEER ...]

BINARIES is the folder of grpc-interop-client and grpc-interop-server; a PEER is one of those below, all without any.
Every pair with ours on at least one side runs every case; a case runs in a process of its own, for 60 seconds at most.
Prints a table and fails unless every cell is green, but for those that the peers' files name, with the reason.
"""

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time

from peers import peer
from peers.ours import Ours
from peers.cpp import Cpp
from peers.javascript import JavaScript
from peers.python import Python
from peers.tonic import Tonic

TIME_LIMIT = 60
# Cells that pass when all peers run; fewer would mean that a peer's list of what it cannot do has grown.
GREEN = 374
OTHERS = [Python, Tonic, Cpp, JavaScript]


@dataclasses.dataclass
class Pair:
    server: peer.Peer
    client: peer.Peer
    tls: bool
    green: list[str] = dataclasses.field(default_factory=list)
    grey: dict[str, str] = dataclasses.field(default_factory=dict)
    red: dict[str, str] = dataclasses.field(default_factory=dict)

    def title(self):
        return f"{self.client.name} → {self.server.name}, {'TLS' if self.tls else 'plain'}"


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def environment(extra):
    # The last one chooses the threads of our side, see docs/architecture.md.
    kept = {name: os.environ[name] for name in ["PATH", "HOME", "RUST_GRPC_THREADS"] if name in os.environ}
    return {**kept, **extra}


def start(server, tls):
    """Starts a server and waits until it accepts connections."""
    port = free_port()
    command, extra, folder = server.server(port, tls)
    log = peer.WORK / f"{server.name}-server.log"
    # Its standard input stays open: some servers stop when it ends.
    process = subprocess.Popen(
        command, env=environment(extra), cwd=folder, stdin=subprocess.PIPE, stdout=log.open("w"), stderr=subprocess.STDOUT
    )
    until = time.monotonic() + TIME_LIMIT
    while True:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
            return process, port
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{server.name}: the server did not start:\n{log.read_text()}")
            time.sleep(0.05)


def stop(process):
    process.stdin.close()
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(pair):
    """Runs every case of a pair against one server."""
    process, port = start(pair.server, pair.tls)
    try:
        for case in peer.CASES:
            reason = pair.client.lacks_client.get(case) or pair.server.lacks_server.get(case)
            if reason:
                pair.grey[case] = reason
                continue
            command, extra, folder = pair.client.client(port, case, pair.tls)
            try:
                ended = subprocess.run(
                    command, env=environment(extra), cwd=folder, timeout=TIME_LIMIT, capture_output=True, text=True
                )
                if pair.client.passed(case, ended):
                    pair.green.append(case)
                else:
                    pair.red[case] = (ended.stdout + ended.stderr)[-2000:] or f"exit {ended.returncode}"
            except subprocess.TimeoutExpired:
                pair.red[case] = f"not done after {TIME_LIMIT} s"
    finally:
        stop(process)


def show(pairs):
    """A row for each case, a column for each pair; then the reasons and the failures."""
    marks = {}
    for pair in pairs:
        marks.update({(pair.title(), case): "ok" for case in pair.green})
        marks.update({(pair.title(), case): "-" for case in pair.grey})
        marks.update({(pair.title(), case): "FAILED" for case in pair.red})
    for number, pair in enumerate(pairs, 1):
        print(f"{number:2}  {pair.title()}: {len(pair.green)} ok, {len(pair.red)} failed, {len(pair.grey)} cannot be had")
    width = max(len(case) for case in peer.CASES)
    print("\n" + " " * width + "".join(f"{number:>7}" for number in range(1, len(pairs) + 1)))
    for case in peer.CASES:
        print(f"{case:{width}}" + "".join(f"{marks[pair.title(), case]:>7}" for pair in pairs))
    reasons = {}
    for pair in pairs:
        for case, reason in pair.grey.items():
            reasons.setdefault(reason, set()).add(case)
    for reason, cases in sorted(reasons.items()):
        print(f"-  {reason}: {', '.join(sorted(cases))}")
    for pair in pairs:
        for case, words in pair.red.items():
            print(f"\nFAILED {pair.title()}: {case}\n{words}")


def main():
    binaries = pathlib.Path(sys.argv[1]).resolve()
    wanted = sys.argv[2:]
    ours = Ours(binaries)
    others = [other() for other in OTHERS if not wanted or other.name in wanted]
    unknown = set(wanted) - {other.name for other in OTHERS}
    if unknown:
        sys.exit(f"no peer {', '.join(sorted(unknown))}: expected some of {', '.join(other.name for other in OTHERS)}")
    peer.WORK.mkdir(parents=True, exist_ok=True)
    pairs = []
    for other in [ours, *others]:
        other.prepare()
        for tls in [False, True]:
            sides = [(ours, ours)] if other is ours else [(ours, other), (other, ours)]
            pairs += [Pair(server, client, tls) for server, client in sides]
    for pair in pairs:
        print(f"== {pair.title()}", file=sys.stderr, flush=True)
        run(pair)
    show(pairs)
    cells = sum(len(pair.green) + len(pair.red) + len(pair.grey) for pair in pairs)
    green = sum(len(pair.green) for pair in pairs)
    print(f"\n{green} of {cells} cells passed, {sum(len(pair.red) for pair in pairs)} failed")
    if not wanted and green != GREEN:
        sys.exit(f"expected {GREEN} cells that pass, got {green}")
    sys.exit(1 if any(pair.red for pair in pairs) or cells != len(pairs) * len(peer.CASES) else 0)


if __name__ == "__main__":
    main()

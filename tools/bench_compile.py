#!/usr/bin/env python3
"""How long 500 messages take to compile, ours beside prost's in one run: `make bench-compile`.

A .proto file of mixed shapes, the same every time, is generated once; what is timed is rustc on the generated code, in
turn, some rounds: with the runtime built already, and with everything built anew. Writes its section of
docs/benchmarks/messages.md after each round, so that a run that is broken off leaves what it has. `--messages` and
`--no-anew` make it shorter where the machine is shared.
"""

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import benchmark_page

ROOT = benchmark_page.ROOT
WORK = ROOT / "target" / "bench-compile"
MESSAGES = 500
SEED = 20
SCALARS = [
    "string", "int32", "int64", "uint32", "uint64", "bool", "double", "bytes", "float", "sint64", "fixed64", "string",
]
KEYS = ["string", "uint32", "int64"]
WORDS = ["name", "title", "owner", "count", "size", "state", "start", "limit", "label", "region", "source", "version"]
PACKAGES = {
    "rust-grpc": "rust-grpc",
    "rust-grpc-plain": "rust-grpc, `descriptor=no`: no reflection, JSON and text",
    "prost": "prost",
    "prost-json": "prost with pbjson",
}
# The ratios that are told.
RATIOS = [("rust-grpc", "prost"), ("rust-grpc-plain", "prost"), ("rust-grpc", "prost-json")]
WITH_JSON = ("rust-grpc", "prost-json")
DEPENDENCIES = {
    "prost": 'prost = "=0.14.6"\n',
    "prost-json": 'prost = "=0.14.6"\npbjson = "=0.9.0"\nserde = "=1.0.229"\nserde_json = "=1.0.154"\n',
}
# What is timed: its name, the arguments of cargo, whether the dependencies are built anew, and for whom.
STEPS = [
    ("`cargo check`", ["check", "--lib"], False, tuple(PACKAGES)),
    ("`cargo build --release` of the library", ["build", "--release", "--lib"], False, tuple(PACKAGES)),
    ("the same and a program that encodes and decodes each message", ["build", "--release", "--bin", "binary"], False,
     ("rust-grpc", "rust-grpc-plain", "prost")),
    ("the library and a program that prints and parses the JSON of each message, too",
     ["build", "--release", "--bin", "json"], False, WITH_JSON),
    ("`cargo check`, all anew", ["check", "--lib"], True, tuple(PACKAGES)),
    ("`cargo build --release` with the first program, all anew", ["build", "--release", "--bin", "binary"], True,
     ("rust-grpc", "rust-grpc-plain", "prost")),
]


class Schema:
    """The .proto file; only `random()` is asked, whose numbers are the same in every version of Python."""

    def __init__(self, messages):
        self.random = random.Random(SEED)
        self.messages = messages
        self.names = []
        # Those that others hold: each holds none itself, or else sizes would double from message to message.
        self.leaves = []
        self.lines = ['syntax = "proto3";', "package bench;", ""]
        self.enums = 0

    def below(self, end):
        return int(self.random.random() * end)

    def pick(self, items):
        return items[self.below(len(items))]

    def write(self):
        while len(self.names) < self.messages:
            if self.below(10) == 0:
                self.enum()
            self.message("", f"Message{len(self.names)}", self.below(4) == 0)
        return "\n".join(self.lines) + "\n"

    def enum(self):
        name = f"Enum{self.enums}"
        self.enums += 1
        numbers = range(3 + self.below(6))
        values = [f"  {name.upper()}_{self.pick(WORDS).upper()}_{number} = {number};" for number in numbers]
        self.lines += [f"enum {name} {{", *values, "}", ""]

    def message(self, outer, name, is_leaf):
        self.lines += [f"// Says what {name} is.", f"message {name} {{"]
        nested = None
        if not is_leaf and self.below(8) == 0 and len(self.names) + 1 < self.messages:
            nested = f"Part{self.below(3)}"
            self.message(f"{name}.", nested, True)
        for number in range(1, 3 + self.below(14)):
            self.lines.append(f"  {self.declaration(nested, is_leaf)} {self.pick(WORDS)}_{number} = {number};")
        if not is_leaf and self.below(6) == 0:
            members = [f"    {self.type()} choice_{number} = {number};" for number in range(20, 22 + self.below(4))]
            self.lines += ["  oneof choice {", *members, "  }"]
        self.lines += ["}", ""]
        self.names.append(outer + name)
        if is_leaf:
            self.leaves.append(outer + name)

    def declaration(self, nested, is_leaf):
        kind = self.below(12 if is_leaf else 20)
        if kind < 8:
            return self.pick(SCALARS)
        if kind < 10:
            return f"optional {self.pick(SCALARS)}"
        if kind < 12:
            return f"repeated {self.pick(SCALARS)}"
        if kind < 13:
            return f"map<{self.pick(KEYS)}, {self.type()}>"
        if kind < 15:
            return f"repeated {self.type()}"
        return nested or self.type()

    def type(self):
        kind = self.below(10)
        if kind < 6 and self.leaves:
            return f".bench.{self.pick(self.leaves)}"
        if kind < 8 and self.enums:
            return f".bench.Enum{self.below(self.enums)}"
        return self.pick(SCALARS)


def rust_path(name):
    """`Message3.Part0` is `message3::Part0` in both."""
    *outer, last = name.split(".")
    return "::".join(["proto", "bench", *[part.lower() for part in outer], last])


def write_packages(schema):
    """A library of the generated code and a program that uses all of it, for each generator."""
    shutil.rmtree(WORK / "packages", ignore_errors=True)
    proto = WORK / "proto" / "messages.proto"
    proto.parent.mkdir(parents=True, exist_ok=True)
    proto.write_text(schema.write())
    generator = ["cargo", "run", "--quiet", "--manifest-path", ROOT / "benches" / "compile" / "Cargo.toml", "--"]
    subprocess.run([*generator, proto, WORK / "generated"], check=True)
    for package in PACKAGES:
        folder = WORK / "packages" / package
        (folder / "src" / "bin").mkdir(parents=True)
        dependencies = DEPENDENCIES.get(package, f'rust-grpc = {{ path = "{ROOT / "runtime"}" }}\n')
        package_table = '[package]\nname = "messages"\nversion = "0.1.0"\nedition = "2024"\n'
        (folder / "Cargo.toml").write_text(f"[workspace]\n{package_table}[dependencies]\n{dependencies}")
        shutil.copytree(WORK / "generated" / package, folder / "src" / "proto")
        (folder / "src" / "lib.rs").write_text(library(package))
        (folder / "src" / "bin" / "binary.rs").write_text(program(package, schema.names, BINARY))
        if package in WITH_JSON:
            (folder / "src" / "bin" / "json.rs").write_text(program(package, schema.names, JSON))


def is_ours(package):
    return package not in DEPENDENCIES


def library(package):
    if is_ours(package):
        return "pub mod proto;\n"
    files = ["bench.rs", "bench.serde.rs"] if package == "prost-json" else ["bench.rs"]
    includes = "".join(f'        include!("proto/{file}");\n' for file in files)
    return f"pub mod proto {{\n    pub mod bench {{\n{includes}    }}\n}}\n"


# What a program does with bytes, as `again`: encoding and decoding, and JSON besides.
BINARY = {
    True: ("M: Message", "M::decode(bytes).map_or(0, |message| message.encode_to_vec().len())"),
    False: ("M: Message + Default", "M::decode(bytes).map_or(0, |message| message.encode_to_vec().len())"),
}
JSON = {
    True: ("M: Message + rust_grpc::message::Json", "M::decode(bytes).map_or(0, |message| M::from_json(&message.to_json().unwrap()).unwrap()"
           ".encode_to_vec().len())"),
    False: ("M: Message + Default + serde::Serialize + for<'d> serde::Deserialize<'d>",
            "M::decode(bytes).map_or(0, |message| serde_json::from_str::<M>(&serde_json::to_string(&message).unwrap())"
            ".unwrap().encode_to_vec().len())"),
}


def program(package, names, does):
    bound, expression = does[is_ours(package)]
    calls = [f"    total += again::<messages::{rust_path(name)}>(&bytes);" for name in names]
    return "\n".join([
        f"use {'rust_grpc' if is_ours(package) else 'prost'}::Message;", "",
        f"fn again<{bound}>(bytes: &[u8]) -> usize {{", f"    {expression}", "}", "", "fn main() {",
        "    let bytes = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();", "    let mut total = 0;", *calls,
        '    println!("{total}");', "}", "",
    ])


def cargo(package, *arguments, target="target"):
    """Both of ours share a folder, where the runtime is built once for the two."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(WORK / target / folder_of(package))}
    folder = WORK / "packages" / package
    subprocess.run(["cargo", *arguments, "--quiet"], cwd=folder, env=environment, check=True)


def folder_of(package):
    return "rust-grpc" if is_ours(package) else package


def seconds(package, arguments, anew):
    """The time on the clock and on the processors of one run."""
    target = "target-anew" if anew else "target"
    if anew:
        shutil.rmtree(WORK / target / folder_of(package), ignore_errors=True)
    else:
        cargo(package, "clean", "--package", "messages")
        cargo(package, "clean", "--package", "messages", "--release")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    cargo(package, *arguments, target=target)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(rounds, steps):
    """What was taken so far, after each round."""
    for package in PACKAGES:
        cargo(package, "check", "--lib")
        cargo(package, "build", "--release", "--lib")
    taken = {}
    for turn in range(rounds):
        for step in steps:
            name, arguments, anew, packages = STEPS[step]
            first = turn % len(packages)
            for package in packages[first:] + packages[:first]:
                taken.setdefault((step, package), []).append(seconds(package, arguments, anew))
                wall, processor = taken[step, package][-1]
                print(f"{name}: {package}: {wall:.1f} s ({processor:.1f} s)", flush=True)
        yield turn + 1, taken


def rows(taken):
    """Medians; a ratio is the median of the rounds' ratios."""
    ratios = [f"{PACKAGES[ours].split(':')[0]} : {PACKAGES[theirs]}" for ours, theirs in RATIOS]
    yield "| | " + " | ".join([*PACKAGES.values(), *ratios]) + " |"
    yield "|---" * (len(PACKAGES) + len(RATIOS) + 1) + "|"
    for step in sorted({step for step, _ in taken}):
        cells = []
        for package in PACKAGES:
            rounds = taken.get((step, package))
            wall, processor = (statistics.median(values) for values in zip(*rounds)) if rounds else (None, None)
            cells.append(f"{wall:.1f} s ({processor:.1f} s)" if rounds else "")
        for ours, theirs in RATIOS:
            pairs = list(zip(taken.get((step, ours), []), taken.get((step, theirs), [])))
            cells.append(f"{statistics.median(one[1] / other[1] for one, other in pairs):.2f}" if pairs else "")
        yield f"| {STEPS[step][0]} | " + " | ".join(cells) + " |"


def lines_of_code(package):
    return sum(len(path.read_text().splitlines()) for path in (WORK / "generated" / package).rglob("*.rs"))


def section(schema, taken, rounds, load):
    lines = ", ".join(f"{lines_of_code(package):,} of {name}" for package, name in PACKAGES.items())
    return "\n".join([
        "## Compile time", "",
        f"{len(schema.names)} messages and {schema.enums} enums of mixed shapes in one file of {len(schema.lines):,} "
        f"lines; generated lines: {lines}.",
        "prost's derive makes the code of its messages while they compile, and its codecs are generic: they compile with "
        "the program that uses them. pbjson gives prost JSON, which rust-grpc has by default, besides text and reflection.",
        "The dependencies are built already, but for \"all anew\".",
        "Seconds on the clock, in brackets those of the processors, of which the ratio is.", "",
        *rows(taken), "",
        f"{benchmark_page.machine()}; {benchmark_page.rustc()}; rust-grpc at {benchmark_page.commit()}, prost "
        f"0.14.6, pbjson 0.9.0; cargo's own profiles; {rounds} rounds in turn, medians; load {load:.1f} when it began; "
        "`make bench-compile`.",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--no-anew", action="store_true", help="leaves out what is built with its dependencies")
    arguments = parser.parse_args()
    load = benchmark_page.load()
    schema = Schema(arguments.messages)
    write_packages(schema)
    steps = [step for step, (_, _, anew, _) in enumerate(STEPS) if not (anew and arguments.no_anew)]
    for rounds, taken in measure(arguments.rounds, steps):
        text = section(schema, taken, rounds, load)
        benchmark_page.write_section("compile", text)
    print(text)


if __name__ == "__main__":
    main()

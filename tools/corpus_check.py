"""Compiles what `make corpus` generated: `cargo check` with warnings denied, in crates that this much memory holds.

A crate takes files of a run until it is full, and with each file all that it imports: names depend on a file and its
imports alone, so the code of a file is the same in every crate, and an import that several crates need stands in each.
"""

import os
import re
import resource
import shutil
import subprocess
import time

import descriptors
import toolbox

WORK = toolbox.ROOT / "target" / "corpus"
CRATES = WORK / "crates"
# rustc needs about 180 bytes for each byte of generated code.
CRATE_BYTES = 14_000_000
# Crates that are checked at a time: 8 GB are enough for them.
JOBS_MAX = 2
WORDS_MAX = 20_000


class Clock:
    """Seconds by the wall, and of all processors, that are spent in programs while it is entered."""

    def __init__(self):
        self.wall = self.processors = 0.0

    def __enter__(self):
        self.started = time.monotonic(), processors()

    def __exit__(self, *_):
        self.wall += time.monotonic() - self.started[0]
        self.processors += processors() - self.started[1]

    def __str__(self):
        return f"{self.wall:.1f} ({self.processors:.1f})"

    def add(self, other):
        self.wall += other.wall
        self.processors += other.processors


def processors():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Chunk:
    """Files of one run that go into one crate, and the file with their modules."""

    def __init__(self, tree, size):
        self.tree = tree
        self.size = size


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def chunks(files, sizes, out, module_tree):
    """The files of a run in chunks; `sizes` has a file's bytes, `module_tree` makes the modules of some files."""
    made, members = [], set()

    def close():
        path = out / f"@{len(made)}.rs"
        path.write_bytes(module_tree(members))
        made.append(Chunk(path, total(members, sizes)))

    for name in sorted(sizes):
        needed = descriptors.closure([name], files) & sizes.keys()
        if members and total(members | needed, sizes) > CRATE_BYTES:
            close()
            members = set()
        members |= needed
    if members:
        close()
    return made


def total(names, sizes):
    return sum(sizes[name] for name in names)


def crates(found):
    """Chunks that are small share a crate."""
    made = []
    for chunk in found:
        if not made or sum(chunk.size for chunk in made[-1]) + chunk.size > CRATE_BYTES:
            made.append([])
        made[-1].append(chunk)
    return made


def check(tree, found):
    """Compiles the chunks of a tree; what did not compile, with its errors."""
    if not found:
        return []
    folder = fresh(CRATES / tree)
    members = []
    for number, content in enumerate(crates(found)):
        name = f"{tree}-{number}"
        (folder / name / "src").mkdir(parents=True)
        modules = [f'pub mod part_{part} {{ include!("{chunk.tree}"); }}\n' for part, chunk in enumerate(content)]
        (folder / name / "src" / "lib.rs").write_text("#![deny(warnings)]\n\n" + "".join(modules))
        (folder / name / "Cargo.toml").write_text(
            f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2024"\n\n'
            f'[dependencies]\nrust-grpc = {{ path = "{toolbox.ROOT / "runtime"}" }}\n'
        )
        members.append(name)
    listed = ", ".join(f'"{name}"' for name in members)
    (folder / "Cargo.toml").write_text(f'[workspace]\nresolver = "3"\nmembers = [{listed}]\n')
    shutil.copy(toolbox.ROOT / "Cargo.lock", folder / "Cargo.lock")
    jobs = min(JOBS_MAX, os.cpu_count())
    command = ["cargo", "check", "--quiet", "--workspace", "--keep-going", f"-j{jobs}", "--target-dir", WORK / "target"]
    environment = os.environ | {"CARGO_INCREMENTAL": "0"}
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if ended.returncode == 0:
        return []
    first, *others = re.findall(r"could not compile `([^`]+)`", ended.stderr) or ["cargo check"]
    return [f"{first}:\n{ended.stderr[:WORDS_MAX]}", *(f"{name}: as above" for name in others)]


def memory_max():
    """The most memory that any program took, in bytes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024

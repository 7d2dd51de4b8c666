#!/usr/bin/env python3
"""Every .proto file of a dozen packages: generated and compiled. `make corpus`, or one tree by `CORPUS=name`.

Each tree goes through protoc alone, then through our plugin, both timed, and everything that was generated goes through
`cargo check` with warnings denied, in crates of a bounded size. Fails on any failure, and where a tree has lost files.
What protoc refuses is listed in corpus_trees.py and has to be refused for the reason given there.

`--smoke` takes the small trees, for every change. Without it and without a name the table goes to docs/corpus.md.
"""

import os
import subprocess
import sys
from dataclasses import dataclass, field

import corpus_check
import corpus_trees
import descriptors
import toolbox
from corpus_check import Clock, WORK

# Of all trees together; below it a tree was left out.
FILES = 8279
REPORT = toolbox.ROOT / "docs" / "corpus.md"
# The files whose types are the runtime's own.
WELL_KNOWN = {
    f"google/protobuf/{name}.proto"
    for name in [
        "any", "api", "descriptor", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type",
        "wrappers",
    ]
}
# A plugin that keeps its request, and answers that it knows everything: optional of proto3, and every edition.
CAPTURE = """#!/bin/sh
cat > "$CORPUS_REQUEST"
printf '\\020\\003\\030\\346\\007\\040\\377\\377\\377\\377\\007'
"""


class Refused(Exception):
    """protoc's or the plugin's words."""


@dataclass
class Result:
    """What became of a tree."""

    tree: corpus_trees.Tree
    files: int = 0
    refused: int = 0
    unsupported: int = 0
    messages: int = 0
    services: int = 0
    bytes: int = 0
    protoc: Clock = field(default_factory=Clock)
    plugin: Clock = field(default_factory=Clock)
    check: Clock = field(default_factory=Clock)
    chunks: list[corpus_check.Chunk] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Tools:
    """The two programs that are compared, and the second one's clock."""

    def __init__(self, profile):
        self.protoc = toolbox.protoc_new()
        self.own = self.protoc.parent.parent / "include"
        build = ["cargo", "build", "--quiet", "-p", "rust-grpc-codegen", "--profile", profile]
        subprocess.run(build, cwd=toolbox.ROOT, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", toolbox.ROOT / "target")
        folder = toolbox.ROOT / target / ("debug" if profile == "dev" else profile)
        self.plugin = folder / "protoc-gen-rust-grpc"

    def generate(self, request):
        """The plugin's files by name."""
        ended = subprocess.run([self.plugin], input=request, capture_output=True)
        if ended.returncode:
            raise Refused(ended.stderr.decode(errors="replace"))
        generated, error = descriptors.answer(ended.stdout)
        if error:
            raise Refused(error)
        return generated


class Protoc:
    """protoc with the include folders of one run of a tree."""

    def __init__(self, tools, tree, run):
        folders = [tree.folder() / root for root in run.roots]
        for name in run.imports:
            other = corpus_trees.named(name)
            folders += [other.folder() / root for root in other.runs[0].roots]
        if run.with_protocs:
            folders.append(tools.own)
        self.command = [tools.protoc, *(f"-I{folder}" for folder in folders)]

    def run(self, names, *options, **environment):
        listed = WORK / "files.txt"
        listed.write_text("".join(f"{name}\n" for name in names))
        command = [*self.command, *options, f"@{listed}"]
        ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
        if ended.returncode:
            raise Refused("\n".join(line for line in ended.stderr.splitlines() if ": warning: " not in line))

    def parse(self, names):
        """What protoc does for itself."""
        self.run(names, f"--descriptor_set_out={os.devnull}")

    def describe(self, names):
        """The files and all that they import, as a plugin gets them."""
        capture, out = WORK / "capture", WORK / "request.binpb"
        capture.write_text(CAPTURE)
        capture.chmod(0o755)
        plugin = [f"--plugin=protoc-gen-capture={capture}", f"--capture_out={WORK}"]
        self.run(names, *plugin, CORPUS_REQUEST=str(out))
        return descriptors.of_request(out.read_bytes())


def without_refused(result, tools, protoc, files):
    """Sees that what is said to be refused is; gives the names of the other files."""
    tree, kept = result.tree, []
    for path, name in files:
        if path in tree.refused:
            expect_refusal(result, path, tree.refused[path], lambda: protoc.parse([name]))
            result.refused += 1
        elif path in tree.unsupported:
            described = protoc.describe([name])
            request = descriptors.request("", [name], described)
            expect_refusal(result, path, tree.unsupported[path], lambda: tools.generate(request))
            result.unsupported += 1
        else:
            kept.append(name)
    return kept


def expect_refusal(result, path, reason, attempt):
    try:
        attempt()
    except Refused as refused:
        if reason in str(refused):
            return
        result.failures.append(f"{path}: expected it to be refused: {reason}; got: {refused}")
    else:
        result.failures.append(f"{path}: expected it to be refused: {reason}")


def apart(protoc, names):
    """Files that may define the same names, in the few runs that it takes to keep those apart."""
    runs = []
    for name in names:
        files = protoc.describe([name]).values()
        symbols = {symbol: file.name for file in files for symbol in file.symbols}
        fitting = (run for run in runs if all(run[1].get(symbol, file) == file for symbol, file in symbols.items()))
        members, taken = next(fitting, ([], {}))
        if not members:
            runs.append((members, taken))
        members.append(name)
        taken.update(symbols)
    return [members for members, _ in runs]


def generate(result, tools, protoc, names, out):
    """One run: protoc and the plugin by the clock, the files on disk, the crates planned."""
    with result.protoc:
        protoc.parse(names)
    files = protoc.describe(names)
    # What is imported from elsewhere has to stand beside the rest.
    wanted = sorted({*names, *(descriptors.closure(names, files) - WELL_KNOWN)})
    request = descriptors.request("tree=no", wanted, files)
    with result.plugin:
        generated = tools.generate(request)
    sizes = {}
    for name in wanted:
        path = f"{name.removesuffix('.proto')}.rs"
        content, target = generated[path], out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        sizes[name] = len(content)
    result.files += len(names)
    result.messages += sum(files[name].messages for name in names)
    result.services += sum(files[name].services for name in names)
    result.bytes += sum(sizes.values())

    def module_tree(members):
        return tools.generate(descriptors.request("tree=only", sorted(members), files))["mod.rs"]

    result.chunks += corpus_check.chunks(files, sizes, out, module_tree)


def do(tree, tools):
    """A tree from its files to compiled code."""
    result = Result(tree)
    found = tree.protos()
    if len(found) != tree.files:
        result.failures.append(f"{tree.name}: expected {tree.files} files, got {len(found)}")
    out = corpus_check.fresh(WORK / "generated" / tree.name)
    for number, (run, files) in enumerate(zip(tree.runs, tree.by_run(), strict=True)):
        protoc = Protoc(tools, tree, run)
        names = without_refused(result, tools, protoc, files)
        try:
            for part, members in enumerate(apart(protoc, names) if run.clashing else [names]):
                generate(result, tools, protoc, members, out / f"run_{number}_{part}")
        except Refused as refused:
            result.failures.append(f"{tree.name}, run {number}: {refused}")
    with result.check:
        result.failures += corpus_check.check(tree.name, result.chunks)
    if not result.failures and result.files + result.refused + result.unsupported != len(found):
        result.failures.append(f"{tree.name}: of {len(found)} files {result.files} went through")
    return result


def table(results):
    """The results as markdown."""
    lines = [
        "| tree | from | files | refused by protoc | by us | messages | services | MB of Rust | protoc, s | plugin, s "
        "| cargo check, s | failures |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    total = Result(corpus_trees.Tree("**all**", "", 0, None))
    for result in results:
        lines.append(row(result))
        for name in ["files", "refused", "unsupported", "messages", "services", "bytes", "failures"]:
            setattr(total, name, getattr(total, name) + getattr(result, name))
        for name in ["protoc", "plugin", "check"]:
            getattr(total, name).add(getattr(result, name))
    return "\n".join([*lines, row(total)])


def row(result):
    cells = [
        result.tree.name, result.tree.source, f"{result.files:,}", result.refused, result.unsupported,
        f"{result.messages:,}", f"{result.services:,}", f"{result.bytes / 1e6:.1f}", result.protoc, result.plugin,
        result.check, len(result.failures),
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def report(results):
    """What docs/corpus.md says."""
    refused = [line for result in results for line in listed(result.tree.name, result.tree.refused)]
    unsupported = [line for result in results for line in listed(result.tree.name, result.tree.unsupported)]
    files = sum(result.files for result in results)
    plugin = sum(result.plugin.wall for result in results)
    return f"""# Corpus

Made by `make corpus`: published `.proto` files, generated by our plugin.
All of the generated code goes through `cargo check` with warnings denied.

{table(results)}

Seconds are by the wall, in brackets those of all processors together, on {os.cpu_count()} processors.
`protoc` is protoc {toolbox.PROTOC_NEW} alone, with `--descriptor_set_out=/dev/null`.
`plugin` is our plugin from request to answer, without protoc's part: {files / plugin:,.0f} files a second.
The largest program of the run took {corpus_check.memory_max() / 1e9:.1f} GB.

What protoc refuses, and so nobody can generate:

{chr(10).join(refused)}

What our plugin refuses on purpose:

{chr(10).join(unsupported)}
"""


def listed(tree, reasons):
    return [f"- {tree}: `{path}`: {reason}" for path, reason in sorted(reasons.items())]


def main():
    smoke = sys.argv[1:] == ["--smoke"]
    name = os.environ.get("CORPUS", "")
    chosen = [tree for tree in corpus_trees.ALL if tree.name == name or not name and (tree.smoke or not smoke)]
    if not chosen or len(sys.argv) > 1 and not smoke:
        known = "|".join(tree.name for tree in corpus_trees.ALL)
        sys.exit(f"usage: [CORPUS={known}] tools/corpus.py [--smoke]")
    WORK.mkdir(parents=True, exist_ok=True)
    tools = Tools("dev" if smoke else "release")
    results = []
    for tree in chosen:
        print(f"{tree.name} ...", file=sys.stderr, flush=True)
        results.append(do(tree, tools))
    print(table(results))
    failures = [failure for result in results for failure in result.failures]
    if sum(tree.files for tree in corpus_trees.ALL) != FILES:
        failures.append(f"expected trees of {FILES} files together")
    if failures:
        sys.exit("\n".join([*failures, f"{len(failures)} failures"]))
    if not smoke and not name:
        REPORT.write_text(report(results))


if __name__ == "__main__":
    main()

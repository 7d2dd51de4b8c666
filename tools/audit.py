#!/usr/bin/env python3
"""What the dependency trees may hold: `make audit`.

Reads `cargo metadata` and `cargo tree`; needs no network beyond what cargo has fetched already. Checked: every crate's
licence and source, the size of the runtime's default tree, crates that must not be there, known-bad versions, and that
every lock file of the repository, those of the benches and oracles too, fits its manifests.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

LICENCES = {"MIT", "Apache-2.0", "Unlicense", "BSD-3-Clause", "ISC", "Zlib", "BSL-1.0", "CC0-1.0", "0BSD",
            "Unicode-3.0", "BSD-2-Clause", "Apache-2.0 WITH LLVM-exception"}
RUNTIME_CRATES_MAX = 12
# Crate, and why generated code and the runtime must not depend on it.
BANNED_IN_RUNTIME = {
    "tokio": "no async runtime",
    "h2": "HTTP/2 is our own",
    "hyper": "HTTP/2 is our own",
    "futures-core": "no async",
    "protobuf": "declared at its end; it serves the plugin alone",
    "syn": "no macros at run time",
}
# Crate, first safe version, advisory. An advisory database cannot be read offline: what is known to concern us is listed.
ADVISORIES = [
    ("protobuf", (3, 7, 2), "RUSTSEC-2024-0437"),
]


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, capture_output=True, text=True).stdout


def licence_is_allowed(expression):
    """Whether one of the alternatives of an SPDX expression has only allowed parts."""
    text = expression.replace("/", " OR ").replace("(", " ").replace(")", " ")
    return any(all(part.strip() in LICENCES for part in choice.split(" AND ")) for choice in text.split(" OR "))


def tree(package, *arguments):
    """The crates that `package` pulls in, itself aside."""
    lines = cargo("tree", "--package", package, "--edges", "normal", "--prefix", "none", "--target",
                  "x86_64-unknown-linux-gnu", *arguments).splitlines()
    names = {re.sub(r" \(\*\)$", "", line.strip()) for line in lines if line.strip()}
    return sorted(name for name in names if not name.startswith(f"{package} "))


def stale_locks():
    """Lock files that a build with `--locked` would refuse: one for each workspace, of which cargo reads only the root's."""
    for directory, below, files in os.walk("."):
        below[:] = (name for name in below if name != "target" and not name.startswith("."))
        if "Cargo.lock" not in files:
            continue
        lock, manifest = (str(pathlib.Path(directory, name)) for name in ("Cargo.lock", "Cargo.toml"))
        update = subprocess.run(["cargo", "update", "--workspace", "--locked", "--quiet", "--manifest-path", manifest],
                                capture_output=True, text=True)
        if update.returncode != 0:
            yield lock, update.stderr.strip().splitlines()[0]


def main():
    faults = [f"{lock} does not fit its manifests ({why}): run `cargo update --workspace` beside it"
              for lock, why in stale_locks()]
    metadata = json.loads(cargo("metadata", "--format-version", "1"))
    own = set(metadata["workspace_members"])
    for package in metadata["packages"]:
        name, version = package["name"], package["version"]
        if package["id"] in own:
            continue
        if not (package["source"] or "").startswith("registry+"):
            faults.append(f"{name} {version}: comes from {package['source']}, not from the registry")
        if not licence_is_allowed(package["license"] or ""):
            faults.append(f"{name} {version}: licence {package['license']} is not among the allowed ones")
        numbers = tuple(int(part) for part in version.split("-")[0].split("+")[0].split("."))
        for bad, safe, advisory in ADVISORIES:
            if name == bad and numbers < safe:
                faults.append(f"{name} {version}: {advisory}, fixed in {'.'.join(map(str, safe))}")
    runtime = tree("rust-grpc")
    if len(runtime) > RUNTIME_CRATES_MAX:
        faults.append(f"the runtime's default tree has {len(runtime)} crates, {RUNTIME_CRATES_MAX} are allowed")
    for line in runtime:
        name = line.split()[0]
        if name in BANNED_IN_RUNTIME:
            faults.append(f"the runtime depends on {name}: {BANNED_IN_RUNTIME[name]}")
    print(f"{len(metadata['packages']) - len(own)} crates checked; the runtime's default tree has {len(runtime)}: "
          + ", ".join(runtime))
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()

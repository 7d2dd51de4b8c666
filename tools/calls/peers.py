"""The runtimes that are compared: how each one is built, and what its server and its client are called."""

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

import toolbox

ROOT = toolbox.ROOT
FOLDER = ROOT / "benches" / "calls"
WORK = ROOT / "target" / "bench-calls"
BINARIES = FOLDER / "target" / "release"
PROTO = FOLDER / "proto"

OURS = "rust-grpc"
# The same with one thread in place of the callers' threads, which has all calls under way.
PENDING = "rust-grpc pending"
RAW = "raw TCP"
TONIC = ["tonic current_thread", "tonic multi_thread"]
GRPCIO_VERSION = "1.85.1"
CPP_PACKAGES = ["libgrpc++-dev", "libprotoc-dev", "protobuf-compiler-grpc", "protobuf-compiler"]
CPP_NEEDED = re.compile(r"^(lib(grpc|proto|absl|re2|c-ares|cares|ssl|upb)|protobuf-|zlib1g|openssl)")
H2LOAD_NEEDED = re.compile(r"^(nghttp2-client|lib(nghttp2|ev4|jansson|jemalloc|xml2|c-ares|icu))")
UNARY = {"unary", "several", "once"}
STREAMS = {"stream", "bidi"}
HTTP2 = {"h2load"}


class Missing(Exception):
    """A peer that cannot be measured here, and why."""


class Peer:
    """A runtime. `does` names what its programs can do, `stream_counts` the replies of a stream of 32 B and of 64 KiB."""

    does = UNARY | STREAMS | HTTP2
    stream_counts = 1_000_000, 32_768
    message_size_max = 64 << 20
    packages: list[str] = []

    def __init__(self, name, server, client):
        self.name, self._server, self._client = name, server, client

    def prepare(self):
        """Builds what is missing."""

    def server(self, port):
        return [word.replace("PORT", str(port)) for word in map(str, self._server)]

    def client(self, port):
        return [word.replace("PORT", str(port)) for word in map(str, self._client)]

    def environment(self):
        return dict(os.environ)

    def version(self):
        """What the page says about it."""
        lock = (FOLDER / "Cargo.lock").read_text()
        found = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
        return ", ".join(f"{name} {found[name]}" for name in self.packages)


class Crate(Peer):
    """Programs of the workspace in benches/calls."""

    def __init__(self, name, crate, server, client, **attributes):
        super().__init__(name, [BINARIES / server[0], *server[1:]], [BINARIES / client[0], *client[1:]])
        self.crate = crate
        self.__dict__.update(attributes)

    def prepare(self):
        run("cargo", "build", "--release", "--quiet", "--package", self.crate, cwd=FOLDER)


class Python(Peer):
    """grpcio from PyPI, in an environment of its own."""

    folder = WORK / f"python-{GRPCIO_VERSION}"
    stream_counts = 50_000, 4_096

    def __init__(self):
        python, programs = self.folder / "bin" / "python", FOLDER / "python"
        server, client = [python, programs / "server.py", "PORT"], [python, programs / "client.py", "PORT"]
        super().__init__("grpcio", server, client)

    def prepare(self):
        python, stamp = self.folder / "bin" / "python", self.folder / "installed"
        if stamp.exists():
            return
        venv.EnvBuilder(with_pip=True, clear=True).create(self.folder)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        run(*pip, f"grpcio=={GRPCIO_VERSION}", f"grpcio-tools=={GRPCIO_VERSION}")
        (self.folder / "generated").mkdir()
        outputs = [f"--python_out={self.folder / 'generated'}", f"--grpc_python_out={self.folder / 'generated'}"]
        run(python, "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, "bench.proto")
        stamp.touch()

    def environment(self):
        return {**super().environment(), "PYTHONPATH": str(self.folder / "generated")}

    def version(self):
        return f"grpcio {GRPCIO_VERSION}"


class Cpp(Peer):
    """C-core's C++ from Debian, unpacked beside the system, with the synchronous API."""

    folder = WORK / "cpp"
    stream_counts = 200_000, 16_384

    def __init__(self):
        super().__init__("grpc-c++", [self.folder / "cpp-server", "PORT"], [self.folder / "cpp-client", "PORT"])

    def prepare(self):
        sources = {name: FOLDER / "cpp" / f"{name}.cc" for name in ["server", "client"]}
        stamp = self.folder / "built"
        if stamp.exists() and all(path.stat().st_mtime < stamp.stat().st_mtime for path in sources.values()):
            return
        if shutil.which("g++") is None:
            raise Missing("expected g++ on the system")
        root = toolbox.debian_packages(self.folder / "root", CPP_PACKAGES, CPP_NEEDED)
        libraries = self.libraries()
        generated = self.folder / "generated"
        generated.mkdir(exist_ok=True)
        plugin = f"--plugin=protoc-gen-grpc={root / 'usr/bin/grpc_cpp_plugin'}"
        outputs = [f"--cpp_out={generated}", f"--grpc_out={generated}"]
        run(root / "usr/bin/protoc", f"-I{PROTO}", plugin, *outputs, "bench.proto", env=self.environment())
        include = [generated, root / "usr/include", *root.glob("usr/include/*-linux-gnu*")]
        flags = ["-O3", "-DNDEBUG", "-std=c++17", "-w", *[f"-I{path}" for path in include]]
        link = [f"-L{libraries}", f"-Wl,-rpath,{libraries}", f"-Wl,-rpath-link,{libraries}"]
        absl = sorted({path.name.split(".")[0].removeprefix("lib") for path in libraries.glob("libabsl_*.so*")})
        names = ["grpc++", "grpc", "gpr", "protobuf", *absl]
        for name, source in sources.items():
            files = [source, generated / "bench.pb.cc", generated / "bench.grpc.pb.cc"]
            output = ["-o", self.folder / f"cpp-{name}"]
            run("g++", *flags, *files, *output, *link, *[f"-l{library}" for library in names], "-lpthread")
        stamp.touch()

    def libraries(self):
        [folder] = (self.folder / "root" / "usr" / "lib").glob("*-linux-gnu*")
        return folder

    def environment(self):
        return {**super().environment(), "LD_LIBRARY_PATH": str(self.libraries())}

    def version(self):
        text = (self.libraries() / "pkgconfig" / "grpc++.pc").read_text()
        return f"grpc-c++ {re.search(r'Version: (.*)', text)[1]} of Debian, synchronous"


class H2load:
    """The generator of nghttp2 from Debian, unpacked beside the system."""

    folder = WORK / "h2load"

    def prepare(self):
        toolbox.debian_packages(self.folder, ["nghttp2-client"], H2LOAD_NEEDED)

    def command(self):
        return [str(self.folder / "usr" / "bin" / "h2load")]

    def environment(self):
        [folder] = (self.folder / "usr" / "lib").glob("*-linux-gnu*")
        return {**os.environ, "LD_LIBRARY_PATH": str(folder)}

    def version(self):
        found = run(*self.command(), "--version", env=self.environment())
        return found.strip().replace("/", " ").replace(" nghttp2 ", " of nghttp2 ")


class Asleep:
    """Server and clients of ours in one process, where handlers sleep."""

    def prepare(self):
        run("cargo", "build", "--release", "--quiet", "--package", "bench-asleep", cwd=FOLDER)

    def command(self):
        return [str(BINARIES / "bench-asleep")]

    def environment(self):
        return dict(os.environ)


def run(*command, **options):
    """The output of a command. What it says when it fails is the reason why a peer is missing."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, **options)
    except FileNotFoundError as error:
        raise Missing(f"{error.filename} is not installed") from error
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines() or [f"exit code {error.returncode}"]
        errors = [line for line in lines if "error" in line.lower()]
        raise Missing(f"{Path(str(command[0])).name}: {(errors or lines)[0].strip()[:200]}") from error
    return done.stdout


def every():
    """All that are compared, ours first and the control behind it."""
    tonic = {"crate": "bench-tonic", "packages": ["tonic", "prost", "hyper", "h2", "tokio"]}
    return [
        Crate(OURS, "bench-calls", ["bench-server", "PORT"], ["bench-client", "PORT"]),
        Crate(PENDING, "bench-calls", ["bench-server", "PORT"], ["bench-client", "PORT", "pending"], does={"several"}),
        Crate(RAW, "bench-raw", ["raw-server", "PORT"], ["raw-client", "PORT"], does=UNARY | STREAMS),
        Crate(TONIC[0], server=["tonic-server", "PORT", "current"], client=["tonic-client", "PORT", "current"], **tonic),
        Crate(TONIC[1], server=["tonic-server", "PORT", "multi"], client=["tonic-client", "PORT", "multi"], **tonic),
        Crate("pajamax", "bench-pajamax", ["pajamax-server", "PORT"], ["tonic-client", "PORT", "current"],
              does={"unary", "several"} | HTTP2, packages=["pajamax"], message_size_max=(4 << 20) - 8192),
        Crate("ttrpc", "bench-ttrpc", ["ttrpc-server", "PORT"], ["ttrpc-client", "PORT"], does=UNARY,
              packages=["ttrpc"], message_size_max=(4 << 20) - 8192),
        Cpp(),
        Python(),
    ]


def prepare(names, report):
    """Those of `names` that could be built, and why the others could not."""
    ready, missing = [], {}
    for peer in [peer for peer in every() if peer.name in names]:
        report(f"building {peer.name}")
        try:
            peer.prepare()
            ready.append(peer)
        except (Missing, OSError, subprocess.SubprocessError, ValueError, SystemExit) as error:
            missing[peer.name] = str(error) or type(error).__name__
            report(f"{peer.name} is missing: {missing[peer.name]}")
    return ready, missing

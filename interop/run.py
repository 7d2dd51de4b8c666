#!/usr/bin/env python3
"""Both directions of the interop suite against a pinned grpcio: `make interop`.

Makes a virtual environment under target/, generates Python's messages into target/, then runs Python's client against
our server (over TCP and over a Unix socket) and our client against Python's server.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "interop"
VENV = ROOT / "target" / "venv" / "interop"
GENERATED = ROOT / "target" / "interop-python"
TIME_LIMIT = 300


def prepare():
    """Installs what requirements.txt pins, once for each content of it."""
    requirements = HERE / "python" / "requirements.txt"
    stamp = VENV / ("installed-" + hashlib.sha256(requirements.read_bytes()).hexdigest()[:16])
    python = VENV / "bin" / "python"
    if not stamp.exists():
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--only-binary", ":all:", "-r", requirements], check=True)
        stamp.touch()
    GENERATED.mkdir(parents=True, exist_ok=True)
    subprocess.run([python, "-m", "grpc_tools.protoc", f"-I{HERE / 'proto'}", f"--python_out={GENERATED}",
                    f"--grpc_python_out={GENERATED}", "interop.proto"], check=True)
    return python


def serve(command, environment):
    """Starts a server that prints its address and stops when its standard input ends."""
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    address = server.stdout.readline().strip()
    if not address:
        raise SystemExit(f"the server printed no address: {command}")
    return server, address


def stop(server):
    server.stdin.close()
    if server.wait(TIME_LIMIT):
        raise SystemExit(f"the server ended with {server.returncode}")


def direction(title, server_command, client_command, environment):
    print(f"== {title}", flush=True)
    server, address = serve(server_command, environment)
    try:
        ended = subprocess.run([*client_command, address], env=environment, timeout=TIME_LIMIT).returncode
    finally:
        stop(server)
    return ended == 0


def main():
    binaries = pathlib.Path(sys.argv[1])
    python = prepare()
    environment = {"PYTHONPATH": f"{GENERATED}:{HERE / 'python'}", "PATH": "/usr/bin:/bin", "GRPC_VERBOSITY": "ERROR"}
    if "RUST_GRPC_THREADS" in os.environ:
        environment["RUST_GRPC_THREADS"] = os.environ["RUST_GRPC_THREADS"]
    with tempfile.TemporaryDirectory() as folder:
        passed = [
            direction("Python's client, our server, TCP", [binaries / "interop-server", "127.0.0.1:0"],
                      [python, HERE / "python" / "client.py"], environment),
            direction("Python's client, our server, Unix socket", [binaries / "interop-server", f"unix:{folder}/s"],
                      [python, HERE / "python" / "client.py"], environment),
            direction("our client, Python's server", [python, HERE / "python" / "server.py"],
                      [binaries / "interop-client"], environment),
        ]
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()

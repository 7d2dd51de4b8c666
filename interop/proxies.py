#!/usr/bin/env python3
"""nginx and HAProxy in front of two of our servers, plain HTTP/2: `make proxies`.

    proxies.py BINARIES

Through each proxy every case of the interop suite that fits passes; then one server is killed, every call still passes,
the server comes back on its port, and both are called again. The proxies come from Debian, unpacked beside the system.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import time

from matrix import environment, free_port
from peers import peer

TIME_LIMIT = 60
# Calls after a server went or came: with two servers in turn, both are tried many times.
CALLS = 20
# What a package's dependencies have to look like to be unpacked beside the system.
NEEDED = re.compile(r"^(nginx|haproxy|lib(pcre|ssl|lua|systemd|crypt1|opentracing|nginx|maxminddb|gd))")

NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    # A call may take a thousand requests of its connection.
    keepalive_requests 100000;
    http2_max_concurrent_streams 1000;
    upstream servers {{
        server 127.0.0.1:{first} max_fails=0;
        server 127.0.0.1:{second} max_fails=0;
    }}
    server {{
        listen 127.0.0.1:{port} http2;
        location / {{
            grpc_pass grpc://servers;
            grpc_next_upstream error timeout non_idempotent;
        }}
    }}
}}
"""

HAPROXY = """\
global
    maxconn 200
defaults
    mode http
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend calls
    bind 127.0.0.1:{port} proto h2
    default_backend servers
backend servers
    balance roundrobin
    server first 127.0.0.1:{first} proto h2
    server second 127.0.0.1:{second} proto h2
"""


class Nginx:
    name = "nginx"
    package = "nginx-light"

    def command(self, root, folder, ports):
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, **ports))
        return [root / "usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"]


class HaProxy:
    name = "haproxy"
    package = "haproxy"

    def command(self, root, folder, ports):
        (folder / "haproxy.cfg").write_text(HAPROXY.format(**ports))
        return [root / "usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"]


def libraries(root):
    return ":".join(str(path) for parent in ["lib", "usr/lib"] for path in root.glob(f"{parent}/*-linux-gnu*"))


class Running:
    """A program, stopped at the end."""

    def __init__(self, command, extra=None):
        self.process = subprocess.Popen(command, env=environment(extra or {}), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A proxy's children end with it only if it is asked.
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def call(binaries, port, case):
    """Runs one case; an error in words, or nothing."""
    command = [binaries / "grpc-interop-client", *peer.official_client_flags(port, case, False)]
    command[2] = "--server_host=127.0.0.1"
    try:
        ended = subprocess.run(
            [*command, "--slow_consumer_delay_ms=1"], env=environment({}), timeout=TIME_LIMIT, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return f"{case}: not done after {TIME_LIMIT} s"
    return None if ended.returncode == 0 else ended.stderr.strip() or f"{case}: exit {ended.returncode}"


def wait_for(binaries, port, what):
    until = time.monotonic() + TIME_LIMIT
    while error := call(binaries, port, "empty_unary"):
        if time.monotonic() > until:
            sys.exit(f"{what} did not answer: {error}")


def run(proxy, binaries):
    """The failures behind one proxy."""
    folder = peer.WORK / proxy.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    root = peer.toolbox.debian_packages(peer.WORK / f"debian-{proxy.package}", [proxy.package], NEEDED)
    ports = {name: free_port() for name in ["first", "second", "port"]}
    port = ports["port"]

    def server(name):
        return Running([binaries / "grpc-interop-server", f"--port={ports[name]}", "--use_tls=false", "--stop_with_input=true"])

    failures = []
    with server("first"), server("second") as second:
        for name in ["first", "second"]:
            wait_for(binaries, ports[name], f"the {name} server")
        with Running(proxy.command(root, folder, ports), {"LD_LIBRARY_PATH": libraries(root)}):
            wait_for(binaries, port, proxy.name)
            failures += [error for case in peer.CASES if (error := call(binaries, port, case))]
            print(f"{proxy.name}: {len(peer.CASES) - len(failures)} of {len(peer.CASES)} cases passed", flush=True)
            second.kill()
            gone = [error for _ in range(CALLS) if (error := call(binaries, port, "large_unary"))]
            print(f"{proxy.name}: {CALLS - len(gone)} of {CALLS} calls passed with one server killed", flush=True)
            with server("second"):
                wait_for(binaries, ports["second"], "the server that came back")
                back = [error for _ in range(CALLS) if (error := call(binaries, port, "ping_pong"))]
                print(f"{proxy.name}: {CALLS - len(back)} of {CALLS} streams passed with it back", flush=True)
            failures += gone + back
    return failures


def main():
    binaries = pathlib.Path(sys.argv[1]).resolve()
    peer.WORK.mkdir(parents=True, exist_ok=True)
    failures = [f"{proxy.name}: {words}" for proxy in [Nginx(), HaProxy()] for words in run(proxy, binaries)]
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

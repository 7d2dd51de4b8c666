"""Servers as processes, what they cost, and the cores that they run on."""

import os
import socket
import subprocess
import threading
import time
from pathlib import Path

START_LIMIT = 15
# Of a client that ends by itself after its time, or after as many messages as it was told.
CLIENT_LIMIT = 60


class Failed(Exception):
    """A run that has shown nothing, and why."""


def one_core():
    return [max(os.sched_getaffinity(0))]


def two_cores():
    return sorted(os.sched_getaffinity(0))[-2:]


def pinned(cores, command):
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Server:
    """A server that has been started and takes connections; it is killed at the end."""

    def __init__(self, peer, cores):
        self.peer, self.cores = peer, cores

    def __enter__(self):
        self.port = free_port()
        self.log = subprocess.DEVNULL
        command = pinned(self.cores, self.peer.server(self.port))
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=self.peer.environment())
        until = time.monotonic() + START_LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise Failed("the server did not start") from error
                time.sleep(0.01)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def is_alive(self):
        return self.process.poll() is None

    def cpu(self):
        """Seconds on processors of all its threads so far; see clock_getcpuclockid(3) for the number of the clock."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def memory(self):
        """KiB that are resident, and the most there ever were."""
        status = self.status()
        return int(status["VmRSS"].split()[0]), int(status["VmHWM"].split()[0])

    def threads(self):
        return int(self.status()["Threads"])

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def status(self):
        try:
            lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        except OSError as error:
            raise Failed("the server has ended") from error
        pairs = dict(line.split(":", 1) for line in lines)
        if "VmRSS" not in pairs:
            raise Failed("the server has ended")
        return pairs


def output(command, cores, environment, limit=CLIENT_LIMIT):
    """What a client prints. One that takes too long is killed."""
    try:
        done = subprocess.run(pinned(cores, command), capture_output=True, text=True, timeout=limit, env=environment)
    except subprocess.TimeoutExpired as error:
        raise Failed(f"not done after {limit:g} s") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise Failed(lines[-1][:200])
    return done.stdout


def lines(command, cores, environment, limit=CLIENT_LIMIT):
    """What a client prints, each line as soon as it is there. One that takes too long is killed."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "env": environment}
    with subprocess.Popen(pinned(cores, command), **options) as client:
        late = threading.Event()
        watch = threading.Timer(limit, lambda: (late.set(), client.kill()))
        watch.start()
        last = ""
        for last in client.stdout:
            yield last
        client.wait()
        watch.cancel()
    if late.is_set():
        raise Failed(f"not done after {limit:g} s")
    if client.returncode != 0:
        raise Failed(last.strip()[:200] or f"exit code {client.returncode}")


def spent(command, cores, environment):
    """Seconds from the start of a process to its end, and its seconds on processors."""
    started = time.monotonic()
    process = subprocess.Popen(pinned(cores, command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"exit code {process.returncode}")
    return elapsed, usage.ru_utime + usage.ru_stime


def load():
    return os.getloadavg()[0]

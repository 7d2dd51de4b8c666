"""What is to be reached, as ratios within one run, and how much of it is."""

import statistics
from dataclasses import dataclass

from . import results
from .peers import OURS, PENDING, RAW
from .workloads import ASLEEP, ASLEEP_WORKLOAD, BY_NAME, COLD_WORKLOAD, IDLE, IDLE_WORKLOAD

NOT_MEASURED = "not measured"
PAJAMAX, TTRPC, TONIC_MULTI = "pajamax", "ttrpc", "tonic multi_thread"


@dataclass
class Goal:
    """`values` are the ratios of the rounds; with `most` they are to be at most `wanted`, or else at least.

    `failure` is why a round has none, where that says that the goal is not reached.
    """

    what: str
    than: str
    values: list
    wanted: float
    most: bool
    unit: str = "×"
    failure: str | None = None

    def reached(self):
        return statistics.median(self.values)

    def is_reached(self):
        return self.reached() <= self.wanted if self.most else self.reached() >= self.wanted

    def row(self):
        bound = f"{'at most' if self.most else 'at least'} {self.wanted:.3g} {self.unit} {self.than}".strip()
        if not self.values:
            word = f"**no**: {self.failure}" if self.failure else NOT_MEASURED
            return f"| {self.what} | {bound} | – | {word} |"
        low, median, high = results.quartiles(self.values)
        off = 100 * abs(median / self.wanted - 1)
        better = (median <= self.wanted) == self.most
        word = "yes" if self.is_reached() else "**no**"
        side = "better" if better else "worse"
        measured = f"{median:.3g} {self.unit} ({low:.3g} to {high:.3g})"
        if self.failure:
            return f"| {self.what} | {bound} | {measured} | **no**: {self.failure} in another round |"
        return f"| {self.what} | {bound} | {measured} | {word}, {off:.0f} % {side} |"


def ratio(found, workload, figure, other, wanted, most, what=None, mine=OURS):
    """A goal that compares ours with one other."""
    by_whom = ", all of them pending in one thread" if mine == PENDING else ""
    text = what or f"{workload}: {BY_NAME[workload].text}{by_whom}, {NAMES[figure]}"
    values = found.ratios(workload, figure, mine, other) if other else []
    return Goal(text, other or "tonic", values, wanted, most)


NAMES = {"p50_us": "p50", "rate": "rate", "MBps": "rate", "client_cpu_us": "CPU of the client",
         "server_cpu_us": "CPU of the server"}


def of_calls(found):
    def tonic(workload, figure):
        return found.tonic(workload, figure)

    yield ratio(found, "W1s", "p50_us", RAW, 1.35, True)
    for mine in [OURS, PENDING]:
        yield ratio(found, "W2bs", "rate", tonic("W2bs", "rate"), 3, False, mine=mine)
        yield ratio(found, "W2bs", "rate", TTRPC, 1.6, False, mine=mine)
        yield ratio(found, "W2bs", "rate", RAW, 0.75, False, mine=mine)
        yield ratio(found, "W2b", "rate", tonic("W2b", "rate"), 3, False, mine=mine)
    for workload, mine in [("W1s", OURS), ("W2bs", OURS), ("W2bs", PENDING)]:
        for figure in ["client_cpu_us", "server_cpu_us"]:
            yield ratio(found, workload, figure, tonic(workload, figure), 1 / 3, True, mine=mine)
    for workload in ["H1s", "H64s", "W3a"]:
        yield ratio(found, workload, "rate", PAJAMAX, 1, False)
    yield ratio(found, "W3b", "rate", tonic("W3b", "rate"), 1.3, False)
    yield ratio(found, "W4s", "rate", tonic("W4s", "rate"), 1.5, False)
    yield ratio(found, "W4b", "MBps", tonic("W4b", "MBps"), 1.2, False)
    yield ratio(found, "W5s", "p50_us", RAW, 1.4, True)
    yield ratio(found, "W6", "MBps", TONIC_MULTI, 1.7, False)
    yield ratio(found, "W6", "MBps", RAW, 0.6, False)
    for count in IDLE:
        values = found.values(IDLE_WORKLOAD, OURS, f"kib_{count}")
        yield Goal(f"W7: resident memory for each of {count:,} idle connections", "", values, 6, True, "KiB")
    tonic_cold = tonic(COLD_WORKLOAD, "ms")
    what = "cold start: a process that makes one call, from start to end"
    yield ratio(found, COLD_WORKLOAD, "ms", tonic_cold, 0.5, True, what)
    failure = found.failures.get((ASLEEP_WORKLOAD, OURS))
    for name, text in ASLEEP.items():
        values = found.values(ASLEEP_WORKLOAD, OURS, f"{name}_ms")
        yield Goal(f"{text}, the longest", "", values, 10, True, "ms", failure)


def of_builds(builds):
    """`builds` as figures.py gives them: seconds by mode and greeter, sizes, crates."""
    ours, tonic = "rust-grpc", "tonic"
    for mode, wanted in [("from generated code", 0.25), ("with build.rs", 0.5)]:
        seconds = builds["seconds"].get(mode, {})
        values = [mine / theirs for mine, theirs in zip(seconds.get(ours, []), seconds.get(tonic, []))]
        yield Goal(f"W8: clean release build of the greeter, {mode}", tonic, values, wanted, True)
    for binary, sizes in builds["sizes"].items():
        yield Goal(f"W8: {binary}, stripped", tonic, [sizes[ours] / sizes[tonic]], 0.5, True)


def table(found, builds):
    yield "| what | to reach | reached | |"
    yield "|---|---|--:|---|"
    goals = [*of_calls(found), *(of_builds(builds) if builds else [])]
    for goal in goals:
        yield goal.row()

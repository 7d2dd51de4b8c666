"""What has been measured, kept as lines of JSON, and the ratios that are drawn from it."""

import json
import statistics

from .peers import OURS, PENDING, RAW, TONIC, WORK


RUNS = WORK / "runs.jsonl"
ABOUT = WORK / "about.json"
# Figures of which the smaller is the better.
COSTS = {"p50_us", "p99_us", "client_cpu_us", "server_cpu_us", "ms"}


class Results:
    """Runs by workload and peer, round by round."""

    def __init__(self, rows):
        self.runs, self.failures = {}, {}
        for row in rows:
            key = row["workload"], row["peer"]
            if "failed" in row:
                self.failures.setdefault(key, row["failed"])
            else:
                self.runs.setdefault(key, {})[row["round"]] = row

    def peers(self, workload):
        return [peer for name, peer in self.runs if name == workload]

    def values(self, workload, peer, figure):
        return [run[figure] for run in self.runs.get((workload, peer), {}).values() if figure in run]

    def median(self, workload, peer, figure):
        values = self.values(workload, peer, figure)
        return statistics.median(values) if values else None

    def ratios(self, workload, figure, peer, other):
        """`peer`'s figure divided by `other`'s, round by round: in a round both were slowed down alike."""
        mine, theirs = (self.runs.get((workload, name), {}) for name in (peer, other))
        rounds = [turn for turn in mine if turn in theirs and figure in mine[turn] and figure in theirs[turn]]
        return [mine[turn][figure] / theirs[turn][figure] for turn in rounds if theirs[turn][figure]]

    def best(self, workload, figure, among=None):
        """Who has the best median, of those that are asked about: of all but ours and the control."""
        names = [peer for peer in among or self.peers(workload) if peer not in (OURS, PENDING, RAW)]
        medians = {peer: self.median(workload, peer, figure) for peer in names}
        medians = {peer: value for peer, value in medians.items() if value is not None}
        if not medians:
            return None
        return (min if figure in COSTS else max)(medians, key=medians.get)

    def tonic(self, workload, figure):
        return self.best(workload, figure, TONIC)


def quartiles(values):
    """The lower one, the median and the upper one."""
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else list(values) * 3


def append(row):
    with RUNS.open("a") as file:
        file.write(json.dumps(row) + "\n")


def read():
    rows = [json.loads(line) for line in RUNS.read_text().splitlines()] if RUNS.exists() else []
    return Results(rows)

"""The plots of docs/benchmarks/calls.md: each row is a workload, each mark a runtime; to the right is better."""

import svg

from .peers import OURS, PENDING, RAW, TONIC
from .results import COSTS, quartiles
from .workloads import BY_NAME, COLD_WORKLOAD, IDLE, IDLE_WORKLOAD, WORKLOADS

# A runtime's colour and the shape of its mark: either is enough to tell them apart.
MARKS = {
    OURS: ("#111111", "line"),
    PENDING: ("#111111", "diamond"),
    RAW: ("#777777", "cross"),
    TONIC[0]: ("#0072b2", "circle"),
    TONIC[1]: ("#56b4e9", "square"),
    "pajamax": ("#d55e00", "diamond"),
    "ttrpc": ("#009e73", "triangle"),
    "grpc-c++": ("#aa3fae", "inverted"),
    "grpcio": ("#b38600", "circle"),
}
PANELS = [
    ("Calls on one core, rate", ["W1s", "W2as", "W2bs", "W5s"], None),
    ("Calls on two cores, rate", ["W1", "W2a", "W2b", "W5"], None),
    ("Servers under h2load, rate", ["H1s", "H64s", "H1", "H8", "H64", "W3a", "W3b"], None),
    ("Streams and large messages, two cores, rate", ["W4s", "W4b", "W6"], None),
    ("Calls for each CPU second of the client, 1 core", ["W1s", "W2bs", "W5s"], "client_cpu_us"),
    ("Calls for each CPU second of the server, 1 core", ["W1s", "W2bs", "W5s", "H1s", "H64s"], "server_cpu_us"),
]
TITLE = "Calls relative to rust-grpc; further right is better"
LABELS = {"W1": "1 caller", "W2a": "8 callers", "W2b": "64 callers", "W5": "ping-pong", "W3a": "100 connections × 10",
          "W3b": "1,000 connections × 1", "H1": "1 at a time", "H8": "8 at a time", "H64": "64 at a time",
          "W4s": "stream of 32 B", "W4b": "stream of 64 KiB", "W6": "4 MiB"}
COLUMNS, LEFT, RIGHT, ROW, HEAD, FOOT = 2, 200, 24, 20, 36, 34
PLOT, TOP, LEGEND = 330, 44, 30
WIDTH = LEFT + PLOT + RIGHT


def label(workload, panel):
    """Beside its name what it is, with the cores where the panel has both."""
    plain = workload[:-1] if workload not in LABELS else workload
    cores = "" if "core" in panel or workload.startswith("W3") else ", 1 core" if BY_NAME[workload].one_core else ", 2 cores"
    return f"{LABELS[plain]}{cores}  {workload}"


def draw(found):
    """The relative speeds as a picture."""
    rows = {}
    for _, workloads, figure in PANELS:
        for workload in workloads:
            rows[workload, figure] = speeds(found, workload, figure)
    values = [value for peers in rows.values() for three in peers.values() for value in three]
    axis = svg.Logarithmic(min([*values, 0.5]) / 1.1, max([*values, 2]) * 1.1, LEFT, LEFT + PLOT)
    lines = [svg.text(24, 26, TITLE, size=16, extra='font-weight="600"'), *legend(sorted_peers(found), 24, TOP)]
    heights = [HEAD + ROW * max(len(PANELS[i][1]) for i in pair if i < len(PANELS)) + FOOT
               for pair in zip(range(0, len(PANELS), 2), range(1, len(PANELS) + 1, 2))]
    for index, (title, workloads, figure) in enumerate(PANELS):
        x, y = index % COLUMNS * WIDTH, TOP + LEGEND + sum(heights[:index // COLUMNS])
        cells = [(label(workload, title), rows[workload, figure]) for workload in workloads]
        lines += [f'<g transform="translate({x} {y})">', *panel(title, cells, axis, relative=True), "</g>"]
    return svg.document(COLUMNS * WIDTH, TOP + LEGEND + sum(heights), TITLE, lines)


def speeds(found, workload, figure):
    """The quartiles of each peer's speed as parts of ours."""
    figure = figure or BY_NAME[workload].figure
    speeds = {}
    for peer in found.peers(workload):
        ratios = found.ratios(workload, figure, peer, OURS)
        if figure in COSTS:
            ratios = [1 / ratio for ratio in ratios if ratio]
        if ratios and peer != OURS:
            speeds[peer] = quartiles(ratios)
    return speeds


def draw_costs(found):
    """What a connection costs, and a process that makes one call, as a picture of absolute figures."""
    panels = [
        ("Server's memory for each idle connection, KiB",
         [(f"{count:,} connections", absolute(found, IDLE_WORKLOAD, f"kib_{count}")) for count in IDLE]),
        ("A process that makes one call, ms", [("two cores", absolute(found, COLD_WORKLOAD, "ms"))]),
    ]
    title = "What connections and processes cost; further left is better"
    lines = [svg.text(24, 26, title, size=16, extra='font-weight="600"'), *legend(sorted_peers(found), 24, TOP)]
    height = HEAD + ROW * 2 + FOOT
    for index, (name, cells) in enumerate(panels):
        values = [value for _, peers in cells for three in peers.values() for value in three if value > 0] or [1]
        axis = svg.Logarithmic(min(values) / 1.3, max(values) * 1.3, LEFT, LEFT + PLOT)
        lines += [f'<g transform="translate({index * WIDTH} {TOP + LEGEND})">',
                  *panel(name, cells, axis, relative=False), "</g>"]
    return svg.document(COLUMNS * WIDTH, TOP + LEGEND + height, title, lines)


def absolute(found, workload, figure):
    values = {peer: found.values(workload, peer, figure) for peer in found.peers(workload)}
    return {peer: quartiles(each) for peer, each in values.items() if each and min(each) > 0}


def sorted_peers(found):
    names = {peer for _, peer in found.runs}
    return [peer for peer in MARKS if peer in names]


def legend(peers, x, y):
    for peer in peers:
        yield svg.mark(*MARKS[peer], x + 6, y + 8)
        yield svg.text(x + 17, y + 12, peer)
        x += 40 + 6.6 * len(peer)


def panel(title, cells, axis, relative):
    bottom = HEAD + ROW * len(cells)
    yield svg.text(LEFT, HEAD - 13, title, size=13, extra='font-weight="600"')
    for tick in axis.ticks():
        x = axis.place(tick)
        yield svg.line(x, HEAD, x, bottom)
        yield svg.text(x, bottom + 15, f"{tick:g} ×" if relative else f"{tick:g}", "middle", 11, svg.PALE)
    if relative:
        yield svg.line(axis.place(1), HEAD, axis.place(1), bottom, MARKS[OURS][0], 2)
    for row, (name, peers) in enumerate(cells):
        y = HEAD + ROW * (row + 0.5)
        if row % 2 == 0:
            size = f'width="{PLOT}" height="{ROW}"'
            yield f'<rect x="{LEFT}" y="{y - ROW / 2}" {size} fill="#000000" fill-opacity="0.035"/>'
        yield svg.text(LEFT - 8, y + 4, name, "end")
        for peer, (low, median, high) in peers.items():
            yield svg.line(axis.place(low), y, axis.place(high), y, MARKS[peer][0], 1.5)
            yield svg.mark(*MARKS[peer], axis.place(median), y)

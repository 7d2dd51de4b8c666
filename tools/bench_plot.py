"""The plot of docs/benchmarks/messages.md: how fast each runtime is relative to ours, as SVG written by hand."""

import math
import statistics
from xml.sax.saxutils import escape

import svg

# A runtime's colour and the shape of its mark: either is enough to tell them apart.
MARKS = {
    "rust-grpc": ("#111111", "line"),
    "prost": ("#0072b2", "circle"),
    "buffa": ("#d55e00", "square"),
    "rust-protobuf": ("#009e73", "triangle"),
    "google-protobuf": ("#aa3fae", "diamond"),
}
TITLE = "Speed relative to rust-grpc; further right is faster"
COLUMNS = 2
LEFT, RIGHT, ROW, HEAD, FOOT = 118, 22, 18, 34, 30
PLOT = 330
TOP, LEGEND = 44, 30
PANEL_WIDTH = LEFT + PLOT + RIGHT
TICKS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]


class Axis:
    """A logarithmic scale that all panels share."""

    def __init__(self, values):
        self.low = min(min(values), 0.5) / 1.08
        self.high = max(max(values), 1.2) * 1.08

    def place(self, value):
        return LEFT + PLOT * math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self):
        return [tick for tick in TICKS if self.low < tick < self.high]


def draw(run, peers, operations):
    """Each row is a message, each mark a runtime; to the right is faster."""
    speeds = {}
    for message in run.messages:
        for operation in operations:
            for peer in run.peers(operation):
                ratios = [1 / ratio for ratio in run.ratios(message, operation, peer)]
                speeds[message, operation, peer] = quartiles(ratios)
    axis = Axis([value for values in speeds.values() for value in values])
    panel_height = HEAD + ROW * len(run.messages) + FOOT
    rows = -(-len(operations) // COLUMNS)
    width, height = COLUMNS * PANEL_WIDTH, TOP + LEGEND + rows * panel_height
    lines = [
        f'<text x="{LEFT}" y="26" font-size="16" font-weight="600">{TITLE}</text>',
        *legend(peers),
    ]
    for index, operation in enumerate(operations):
        x, y = index % COLUMNS * PANEL_WIDTH, TOP + LEGEND + index // COLUMNS * panel_height
        lines.append(f'<g transform="translate({x} {y})">')
        lines += panel(run, operation, speeds, axis)
        lines.append("</g>")
    return svg.document(width, height, TITLE, lines)


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def legend(peers):
    x = LEFT
    for peer in peers:
        yield mark(peer, x + 6, TOP + 8)
        yield f'<text x="{x + 17}" y="{TOP + 12}">{escape(peer)}</text>'
        x += 34 + 7 * len(peer)


def panel(run, operation, speeds, axis):
    bottom = HEAD + ROW * len(run.messages)
    yield f'<text x="{LEFT}" y="{HEAD - 12}" font-size="14" font-weight="600">{escape(operation)}</text>'
    for tick in axis.ticks():
        x = axis.place(tick)
        yield vertical(x, bottom, "#dddddd", 1)
        style = 'text-anchor="middle" font-size="11" fill="#555555"'
        yield f'<text x="{x:.1f}" y="{bottom + 15}" {style}>{tick:g} ×</text>'
    yield vertical(axis.place(1), bottom, MARKS["rust-grpc"][0], 2)
    for row, message in enumerate(run.messages):
        y = HEAD + ROW * (row + 0.5)
        if row % 2 == 0:
            size = f'width="{PLOT}" height="{ROW}"'
            yield f'<rect x="{LEFT}" y="{y - ROW / 2}" {size} fill="#000000" fill-opacity="0.035"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(message)}</text>'
        for peer in run.peers(operation):
            if peer == "rust-grpc":
                continue
            low, median, high = speeds[message, operation, peer]
            colour = MARKS[peer][0]
            yield (f'<line x1="{axis.place(low):.1f}" x2="{axis.place(high):.1f}" y1="{y}" y2="{y}" '
                   f'stroke="{colour}" stroke-width="1.5"/>')
            yield mark(peer, axis.place(median), y)


def vertical(x, bottom, colour, width):
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD}" y2="{bottom}" stroke="{colour}" stroke-width="{width}"/>'


def mark(peer, x, y):
    return svg.mark(*MARKS[peer], x, y)

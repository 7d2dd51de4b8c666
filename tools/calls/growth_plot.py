"""The plots of docs/benchmarks/growth.md: latency to the left, memory to the right, with the expected line dashed."""

import svg

from .growth import expected
from .peers import OURS, RAW
from .results import quartiles

MARKS = {OURS: ("#0072b2", "circle"), RAW: ("#777777", "cross")}
EXPECTED = "#d55e00"
WIDTH, LEFT, RIGHT, TOP, PLOT, FOOT, LEGEND = 500, 74, 22, 62, 250, 52, 22
# Where the value 0 of a logarithmic axis is drawn: so much left of the next one.
ZERO = 8
UNITS = [(1 << 20, "MiB"), (1 << 10, "KiB")]


def draw(axis, series):
    """`series` by peer: the latencies and the memories in rounds."""
    medians = {peer: tuple(medians_of(points) for points in both) for peer, both in series.items()}
    lines = expected(axis, medians)
    names = ["p50 of a unary call, one core, µs", "Resident memory of the server, KiB"]
    height = TOP + PLOT + FOOT + LEGEND * (len(series) + 1)
    title = f"How a call and its server grow with {axis.title}"
    body = [svg.text(LEFT, 26, title, size=16, extra='font-weight="600"')]
    for index, name in enumerate(names):
        peers = {peer: both[index] for peer, both in series.items() if both[index].points}
        if index == 1:
            peers.pop(RAW, None)
        body += [f'<g transform="translate({index * WIDTH} 0)">',
                 *panel(axis, name, peers, lines[index], axis.expected[index]), "</g>"]
    return svg.document(2 * WIDTH, height, title, body)


def medians_of(series):
    return {x: quartiles(values)[1] for x, values in series.points.items()}


def panel(axis, name, peers, line, words):
    known = [max(x, ZERO) if axis.name == "size" else x for x in axis.values]
    across = svg.Logarithmic(min(known) / 1.3, max(known) * 1.3, LEFT, WIDTH - RIGHT)
    values = [value for series in peers.values() for each in series.points.values() for value in each]
    values += list(line.values())
    if not values:
        return
    bottom = TOP + PLOT
    up = svg.Logarithmic(min(values) / 1.5, max(values) * 1.5, bottom, TOP)
    yield svg.text(LEFT, TOP - 12, name, size=13, extra='font-weight="600"')
    for tick in up.ticks():
        y = up.place(tick)
        yield svg.line(LEFT, y, WIDTH - RIGHT, y)
        yield svg.text(LEFT - 8, y + 4, f"{tick:,.10g}", "end", 11, svg.PALE)
    for x in labelled(axis):
        place = across.place(max(x, ZERO) if axis.name == "size" else x)
        yield svg.line(place, TOP, place, bottom)
        yield svg.text(place, bottom + 16, amount(axis, x), "middle", 11, svg.PALE)
    yield svg.text((LEFT + WIDTH - RIGHT) / 2, bottom + 36, axis.title, "middle")

    def place(x, y):
        return across.place(max(x, ZERO) if axis.name == "size" else x), up.place(y)

    yield path([place(x, y) for x, y in sorted(line.items())], EXPECTED, 'stroke-dasharray="6 4"')
    for peer, series in peers.items():
        yield from curve(series, place, *MARKS[peer])
    yield from legend(peers, words, bottom + FOOT)


def curve(series, place, colour, shape):
    yield path([place(x, quartiles(values)[1]) for x, values in sorted(series.points.items())], colour)
    for x, values in series.points.items():
        low, median, high = quartiles(values)
        (left, bottom), (_, middle), (_, top) = place(x, low), place(x, median), place(x, high)
        yield svg.line(left, bottom, left, top, colour, 1.5)
        yield svg.mark(colour, shape, left, round(middle, 1))


def path(points, colour, extra=""):
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.8" {extra}/>'


def legend(peers, words, y):
    for peer in peers:
        yield svg.line(LEFT, y + 8, LEFT + 28, y + 8, MARKS[peer][0], 1.8)
        yield svg.mark(*MARKS[peer], LEFT + 14, y + 8)
        yield svg.text(LEFT + 36, y + 12, peer)
        y += LEGEND
    yield svg.line(LEFT, y + 8, LEFT + 28, y + 8, EXPECTED, 1.8, 'stroke-dasharray="6 4"')
    yield svg.text(LEFT + 36, y + 12, f"expected: {words}", size=11)


def labelled(axis):
    """The values that have a tick; of sizes those that leave each other room."""
    if axis.name != "size":
        return axis.values
    return [x for x in axis.values if x not in (64, 1 << 20, 16 << 20)]


def amount(axis, x):
    if axis.name == "size":
        for unit, name in UNITS:
            if x + 64 >= unit:
                return f"{round(x / unit)} {name}"
        return f"{x} B"
    return f"{x:,}"

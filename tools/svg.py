"""What the plots of docs/benchmarks share, written by hand as SVG."""

import math
from xml.sax.saxutils import escape

CORNERS = {
    "triangle": [(0, -5), (4.6, 3.6), (-4.6, 3.6)],
    "diamond": [(0, -5.2), (5.2, 0), (0, 5.2), (-5.2, 0)],
    "inverted": [(0, 5), (4.6, -3.6), (-4.6, -3.6)],
    "cross": [(-4.5, -1.5), (-1.5, -1.5), (-1.5, -4.5), (1.5, -4.5), (1.5, -1.5), (4.5, -1.5), (4.5, 1.5), (1.5, 1.5),
              (1.5, 4.5), (-1.5, 4.5), (-1.5, 1.5), (-4.5, 1.5)],
}
GRID, INK, PALE = "#dddddd", "#222222", "#555555"


def document(width, height, title, lines):
    """A whole picture on white ground."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *lines, "</svg>", "",
    ])


def text(x, y, words, anchor="start", size=12, fill=INK, extra=""):
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{fill}"'
    return f"<text {place}{' ' if extra else ''}{extra}>{escape(words)}</text>"


def line(x1, y1, x2, y2, colour=GRID, width=1, extra=""):
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{" " if extra else ""}{extra}/>'


def mark(colour, shape, x, y):
    """The sign of one of the things compared."""
    fill = f'fill="{colour}"'
    if shape == "line":
        return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 7}" y2="{y + 7}" stroke="{colour}" stroke-width="2"/>'
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y}" r="4" {fill}/>'
    if shape == "square":
        return f'<rect x="{x - 3.6:.1f}" y="{y - 3.6:.1f}" width="7.2" height="7.2" {fill}/>'
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in CORNERS[shape])
    return f'<polygon points="{points}" {fill}/>'


class Logarithmic:
    """A scale from `low` to `high`, drawn from `start` to `end`, with ticks at round values."""

    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, high, start, end

    def place(self, value):
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * part

    def ticks(self):
        decades = math.log10(self.high / self.low)
        steps = [1, 1.5, 2, 3, 4, 5, 6, 8] if decades < 0.9 else [1, 2, 5] if decades < 2.8 else [1]
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = [step * 10.0**power for power in powers for step in steps]
        return [tick for tick in found if self.low <= tick * 1.0001 and tick <= self.high * 1.0001]

"""Small charts as SVG, coloured by the style sheet of the page that they stand in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 460
_ROW = 22
_NAMES = 172
"""Width for names at the left of a chart, in pixels."""
_MOST_ROWS = 30


def histogram(values: Sequence[float], unit: str, *, n_bins: int = 24) -> str:
    """Return bars of how often values occur; nothing where all are alike."""
    if not values:
        return ""
    low, high = min(values), max(values)
    if low == high:
        return ""
    if all(float(v).is_integer() for v in values) and high - low < n_bins:
        n_bins = int(high - low) + 1
    width = (high - low) / n_bins
    counts = [0] * n_bins
    for value in values:
        counts[min(n_bins - 1, int((value - low) / width))] += 1
    top, height = max(counts), 84
    step = WIDTH / n_bins
    bars = "".join(
        f'<rect class="bar" x="{n * step + 0.5:.1f}" y="{height - count / top * height:.1f}" '
        f'width="{max(1.0, step - 1):.1f}" height="{count / top * height:.1f}">'
        f"<title>{_number(low + n * width)} to {_number(low + (n + 1) * width)}: {count}</title></rect>"
        for n, count in enumerate(counts)
        if count
    )
    middle = sorted(values)[len(values) // 2]
    at = (middle - low) / (high - low) * WIDTH
    axis = (
        f'<line class="axis" x1="0" x2="{WIDTH}" y1="{height}" y2="{height}"/>'
        f'<line class="median" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{height}"/>'
        f'<text x="0" y="{height + 15}">{_number(low)}</text>'
        f'<text x="{WIDTH}" y="{height + 15}" text-anchor="end">{_number(high)} {escape(unit)}</text>'
        f'<text class="strong" x="{min(max(at, 105), WIDTH - 150):.1f}" y="{height + 15}" text-anchor="middle">'
        f"median {_number(middle)}</text>"
    )
    return _svg(height + 20, bars + axis)


def ranges(rows: Sequence[tuple[str, float, float, float]], unit: str) -> str:
    """Return a line for each case from its low to its high value, with a dot between, in order of that dot.

    Parameters
    ----------
    rows : sequence of (name, low, middle, high)
        Name and three values of each case.
    unit : str
        What the values are.
    """
    rows = sorted(rows, key=lambda row: row[2])
    rows = rows[:: max(1, math.ceil(len(rows) / 240))]
    if not rows:
        return ""
    low, high = _usual_range(rows)
    span = (high - low) or 1.0
    beyond = sum(r[3] > high or r[1] < low for r in rows)
    step = min(12.0, max(1.2, 190 / len(rows)))
    height = step * len(rows) + 6

    def x(value: float) -> str:
        return f"{4 + (min(max(value, low), high) - low) / span * (WIDTH - 8):.1f}"

    lines = "".join(
        f'<g><title>{escape(name)}: {_number(a)} to {_number(c)}, median {_number(b)}</title>'
        f'<line class="range" x1="{x(a)}" x2="{x(c)}" y1="{3 + n * step:.1f}" y2="{3 + n * step:.1f}" '
        f'stroke-width="{min(4.0, step * 0.55):.1f}"/>'
        f'<circle class="dot" cx="{x(b)}" cy="{3 + n * step:.1f}" r="{min(3.0, max(1.0, step * 0.4)):.1f}"/></g>'
        for n, (name, a, b, c) in enumerate(rows)
    )
    axis = (
        f'<line class="axis" x1="0" x2="{WIDTH}" y1="{height:.1f}" y2="{height:.1f}"/>'
        f'<text x="0" y="{height + 15:.1f}">{_number(low)}</text>'
        f'<text x="{WIDTH}" y="{height + 15:.1f}" text-anchor="end">{_number(high)} {escape(unit)}</text>'
    )
    note = f'<p class="alike">{beyond} of {len(rows)} reach beyond this range</p>' if beyond else ""
    return _svg(height + 20, lines + axis) + note


def _usual_range(rows: Sequence[tuple[str, float, float, float]]) -> tuple[float, float]:
    """Return what to draw: all, or less where a few cases would squeeze the others."""
    lows, highs = sorted(r[1] for r in rows), sorted(r[3] for r in rows)
    usual_low, usual_high = lows[int(0.05 * (len(rows) - 1))], highs[int(0.95 * (len(rows) - 1))]
    span = usual_high - usual_low
    if span <= 0 or highs[-1] - lows[0] < 4 * span:
        return lows[0], highs[-1]
    return max(lows[0], usual_low - 0.3 * span), min(highs[-1], usual_high + 0.3 * span)


def strips(groups: Mapping[str, Sequence[float]], n_cases: int) -> str:
    """Return a row of dots for each group on one logarithmic axis; a dot is a case in which the group occurs."""
    often = sorted(groups, key=lambda name: -sum(v > 0 for v in groups[name]))[:_MOST_ROWS]
    shown = {name: groups[name] for name in groups if name in set(often)}
    values = [v for group in shown.values() for v in group if v > 0]
    if not values:
        return '<p class="alike">nothing is marked</p>'
    low, high = math.log10(min(values)), math.log10(max(values))
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    room = WIDTH - _NAMES - 50

    def x(value: float) -> float:
        return _NAMES + (math.log10(value) - low) / (high - low) * room

    height = _ROW * len(shown)
    grid = "".join(
        f'<line class="grid" x1="{x(10.0**power):.1f}" x2="{x(10.0**power):.1f}" y1="0" y2="{height}"/>'
        f'<text x="{x(10.0**power):.1f}" y="{height + 14}" text-anchor="middle">{_number(10.0**power)}</text>'
        for power in range(low, high + 1, max(1, (high - low) // 5))
    )
    rows = []
    for n, (name, group) in enumerate(shown.items()):
        y = n * _ROW + _ROW / 2
        there = [v for v in group if v > 0]
        dots = "".join(
            f'<circle class="dot soft" cx="{x(v):.1f}" cy="{y}" r="3"/>' for v in there[:: max(1, len(there) // 400)]
        )
        rows.append(
            f'<text class="name" x="{_NAMES - 10}" y="{y + 4}" text-anchor="end">{_short(name)}</text>{dots}'
            f'<text x="{WIDTH}" y="{y + 4}" text-anchor="end">{len(there)}/{n_cases}</text>'
        )
    note = f'<p class="alike">and {len(groups) - len(shown)} more</p>' if len(groups) > len(shown) else ""
    return _svg(height + 20, grid + "".join(rows)) + note


def bars(counts: Mapping[str, int]) -> str:
    """Return a horizontal bar for each name, longest first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])[:_MOST_ROWS]
    if not ordered:
        return ""
    top, room = ordered[0][1] or 1, WIDTH - _NAMES - 60
    rows = "".join(
        f'<text class="name" x="{_NAMES - 10}" y="{n * _ROW + 15}" text-anchor="end">{_short(name)}</text>'
        f'<rect class="bar" x="{_NAMES}" y="{n * _ROW + 4}" width="{max(1.0, count / top * room):.1f}" height="14"/>'
        f'<text x="{_NAMES + max(1.0, count / top * room) + 6:.1f}" y="{n * _ROW + 15}">{count}</text>'
        for n, (name, count) in enumerate(ordered)
    )
    return _svg(_ROW * len(ordered), rows)


def _svg(height: float, inside: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img">{inside}</svg>'


def _short(name: str, most: int = 21) -> str:
    shown = name if len(name) <= most else name[: most - 1] + "…"
    return f"<title>{escape(name)}</title>{escape(shown)}" if shown != name else escape(name)


def _number(value: float) -> str:
    """Return a number as short as a label needs it."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size <= abs(value) < 1e12:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:.3g}{letter}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"

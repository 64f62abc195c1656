"""Charts as numbers: where the ticks of an axis stand, and the table that says what a chart shows.

A drawing is nothing to whoever hears the page, reads Markdown or sits at a terminal: each chart has a table as its
twin.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from nbregistry.display.blocks import Axis, Chart, Column, Group, Line, Look, Mark, Series, Span, Table
from nbregistry.display.figures import figures

_TICKS = 5
_ROWS = 11  # of the table of curves: enough to redraw them roughly by hand
_LARGEST = 1e300
_POINTS = 40  # of the table of points


def drawable(value: float | None) -> bool:
    """Whether a number has a place on a scale: differences of still larger ones are beyond all numbers."""
    return value is not None and abs(value) < _LARGEST


class Scale(NamedTuple):
    """From ``low`` to ``high``, with ticks between them and how each is written."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def part(self, value: float) -> float:
        """Return where a value stands, 0 at the lower end and 1 at the upper."""
        return (value - self.low) / (self.high - self.low)


def scale(axis: Axis, values: Iterable[float]) -> Scale:
    """Return a scale with round ticks that holds every finite value, or exactly what the axis says."""
    found = [value for value in values if drawable(value)]
    low = axis.low if axis.low is not None else min(found, default=0.0)
    high = axis.high if axis.high is not None else max(found, default=1.0)
    if not high - low > 1e-12 * max(abs(low), abs(high)):
        low, high = low - (abs(low) or 1.0) * 0.5, high + (abs(high) or 1.0) * 0.5
    step = _step((high - low) / _TICKS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [n * step for n in range(first, last + 1)]
    low = axis.low if axis.low is not None else min(low, ticks[0])
    high = axis.high if axis.high is not None else max(high, ticks[-1])
    slack = step * 1e-6
    kept = tuple(0.0 if abs(t) < slack else t for t in ticks if low - slack <= t <= high + slack)
    return Scale(low, high, kept, tuple(figures([float(f"{t:.10g}") for t in kept])))


def _step(rough: float) -> float:
    """Return the next larger of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= rough * (1 - 1e-9))


def lengths(group: Group) -> list[tuple[float, float] | None]:
    """Return where each bar begins and how long it is, in parts of the whole width; None where there is no bar."""
    values = [bar.value if drawable(bar.value) else None for bar in group.bars]
    known = [value for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    if high == low:
        return [None if value is None else (0.0, 0.0) for value in values]
    return [
        None if value is None else ((min(value, 0.0) - low) / (high - low), abs(value) / (high - low))
        for value in values
    ]


def table(chart: Chart) -> Table:
    """Return what a chart shows, as a table: curves at a few places of the axis, points one by one."""
    drawn = [series for series in chart.series if series.mark is not Mark.GUIDE]
    curves = [series for series in drawn if series.mark is Mark.LINE and _forwards(series.x)]
    return _curves(chart, curves) if len(curves) == len(drawn) else _points(chart, drawn)


def _forwards(x: Sequence[float]) -> bool:
    return all(a <= b for a, b in pairwise(x))


def _curves(chart: Chart, curves: Sequence[Series]) -> Table:
    marks = sorted({x for series in curves for x in series.x})
    places = marks
    if len(marks) > _ROWS:
        low, high = marks[0], marks[-1]
        places = [low + (high - low) * n / (_ROWS - 1) for n in range(_ROWS)]
    heads = (Column(chart.x.label, right=True), *(Column(_named(series), right=True) for series in curves))
    columns = [figures(places), *(figures([_at(series, place) for place in places]) for series in curves)]
    more = f"{chart.y.label} at {len(places)} places of {chart.x.label}." if len(marks) > _ROWS else ""
    return Table(heads, _rows(columns), total=len(places), more=more)


def _at(series: Series, place: float) -> float | None:
    """Return a curve's height; where it rises straight up, the upper end."""
    after = bisect_right(series.x, place)
    if not series.x or place < series.x[0] or place > series.x[-1]:
        return None
    if series.x[after - 1] == place or after == len(series.x):
        return series.y[after - 1]
    left, right = series.x[after - 1], series.x[after]
    return series.y[after - 1] + (series.y[after] - series.y[after - 1]) * (place - left) / (right - left)


def _points(chart: Chart, drawn: Sequence[Series]) -> Table:
    found = [(series, x, y) for series in drawn for x, y in zip(series.x, series.y, strict=True)]
    kept = found[:: max(1, math.ceil(len(found) / _POINTS))]
    heads = (Column(""), Column(chart.x.label, right=True), Column(chart.y.label, right=True))
    columns = [[series.name for series, _, _ in kept], figures([x for _, x, _ in kept]), figures([y for *_, y in kept])]
    more = f"{len(kept)} of {len(found):,} points." if len(kept) < len(found) else ""
    return Table(heads, _rows(columns), total=len(found), more=more)


def _named(series: Series) -> str:
    return f"{series.name} ({series.note})" if series.note else series.name


def _rows(columns: Sequence[Sequence[str]]) -> tuple[tuple[Line, ...], ...]:
    return tuple(
        tuple((Span(text, Look.NUMBER if at else Look.PLAIN),) for at, text in enumerate(row))
        for row in zip(*columns, strict=True)
    )

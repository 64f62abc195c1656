"""Drawings: numbers become coordinates, and nothing but numbers and text that was escaped enters one.

Each series has a colour (those of Okabe and Ito, told apart by colour-blind eyes), a dash and a mark of its own, so
that it is known without colour too. Colours are classes of the style sheet, which mixes them with the text's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from nbregistry.display.blocks import Axis, Chart, Mark, Series
from nbregistry.display.plotted import Scale, scale

HUES = ("first", "second", "third", "fourth", "fifth")
"""Classes of the style sheet that colour a series, by its place."""

_DASHES = ("", "7 4", "2 3", "9 3 2 3", "5 2")
_WIDTH, _HEIGHT = 440.0, 300.0
_SQUARE = 320.0  # of the plane itself
_TOP, _RIGHT, _BOTTOM = 26.0, 14.0, 40.0
_MARKS = 6  # on a line
_CHARACTER = 6.3  # width of a digit at the size of the labels


def svg(chart: Chart, text: Callable[[str], str]) -> str:
    """Return a chart as an SVG element; ``text`` escapes a label."""
    x, y = _scale(chart, chart.x, 0), _scale(chart, chart.y, 1)
    left = 12.0 + _CHARACTER * max((len(label) for label in y.labels), default=1)
    wide, high = (_SQUARE, _SQUARE) if chart.square else (_WIDTH - left - _RIGHT, _HEIGHT - _TOP - _BOTTOM)
    plane = _Plane(x, y, (left, _TOP, wide, high))
    drawn = "".join(plane.series(at, series) for at, series in placed(chart.series))
    told = f"{chart.y.label} by {chart.x.label}: " + ", ".join(s.name for s in chart.series)
    return (
        f'<svg class="nbr-plot" viewBox="0 0 {_n(left + wide + _RIGHT)} {_n(_TOP + high + _BOTTOM)}" role="img"'
        f' width="{_n(left + wide + _RIGHT)}" font-size="11">'
        f"<title>{text(chart.title)}</title><desc>{text(told)}</desc>"
        f"{plane.frame(chart.x.label, chart.y.label, text)}{drawn}</svg>"
    )


def swatch(at: int, mark: Mark) -> str:
    """Return the sign of a series for a legend."""
    middle = "" if mark is Mark.GUIDE else f'<path d="{_sign(at, 13.0, 6.0)}" fill="currentColor"/>'
    line = "" if mark is Mark.POINTS else f'<path d="M1 6H25"{_stroke(at, mark)}/>'
    return (
        f'<svg class="nbr-swatch nbr-{_hue(at, mark)}" viewBox="0 0 26 12" width="26" height="12">{line}{middle}</svg>'
    )


def placed(series: Sequence[Series]) -> Iterator[tuple[int, Series]]:
    """Yield each series with its place among those that have a colour."""
    at = 0
    for one in series:
        yield at, one
        at += one.mark is not Mark.GUIDE


def _scale(chart: Chart, axis: Axis, which: int) -> Scale:
    return scale(axis, (value for s in chart.series for value in (s.y if which else s.x)))


class _Plane:
    """Where the data are drawn: two scales and the rectangle between the axes."""

    def __init__(self, x: Scale, y: Scale, box: tuple[float, float, float, float]) -> None:
        self.x, self.y = x, y
        self.left, self.top, self.wide, self.high = box

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + self.wide * self.x.part(x), self.top + self.high * (1 - self.y.part(y))

    def frame(self, below: str, above: str, text: Callable[[str], str]) -> str:
        """Draw grid, ticks and labels."""
        right, bottom = self.left + self.wide, self.top + self.high
        grid = "".join(f"M{_n(self.left)} {_n(self.at(self.x.low, t)[1])}H{_n(right)}" for t in self.y.ticks)
        base = f"M{_n(self.left)} {_n(bottom)}H{_n(right)}"
        ticks = "".join(f"M{_n(self.at(t, self.y.low)[0])} {_n(bottom)}v4" for t in self.x.ticks)
        labels = [
            (self.left - 6, self.at(self.x.low, tick)[1] + 4, "end", label)
            for tick, label in zip(self.y.ticks, self.y.labels, strict=True)
        ]
        labels += [
            (self.at(tick, self.y.low)[0], bottom + 16, "middle", label)
            for tick, label in zip(self.x.ticks, self.x.labels, strict=True)
        ]
        labels += [(self.left + self.wide / 2, bottom + 33, "middle", below), (2.0, 12.0, "start", above)]
        words = "".join(
            f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" fill="currentColor" fill-opacity=".75">'
            f"{text(label)}</text>"
            for x, y, anchor, label in labels
        )
        return (
            f'<path d="{grid}" stroke="currentColor" stroke-opacity=".12"/>'
            f'<path d="{base}{ticks}" stroke="currentColor" stroke-opacity=".4"/>{words}'
        )

    def series(self, at: int, series: Series) -> str:
        """Draw one series; what is not finite is left out, and a line breaks there."""
        points = [self.at(x, y) if self._seen(x, y) else None for x, y in zip(series.x, series.y, strict=True)]
        hue = _hue(at, series.mark)
        if series.mark is Mark.POINTS:
            signs = "".join(_sign(at, *point) for point in points if point is not None)
            return f'<path class="nbr-{hue}" d="{signs}" fill="currentColor" fill-opacity=".5"/>'
        lines = "".join(f"M{_joined(run)}" for run in _runs(points))
        drawn = f'<path d="{lines}"{_stroke(at, series.mark)}/>'
        if series.mark is Mark.LINE:
            drawn += f'<path d="{"".join(_sign(at, *point) for point in _spread(points))}" fill="currentColor"/>'
        return f'<g class="nbr-{hue}">{drawn}</g>'

    def _seen(self, x: float, y: float) -> bool:
        """Whether a point lies in the plane; the ends of an axis may be those that were asked for."""
        parts = (self.x.part(x), self.y.part(y))
        return all(-1e-9 <= part <= 1 + 1e-9 for part in parts)


def _runs(points: Sequence[tuple[float, float] | None]) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for point in (*points, None):
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []


def _spread(points: Sequence[tuple[float, float] | None]) -> list[tuple[float, float]]:
    """Return points for marks, all of a few or some that stand evenly along the line."""
    found = [point for point in points if point is not None]
    if len(found) <= 2 * _MARKS:
        return found
    way = [0.0]
    for (x, y), (next_x, next_y) in pairwise(found):
        way.append(way[-1] + math.hypot(next_x - x, next_y - y))
    wanted = [way[-1] * (n + 0.5) / _MARKS for n in range(_MARKS)]
    return [found[min(range(len(way)), key=lambda i, w=w: abs(way[i] - w))] for w in wanted]  # type: ignore[misc]  # a default that mypy cannot infer


def _stroke(at: int, mark: Mark) -> str:
    if mark is Mark.GUIDE:
        return ' fill="none" stroke="currentColor" stroke-opacity=".8" stroke-dasharray="3 4"'
    dash = f' stroke-dasharray="{_DASHES[at % 5]}"' if _DASHES[at % 5] else ""
    return f' fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round"{dash}'


def _hue(at: int, mark: Mark) -> str:
    return "guide" if mark is Mark.GUIDE else HUES[at % 5]


def _sign(at: int, x: float, y: float) -> str:
    """Return the outline of a mark around a point: circle, square, triangle, diamond, cross."""
    shapes = (
        f"M{_n(x - 3)} {_n(y)}a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
        f"M{_n(x - 2.8)} {_n(y - 2.8)}h5.6v5.6h-5.6z",
        f"M{_n(x)} {_n(y - 3.6)}l3.5 6.2h-7z",
        f"M{_n(x)} {_n(y - 3.9)}l3.9 3.9l-3.9 3.9l-3.9-3.9z",
        f"M{_n(x - 1)} {_n(y - 3.6)}h2v2.6h2.6v2h-2.6v2.6h-2v-2.6h-2.6v-2h2.6z",
    )
    return shapes[at % 5]


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _n(value: float) -> str:
    """Write a coordinate."""
    return f"{value:.1f}".removesuffix(".0")

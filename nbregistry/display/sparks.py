"""Small pictures that stand in a line of text: a course of values as a line, a distribution as bars.

They say how something went or lies, never how much: the numbers stand beside them. Drawn from numbers alone, as SVG
where there is HTML and with block characters elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from nbregistry.display.blocks import Spark
from nbregistry.display.visible import ours

MOST = 60
"""Values of one picture; of a longer course the last ones."""

WIDTH, HEIGHT = 76, 18
_EDGE = 2.0  # units left free around the line, so that its end's dot is whole
_LEVELS = "▁▂▃▄▅▆▇█"


def finite(value: float | None) -> float | None:
    """Return a number that can be drawn; None for what cannot."""
    if value is None:
        return None
    try:
        found = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def heights(spark: Spark) -> list[float | None]:
    """Return where each value stands between 0 and 1; None for what is no finite number.

    Bars start at nothing; a line shows the difference between its lowest and its highest, however small.
    """
    values = [finite(value) for value in spark.values[-MOST:]]
    known = [value for value in values if value is not None]
    if not known:
        return [None] * len(values)
    # Halves, since the difference of the largest and the smallest double is beyond all doubles.
    low, high = (0.0 if spark.bars else min(known)) / 2, max(known) / 2
    if high <= low:
        flat = 0.0 if spark.bars else 0.5
        return [None if value is None else flat for value in values]
    return [None if value is None else max((value / 2 - low) / (high - low), 0.0) for value in values]


def characters(spark: Spark) -> str:
    """Draw with block characters; a space stands where there is no value."""
    return "".join(" " if h is None else _LEVELS[round(h * (len(_LEVELS) - 1))] for h in heights(spark))


def svg(spark: Spark) -> str:
    """Draw as SVG in the colours of the text around it."""
    found = heights(spark)
    drawn = _bars(found) if spark.bars else _lines(found)
    # Only what we make ourselves stands in an attribute; what a user named is told in the text beside it.
    told = f'role="img" aria-label="{escape(spark.told)}"' if ours(spark.told) else 'aria-hidden="true"'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg class="nbr-spark" {size} {told}>{drawn}</svg>'


def _bars(found: Sequence[float | None]) -> str:
    step = WIDTH / max(len(found), 1)
    room = HEIGHT - 1
    # A value that is there but small still shows.
    sizes = [0.0 if not h else max(h * room, 1.0) for h in found]
    return "".join(
        f'<rect x="{at * step:.2f}" y="{HEIGHT - size:.2f}" width="{max(step - 1, 0.6):.2f}" height="{size:.2f}"/>'
        for at, size in enumerate(sizes)
        if size
    )


def _lines(found: Sequence[float | None]) -> str:
    step = (WIDTH - 2 * _EDGE) / max(len(found) - 1, 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for at, h in enumerate(found):
        if h is None:
            runs.append([])
        else:
            runs[-1].append((_EDGE + at * step, HEIGHT - _EDGE - h * (HEIGHT - 2 * _EDGE)))
    drawn = "".join(
        f'<polyline points="{" ".join(f"{x:.2f},{y:.2f}" for x, y in run)}"/>' for run in runs if len(run) > 1
    )
    ends = [run for run in runs if run]
    if not ends:
        return drawn
    x, y = ends[-1][-1]
    return f'{drawn}<circle cx="{x:.2f}" cy="{y:.2f}" r="1.8"/>'

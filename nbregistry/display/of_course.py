"""How the metrics of a model went from version to version, up to one of them."""

from __future__ import annotations

from collections.abc import Sequence

from nbregistry.display import marks
from nbregistry.display.blocks import GAP, Column, Line, Look, Span, Spark, Table, Title, View
from nbregistry.display.figures import figures
from nbregistry.display.visible import inline, ours
from nbregistry.domain.comparison import direction
from nbregistry.domain.entities import ModelVersion

_MOST = 100
_COLUMNS = ("Metric", "This version", "Before", "Change", "Best", "Trend")


def course(v: ModelVersion, earlier: Sequence[ModelVersion]) -> View:
    """Tell of each metric of a version: what it is, what it was, the best it ever was, and how it went.

    Parameters
    ----------
    earlier : sequence of ModelVersion
        The versions before it, the oldest first.
    """
    if not v.metrics:
        return View((Title((Span("No metrics were given with this version.", Look.MUTED),)),))
    rows = tuple(_row(name, v, earlier) for name in list(v.metrics)[:_MOST])
    columns = tuple(Column(name, right=name not in ("Metric", "Trend"), firm=name == "Trend") for name in _COLUMNS)
    beyond = len(v.metrics) - len(rows)
    more = f"{beyond:,} more: see .metrics." if beyond > 0 else ""
    return View((Table(columns, rows, total=len(v.metrics), more=more),))


def _row(name: str, v: ModelVersion, earlier: Sequence[ModelVersion]) -> tuple[Line, ...]:
    better = direction(name)
    values = [one.metrics.get(name) for one in (*earlier, v)]
    now, before = values[-1], values[-2] if len(values) > 1 else None
    known = [value for value in values if value is not None and value == value]  # noqa: PLR0124  # nan is not itself
    best = None if better is None or not known else max(known) if better == "up" else min(known)
    texts = figures([now, before, best])
    drawn: Line = ()
    if len(known) > 1:
        told = f"{len(values)} versions, from {figures([known[0]])[0]} to {figures([known[-1]])[0]}"
        drawn = (Spark(tuple(values), told=told if ours(told) else ""),)
    return (
        (Span(inline(name, 80)),),
        _number(now, texts[0]),
        _number(before, texts[1]),
        marks.moved(now, before, better) if len(values) > 1 else (GAP,),
        _number(best, texts[2]),
        drawn,
    )


def _number(value: object, text: str) -> Line:
    return (GAP,) if value is None else (Span(text, Look.NUMBER, title=repr(value)),)

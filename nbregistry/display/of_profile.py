"""What the training data were like: a row for each column, with a small picture of how its values lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nbregistry.display import marks
from nbregistry.display.blocks import (
    GAP,
    MOST_ROWS,
    Block,
    Column,
    Facts,
    Heading,
    Line,
    Look,
    Span,
    Spark,
    Table,
    Title,
    View,
    spaced,
)
from nbregistry.display.figures import figure
from nbregistry.display.visible import inline

_TOP = 4  # frequent values that are named
_COLUMNS = (
    Column("Column"),
    Column("Type", firm=True),
    Column("Missing", right=True),
    Column("Distinct", right=True),
    Column("Distribution", firm=True),
    Column("Values", wide=True),
)


def profile(found: Mapping[str, Any]) -> View:
    """Tell of a captured ``profile``."""
    if not found:
        return View((Title((Span("No data profile was captured: no data was given.", Look.MUTED),)),))
    rows = _count(found.get("rows")) or 0
    columns = [one for one in _listed(found.get("columns")) if isinstance(one, Mapping)]
    total = _count(found.get("columns_total")) or len(columns)
    seen = _count(found.get("sample_rows")) or rows
    parts: list[Line] = [(Span(f"{rows:,} rows of {total:,} columns"),)]
    if found.get("sampled"):
        parts.append((Span(f"figures of {seen:,} rows", Look.MUTED),))
    facts: list[tuple[str, Line]] = [("Data", spaced(parts))]
    if found.get("fingerprint"):
        facts.append(("Fingerprint", (marks.digest(str(found["fingerprint"])),)))
    blocks: list[Block] = [Facts(tuple(facts))]
    if columns:
        blocks.append(_table(columns, seen, total))
    target = found.get("target")
    if isinstance(target, Mapping):
        blocks += [Heading("Target"), _table([target], seen, 1)]
    return View(tuple(blocks))


def _table(columns: list[Mapping[str, Any]], rows: int, total: int) -> Table:
    drawn = columns[:MOST_ROWS]
    beyond = total - len(drawn)
    more = f"{beyond:,} more columns: see .details('profile')." if beyond > 0 else ""
    return Table(_COLUMNS, tuple(_row(one, rows) for one in drawn), total=total, more=more)


def _row(one: Mapping[str, Any], rows: int) -> tuple[Line, ...]:
    missing, distinct = _count(one.get("missing")), _count(one.get("distinct"))
    share: Line = ()
    if missing:
        share = (Span(f"{missing / rows:.1%}" if rows else f"{missing:,}", Look.WARN, title=str(missing)),)
    return (
        (Span(inline(str(one.get("name") or "(no name)"), 80)),),
        (Span(inline(str(one.get("dtype", "")), 40), Look.CODE),),
        share or (Span("0", Look.MUTED) if missing == 0 else GAP,),
        (Span(f"{distinct:,}", Look.NUMBER),) if distinct is not None else (GAP,),
        _distribution(one),
        _values(one),
    )


def _distribution(one: Mapping[str, Any]) -> Line:
    histogram = one.get("histogram")
    if isinstance(histogram, Mapping) and (counts := _counts(histogram.get("counts"))):
        return (Spark(counts, bars=True, told=f"histogram of {len(counts)} bins"),)
    if counts := _counts([pair[1] for pair in _top(one)]):
        return (Spark(counts, bars=True, told=f"the {len(counts)} most frequent values"),)
    return ()


def _values(one: Mapping[str, Any]) -> Line:
    """Return range and middle of numbers, the range of moments, the most frequent of words."""
    low, high = one.get("min"), one.get("max")
    parts: list[Line] = []
    if isinstance(low, str) and isinstance(high, str):
        parts.append(tuple(Span(text, Look.NUMBER) for text in (_short(low), "to", _short(high))))
    elif low is not None and high is not None:
        parts.append((Span(f"{figure(low)} to {figure(high)}", Look.NUMBER),))
    if (mean := _number(one.get("mean"))) is not None:
        spread = _number(one.get("std"))
        text = f"mean {figure(mean)}" + (f" ± {figure(spread)}" if spread is not None else "")
        parts.append((Span(text, Look.MUTED),))
    top = _top(one)
    if top:
        named = ((Span(inline(str(value), 40)), Span(f"{count:,}", Look.MUTED)) for value, count in top[:_TOP])
        parts += named
    if isinstance(lengths := one.get("lengths"), Mapping):
        said = f"{figure(lengths.get('min'))} to {figure(lengths.get('max'))} characters; not kept: each nearly unique"
        parts.append((Span(said, Look.MUTED),))
    return spaced(parts)


def _top(one: Mapping[str, Any]) -> list[tuple[Any, int]]:
    return [
        (pair[0], pair[1])
        for pair in _listed(one.get("top"))
        if isinstance(pair, list | tuple) and len(pair) == 2 and _count(pair[1]) is not None
    ]


def _counts(found: Any) -> tuple[float, ...]:
    """Return what can be drawn as bars; nothing where only a part of it can."""
    numbers = [_number(count) for count in _listed(found)]
    known = [count for count in numbers if count is not None and count >= 0]
    return tuple(known) if len(known) == len(numbers) else ()


def _short(text: str) -> str:
    """Return a moment as far as it says something: without a midnight or parts of a second."""
    day, _, clock = text.partition("T")
    clock = clock.partition(".")[0]
    return inline(day if clock in ("", "00:00:00") else f"{day} {clock}", 40)


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    return float(value) if good and math.isfinite(value) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _listed(found: Any) -> list[Any] | tuple[Any, ...]:
    return found if isinstance(found, list | tuple) else ()

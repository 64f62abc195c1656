"""Versions side by side: what differs, section by section, and in one line each for a card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nbregistry.display import marks
from nbregistry.display.blocks import (
    GAP,
    MOST_ROWS,
    Block,
    Column,
    Foot,
    Heading,
    Line,
    Look,
    Patch,
    Span,
    Table,
    Title,
    View,
    spaced,
)
from nbregistry.display.figures import figures, is_number
from nbregistry.display.visible import inline
from nbregistry.domain import diff
from nbregistry.domain.comparison import ABSENT, Change, Comparison, Row, Section
from nbregistry.domain.entities import ModelVersion

_MOST_PATCHES, _MOST_LINES = 20, 60
_WORDS = {Change.BUMPED: "newer", Change.LOWERED: "older", Change.SAME: ""}
_FOR_CARD = ("parameters", "environment", "schema", "data", "code")


def comparison(found: Comparison) -> View:
    """Tell what differs; sections in which nothing does are named at the end."""
    between: list[Span] = []
    for version in found.versions:
        between += [Span("·", Look.MUTED), Span(version.ref, Look.STRONG), *marks.stage_if_any(version.stage)]
    blocks: list[Block] = [Title(tuple(between[1:]))]
    quiet: list[str] = []
    for part in found.sections:
        if part.rows:
            blocks += _section(part, found.refs)
        else:
            quiet.append(f"{part.name} ({part.note.rstrip('.')})" if part.note else part.name)
    if quiet:
        blocks.append(Foot((Span("No difference:", Look.MUTED), Span("; ".join(quiet)))))
    return View(tuple(blocks), framed=True)


def section(found: Section) -> View:
    """Tell one section, whose versions are known by their places alone."""
    count = len(found.rows[0].values) if found.rows else 0
    return View(section_blocks(found, [str(n + 1) for n in range(count)]), framed=True)


def section_blocks(found: Section, refs: Sequence[str]) -> tuple[Block, ...]:
    """Return one section as blocks, a heading first; ``refs`` head the columns."""
    return tuple(_section(found, refs))


def named(found: Section, refs: Sequence[str]) -> list[Block]:
    """Tell one section of the versions that have these references."""
    return _section(found, refs)


def _section(found: Section, refs: Sequence[str]) -> list[Block]:
    said = [f"{found.same:,} the same" if found.same else "", found.note]
    heading = Heading(found.title, spaced((Span(text, Look.MUTED),) for text in said if text))
    rows = [row for row in found.rows if not row.lines]
    blocks: list[Block] = [heading]
    if rows:
        columns = (
            Column(""),
            *(Column(ref, right=_numeric(rows, at)) for at, ref in enumerate(refs)),
            Column("Change"),
        )
        beyond = len(rows) - MOST_ROWS
        more = f"{beyond:,} more: .to_frame() has them all." if beyond > 0 else ""
        blocks.append(Table(columns, tuple(map(_row, rows[:MOST_ROWS])), total=len(rows), more=more))
    for row in [row for row in found.rows if row.lines][:_MOST_PATCHES]:
        lines, beyond = _lines(row.lines[:_MOST_LINES]), len(row.lines) - _MOST_LINES
        note = (Span(inline(row.note), Look.MUTED),) if row.note else ()
        label = spaced(((Span(inline(row.key, 80), Look.STRONG),), note, _word(row)))
        rest = ((Look.MUTED, f"… {beyond:,} more lines"),) if beyond > 0 else ()
        blocks.append(Patch(label, (*lines, *rest)))
    return blocks


def _lines(unified: Sequence[str]) -> list[tuple[Look, str]]:
    """Give each line of a diff its look; a header looks like a changed line but for the header after it."""
    heads = {at + n for at in range(len(unified) - 1) for n in (0, 1) if _head(unified[at], unified[at + 1])}
    looks = {"+": Look.GOOD, "-": Look.BAD}
    drawn: list[tuple[Look, str]] = []
    for at, line in enumerate(unified):
        if at in heads or line.startswith("@@"):
            drawn.append((Look.MUTED, line))
        else:
            drawn.append((looks.get(line[:1], Look.PLAIN), f"{line[:1]} {line[1:]}"))
    return drawn


def _head(line: str, after: str) -> bool:
    return line.startswith("--- ") and after.startswith("+++ ")


def _numeric(rows: Sequence[Row], at: int) -> bool:
    """Whether a column holds numbers and nothing else that is written out."""
    values = [row.values[at] for row in rows if row.values[at] not in (ABSENT, None)]
    return bool(values) and all(map(is_number, values))


def _row(found: Row) -> tuple[Line, ...]:
    name: Line = (Span(inline(found.key, 120)),)
    if found.note:
        name = (*name, Span(inline(found.note, 80), Look.MUTED))
    texts = figures([value if is_number(value) else None for value in found.values])
    best = _best(found)
    values = tuple(_value(v, text, v == best) for v, text in zip(found.values, texts, strict=True))
    return (name, *values, _change(found))


def _best(found: Row) -> float | None:
    """Return the best of three or more numbers, where the name tells what is better; of two the change says it."""
    values = [value for value in found.values if isinstance(value, int | float) and is_number(value)]
    if found.better is None or len(found.values) < 3 or len(set(values)) < 2:
        return None
    return max(values) if found.better == "up" else min(values)


def _value(value: diff.Value, text: str, best: bool) -> Line:
    if value is ABSENT:
        return (GAP,)
    if is_number(value):
        return (Span(text, Look.GOOD if best else Look.NUMBER, title=repr(value) if isinstance(value, float) else ""),)
    return (Span(marks.value_text(value), Look.PLAIN if isinstance(value, str) else Look.CODE),)


def _change(found: Row) -> Line:
    if found.delta is not None and len(found.values) == 2:
        percent = f"{found.relative:+.1%}" if found.relative is not None and abs(found.relative) < 10 else ""
        moved = marks.moved(found.values[1], found.values[0], found.better)
        return (*moved, Span(percent, Look.MUTED)) if percent and found.delta else moved
    return _word(found)


def _word(found: Row) -> Line:
    word = _WORDS.get(found.status, found.status.value)
    return (Span(word, Look.MUTED),) if word else ()


def since(previous: ModelVersion, version: ModelVersion) -> tuple[tuple[str, Line], ...]:
    """Return a line for each section in which a version differs from the one before it."""
    found = diff.compare((previous, version))
    rows = [(name, found.section(name).rows) for name in _FOR_CARD]
    if previous.estimator != version.estimator:
        # Two kinds of estimator share hardly a parameter: what counts is which kind, and what somebody chose.
        chosen = {*previous.changed_params, *version.changed_params}
        rows = [(n, tuple(r for r in found_ if r.key in chosen) if n == "parameters" else found_) for n, found_ in rows]
        rows.insert(0, ("about", tuple(r for r in found.section("about").rows if r.key == "estimator")))
    return tuple((name, _code(rows) if name == "code" else _summary(rows)) for name, rows in rows if rows)


def _summary(rows: Sequence[Row], most: int = 4) -> Line:
    parts: list[Line] = []
    for row in rows[:most]:
        before, after = (None if value is ABSENT else value for value in (row.values[0], row.values[-1]))
        parts.append((Span(f"{inline(row.key, 60)}:", Look.MUTED), *marks.step(before, after)))
    if len(rows) > most:
        parts.append((Span(f"{len(rows) - most:,} more", Look.MUTED),))
    return spaced(parts)


def _code(rows: Sequence[Row]) -> Line:
    counted = Counter(row.status for row in rows if row.lines)
    words = [f"{n:,} cell{'' if n == 1 else 's'} {status.value}" for status, n in counted.items()]
    return spaced([*((Span(word),) for word in words), _summary([row for row in rows if not row.lines])])

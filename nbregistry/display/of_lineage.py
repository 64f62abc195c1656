"""Where a version comes from and where it went: its data, the code that made it, the version itself, its stages.

Only what was captured is told. Each step that was not is named with what would have captured it, so that a gap in the
chain is seen as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbregistry.display import marks
from nbregistry.display.blocks import (
    Block,
    Bullets,
    Column,
    Facts,
    Heading,
    Line,
    Look,
    Span,
    Table,
    View,
    When,
    spaced,
)
from nbregistry.display.figures import figure, size
from nbregistry.display.visible import first_line, inline
from nbregistry.domain.entities import Event, ModelVersion
from nbregistry.domain.lifecycle import Stage
from nbregistry.errors import RegistryError

_UNREADABLE = (RegistryError, OSError, AttributeError, KeyError, TypeError, ValueError)
"""Of a captured file that is damaged, or was written by somebody else's program."""

_STAGES = frozenset(stage.value for stage in Stage)
_CANNOT: Line = (Span("cannot be read; verify() tells more", Look.BAD),)


def lineage(v: ModelVersion, events: Sequence[Event], previous: ModelVersion | None = None) -> View:
    """Tell how a version came to be and what became of it.

    Parameters
    ----------
    events : sequence of Event
        The audit of the version, oldest first.
    previous : ModelVersion
        The one before it, for what they share.
    """
    steps = (
        ("Data", _told(_data, v, previous)),
        ("Code", _told(_code, v, previous)),
        ("Estimator", _estimator(v)),
        ("Version", _version(v)),
    )
    blocks: list[Block] = [Facts(steps)]
    rows = [row for event in events if (row := _move(event, v.number)) is not None]
    blocks.append(Heading("Stages"))
    if rows:
        columns = (Column("When", firm=True), Column("Stage", firm=True), Column("By"), Column("Why", wide=True))
        blocks.append(Table(columns, tuple(rows), total=len(rows)))
    else:
        blocks.append(Bullets(((Span("It was never promoted.", Look.MUTED),),)))
    return View(tuple(blocks))


def _told(tell: Any, v: ModelVersion, previous: ModelVersion | None) -> Line:
    try:
        found: Line = tell(v, previous)
    except _UNREADABLE:
        return _CANNOT
    return found


def _data(v: ModelVersion, previous: ModelVersion | None) -> Line:
    found = v.details("profile")
    if not found:
        return (Span("not captured: register with X=", Look.MUTED),)
    count = f"{int(found['rows']):,} rows of {int(found.get('columns_total', len(found['columns']))):,} columns"
    parts: list[Line] = [(Span(count),), (marks.digest(str(found["fingerprint"])),)]
    before = previous.details("profile") if previous else {}
    if before and previous:
        same = before.get("fingerprint") == found["fingerprint"]
        parts.append((Span(f"{'the same as' if same else 'not those of'} {previous.ref}", Look.MUTED),))
    return spaced(parts)


def _code(v: ModelVersion, previous: ModelVersion | None) -> Line:
    found = v.details("source")
    if not found:
        return (Span("not captured: there was neither a notebook's cells nor a git checkout", Look.MUTED),)
    cells = [cell for cell in found.get("cells") or () if isinstance(cell, dict)]
    git = found.get("git") or {}
    parts: list[Line] = []
    if found.get("notebook"):
        parts.append((Span(inline(str(found["notebook"]), 80), Look.CODE),))
    if cells:
        counts = [cell["count"] for cell in cells if isinstance(cell.get("count"), int)]
        order = f", In [{counts[0]}] to In [{counts[-1]}]" if len(counts) > 1 else ""
        parts.append((Span(f"{len(cells):,} cell{'' if len(cells) == 1 else 's'}{order}"),))
        if edited := sum(bool(cell.get("flags")) for cell in cells):
            parts.append((Span(f"{edited} edited after run", Look.WARN),))
    if git.get("commit"):
        parts.append((Span("git"), marks.digest(str(git["commit"]))))
        if git.get("dirty") or git.get("diff"):
            parts.append((Span("uncommitted changes", Look.WARN),))
    return spaced(parts)


def _estimator(v: ModelVersion) -> Line:
    parts: list[Line] = [(Span(inline(v.estimator or "not known", 120), Look.CODE),)]
    if v.params:
        chosen = sum(name in v.params for name in v.changed_params)
        parts.append((Span(f"{chosen:,} of {len(v.params):,} parameters set", Look.MUTED),))
    return spaced(parts)


def _version(v: ModelVersion) -> Line:
    metrics = [f"{inline(name, 40)} {figure(value)}" for name, value in list(v.metrics.items())[:3]]
    return spaced(
        (
            (Span(v.ref, Look.STRONG),),
            (marks.digest(v.digest), Span(size(v.size), Look.MUTED)),
            tuple(Span(text) for text in metrics),
            (Span("by"), Span(inline(v.created_by, 60)), When(v.created_at)),
        )
    )


def _move(event: Event, number: int) -> tuple[Line, ...] | None:
    """Return a row for an event that moved the version, be it because another took its place."""
    before, after = _stage(event.before, number), _stage(event.after, number)
    if after is None or before is after:
        return None
    told: Line = (marks.stage(after),)
    if before is not None and before is not Stage.NONE:
        told = (marks.stage(before), Span("→", Look.MUTED), marks.stage(after))
    why: Line = (Span(first_line(event.reason)),) if event.reason.strip() else ()
    if event.action != "promote":
        why = (Span(inline(event.action, 20), Look.MUTED), *why)
    return ((When(event.time),), told, (Span(inline(event.user, 60)),), why)


def _stage(found: Mapping[str, Any], number: int) -> Stage | None:
    """Return the stage that an audit line gives to the version, whose model may have had another name then."""
    for ref, value in found.items():
        if ref.rpartition("/")[2] == str(number) and value in _STAGES:
            return Stage(value)
    return None

"""Estimators in a kernel: what each is, how it stands to the registry, and the line that registers it."""

from __future__ import annotations

from collections import Counter

from nbregistry.display.blocks import (
    GAP,
    MOST_ROWS,
    Block,
    Code,
    Column,
    Foot,
    Heading,
    Line,
    Look,
    Span,
    Table,
    Title,
    View,
    spaced,
)
from nbregistry.display.figures import size, together
from nbregistry.display.visible import inline
from nbregistry.domain.estimators import Estimator, Estimators, Standing

_BADGES = {
    Standing.REGISTERED: Span("registered", Look.BADGE_GOOD),
    Standing.CHANGED: Span("changed", Look.BADGE_WARN),
    Standing.NEW: Span("not registered", Look.BADGE_INFO),
    Standing.UNKNOWN: Span("not known", Look.BADGE),
}
_MOST_LINES = 20
_COUNTED = {
    Standing.REGISTERED: "registered",
    Standing.CHANGED: "changed since",
    Standing.NEW: "not registered",
    Standing.UNKNOWN: "not known",
}


def estimators(found: Estimators) -> View:
    """Tell of estimators, one row each."""
    foot = _unfitted(found)
    if not found:
        return View((Title((Span("No fitted estimator among the variables here.", Look.MUTED),)), *foot))
    columns = [Column("Variable"), Column("Estimator"), Column("Registry", firm=True), Column("Size", right=True)]
    if where := any(e.count is not None or e.cell for e in found):
        columns.append(Column("Made in", firm=True))
    rows = tuple(_row(e, where=where) for e in found[:MOST_ROWS])
    more = f"{len(found) - MOST_ROWS:,} more: .to_frame() has them all." if len(found) > MOST_ROWS else ""
    counted = Counter(e.standing for e in found if not (e.part_of and e.standing is Standing.NEW))
    told = [(Span(f"{counted[kind]:,} {word}", Look.MUTED),) for kind, word in _COUNTED.items() if counted[kind]]
    count = Span(f"{len(found):,} fitted estimator{'' if len(found) == 1 else 's'} here", Look.STRONG)
    return View(
        (Title((count,), spaced(told)), Table(tuple(columns), rows, total=len(found), more=more), *_lines(found), *foot)
    )


def estimator(found: Estimator) -> View:
    """Tell of one estimator."""
    return estimators(Estimators([found]))


def words(found: Estimator) -> str:
    """Return how an estimator stands to the registry in plain words, for where nothing can be drawn."""
    if found.part_of and found.standing is Standing.NEW:
        return f"a part of {inline(found.part_of, 40)}"
    since = f" since {found.ref}" if found.standing is Standing.CHANGED else f" as {found.ref}" if found.ref else ""
    return f"{_BADGES[found.standing].text}{since}"


def standing(found: Estimator) -> Line:
    """Return how an estimator stands to the registry."""
    if found.part_of and found.standing is Standing.NEW:
        return (Span(f"a part of {inline(found.part_of, 60)}", Look.MUTED),)
    line: list[Span] = [_BADGES[found.standing]]
    if found.ref:
        line += [Span("since", Look.MUTED)] if found.standing is Standing.CHANGED else []
        line.append(Span(found.ref, Look.CODE))
    if found.state:
        line.append(Span(found.state, Look.BADGE_BAD))
    if found.equal:
        line.append(Span(f"also {inline(together(found.equal, 2))}", Look.MUTED))
    if found.why:
        line.append(Span(found.why, Look.MUTED))
    return tuple(line)


def _row(found: Estimator, *, where: bool) -> tuple[Line, ...]:
    variable: list[Span] = [Span(inline(found.variable, 60), Look.CODE)]
    if found.also:
        variable.append(Span(f"also {inline(together(found.also), 80)}", Look.MUTED))
    kind: list[Span] = [Span(inline(found.kind.rpartition(".")[2] or found.kind, 60), Look.CODE)]
    if found.fitted is None:
        kind.append(Span("fitted, as far as can be told", Look.MUTED))
    cells: list[Line] = [tuple(variable), tuple(kind), standing(found)]
    cells.append((Span(size(found.size), Look.NUMBER) if found.size is not None else GAP,))
    if where:
        cells.append((_cell(found),))
    return tuple(cells)


def _cell(found: Estimator) -> Span:
    if found.count is not None:
        return Span(f"cell [{found.count}]", Look.NUMBER)
    return Span(f"cell {inline(found.cell, 8)}") if found.cell else GAP


def _lines(found: Estimators) -> tuple[Block, ...]:
    """Return what registers those that are in no version, to be copied."""
    lines = tuple(inline(e.line, 200) for e in found if e.line)
    if not lines:
        return ()
    more = (Span(f"{len(lines) - _MOST_LINES:,} more in .to_frame()", Look.MUTED),) if len(lines) > _MOST_LINES else ()
    return Heading("To register", more), Code(lines[:_MOST_LINES])


def _unfitted(found: Estimators) -> tuple[Block, ...]:
    if not found.unfitted:
        return ()
    return (Foot((Span("Not fitted:", Look.MUTED), Span(inline(together(found.unfitted, 6), 160), Look.CODE))),)


def brief(found: Estimator) -> str:
    """Return an estimator in one line, for ``repr``."""
    ref = f" {found.ref}" if found.ref else ""
    return inline(f"<Estimator {found.variable}: {found.kind.rpartition('.')[2]}, {found.standing.value}{ref}>")

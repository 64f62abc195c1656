"""What made a version: the notebook, the state of the checkout, and the cells as they ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nbregistry.display import marks, syntax
from nbregistry.display.blocks import Block, Facts, Line, Look, Patch, Source, Span, Title, View, When, spaced
from nbregistry.display.figures import together
from nbregistry.display.visible import inline
from nbregistry.domain.commits import moment

MOST_CELLS = 60
"""Cells whose code is shown, the last ones: what was registered is made at the end."""

_DIFF_LINES = 400
_UNKNOWN = (KeyError, TypeError, ValueError, AttributeError)
"""Of a captured file that somebody else's program wrote."""


def source(found: Mapping[str, Any]) -> View:
    """Tell of a captured ``source``."""
    if not found:
        said = "No code was captured: there was neither a notebook's cells nor a git checkout."
        return View((Title((Span(said, Look.MUTED),)),))
    git = found.get("git")
    git = git if isinstance(git, Mapping) else {}
    rows: list[tuple[str, Line]] = []
    if found.get("notebook"):
        rows.append(("Notebook", (Span(str(found["notebook"]), Look.CODE),)))
    rows += _checkout(git)
    blocks: list[Block] = [Facts(tuple(rows))] if rows else []
    cells = [cell for cell in _listed(found.get("cells")) if isinstance(cell, Mapping)]
    beyond = len(cells) - MOST_CELLS
    if beyond > 0:
        blocks.append(Title((Span(f"{beyond:,} earlier cells are not shown.", Look.MUTED),)))
    blocks += [Source(label(cell), syntax.pieces(str(cell.get("code", "")))) for cell in cells[-MOST_CELLS:]]
    return View((*blocks, *_uncommitted(git)))


def label(cell: Mapping[str, Any]) -> Line:
    """Return what is known of a cell's run: its place in the order, how it went, whether it was edited since."""
    count = cell.get("count")
    parts: list[Line] = [(Span(f"In [{count}]" if isinstance(count, int) else "In [ ]", Look.CODE),)]
    if cell.get("ok") is False:
        parts.append((Span("failed", Look.BADGE_BAD),))
    parts += [(Span(inline(str(flag), 60), Look.BADGE_WARN),) for flag in _listed(cell.get("flags"))]
    seconds = cell.get("seconds")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0:
        parts.append((Span(_lasted(seconds), Look.MUTED),))
    if (started := _moment(cell.get("started"))) is not None:
        parts.append((When(started),))
    if secrets := len(_listed(cell.get("secrets"))):
        parts.append((Span(f"{secrets} secret{'s' if secrets > 1 else ''} taken out", Look.WARN),))
    return spaced(parts)


def _checkout(git: Mapping[str, Any]) -> list[tuple[str, Line]]:
    if not git.get("commit"):
        return []
    changed = [inline(str(name), 80) for name in _listed(git.get("changed"))]
    rows: list[tuple[str, Line]] = [
        ("Commit", (marks.digest(str(git["commit"])), Span(inline(str(git.get("branch") or ""), 80), Look.MUTED))),
    ]
    if changed:
        rows.append(("Not committed", (Span(together(changed, 6), Look.WARN),)))
    return rows


def _uncommitted(git: Mapping[str, Any]) -> list[Block]:
    """Return the changes that no commit holds, as a diff."""
    diff = git.get("diff")
    if not isinstance(diff, str) or not diff.strip():
        return []
    lines = diff[: 500 * _DIFF_LINES].split("\n")
    shown = tuple((_looks(line), line.expandtabs(4)) for line in lines[:_DIFF_LINES])
    more = f", the first {_DIFF_LINES} lines" if len(lines) > _DIFF_LINES else ""
    return [Patch((Span(f"Changes that were not committed{more}", Look.MUTED),), shown)]


def _looks(line: str) -> Look:
    if line.startswith(("diff ", "index ", "--- ", "+++ ", "@@")):
        return Look.MUTED
    return {"+": Look.GOOD, "-": Look.BAD}.get(line[:1], Look.PLAIN)


def _lasted(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


def _moment(text: Any) -> datetime | None:
    try:
        return moment(text) if text else None
    except _UNKNOWN:
        return None


def _listed(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list | tuple) else ()

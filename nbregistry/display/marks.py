"""The words that recur in every view: stages, statuses, aliases, tags, references, receipts, values old and new."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from nbregistry.display.blocks import GAP, Line, Look, Span, spaced
from nbregistry.display.figures import change, figure, short
from nbregistry.display.visible import inline
from nbregistry.domain.commits import Receipt
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Kind, Stage, Status

_STAGES = {
    Stage.PRODUCTION: Look.BADGE_GOOD,
    Stage.STAGING: Look.BADGE_INFO,
    Stage.ARCHIVED: Look.BADGE,
    Stage.NONE: Look.BADGE_QUIET,
}
_KINDS = {
    Kind.NOTE: Look.BADGE,
    Kind.WARNING: Look.BADGE_WARN,
    Kind.DECISION: Look.BADGE_INFO,
    Kind.INCIDENT: Look.BADGE_BAD,
}
_DIGEST = re.compile(r"(?:[a-z0-9]{1,16}:)?[0-9a-f]{12,128}\Z")
_MOST = 6  # aliases or tags in one cell
_VALUE = 60  # characters of one value in a line of changes


def ref(text: str) -> Span:
    """Return a reference, as one would type it."""
    return Span(text, Look.CODE)


def stage(found: Stage) -> Span:
    """Return a stage."""
    return Span(found.value, _STAGES[found])


def stage_if_any(found: Stage) -> tuple[Span, ...]:
    """Return a stage where there is one."""
    return () if found is Stage.NONE else (stage(found),)


def kind(found: Kind) -> Span:
    """Return what an annotation is."""
    return Span(found.value, _KINDS[found])


def state(version: ModelVersion, *, told: bool = False) -> Line:
    """Return what stands in the way of using a version, then its stage; None only where there is nothing else.

    Parameters
    ----------
    told : bool
        Whether to leave out that a version holds no stage.
    """
    found: list[Span] = []
    if version.purged:
        found.append(Span("purged", Look.BADGE_BAD))
    elif version.deleted:
        found.append(Span("in the trash", Look.BADGE_WARN))
    if version.status is not Status.READY:
        found.append(Span(version.status.value, Look.BADGE_BAD))
    if version.stage is not Stage.NONE or not (found or told):
        found.append(stage(version.stage))
    return tuple(found)


def aliases(names: Iterable[str]) -> Line:
    """Return aliases side by side."""
    return _some([Span(name, Look.ALIAS) for name in names])


def tags(found: Mapping[str, object]) -> Line:
    """Return tags side by side."""
    return _some([Span(f"{inline(key, 60)}={value_text(value)}", Look.CHIP) for key, value in found.items()])


def digest(text: str) -> Span:
    """Return a digest or fingerprint, shortened; whole on hover when it is of that form."""
    if _DIGEST.match(text):
        return Span(short(text), Look.CODE, title=text)
    return Span(text, Look.CODE) if text else GAP


def receipt(found: Receipt | None) -> Line:
    """Return a receipt, shortened; whole on hover."""
    if found is None:
        return ()
    return Span("receipt", Look.MUTED), Span(f"#{found.seq} {found.hash[:12]}", Look.CODE, title=str(found))


def value_text(value: Any) -> str:
    """Return one value of a parameter, a tag or a change as short text; text stays as it is, digests are shortened."""
    if isinstance(value, str):
        return short(value) if _DIGEST.match(value) else _cut(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return figure(value)
    if isinstance(value, Mapping):
        return _cut(", ".join(f"{inline(k, 40)}={_plain(v)}" for k, v in list(value.items())[:_MOST]))
    if isinstance(value, list | tuple):
        return _cut(", ".join(_plain(v) for v in value[:_MOST]))
    return _plain(value)


def _plain(value: Any) -> str:
    """Return a value inside another one: a number or text as outside, anything deeper as JSON."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value_text(value)
    try:
        return _cut(json.dumps(value, ensure_ascii=False, default=str))
    except (ValueError, TypeError, RecursionError):  # a cycle, a key that is no text, a number beyond text
        return inline(type(value).__name__)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Line:
    """Return ``key: before → after`` for each key that differs."""
    return spaced(
        (Span(f"{inline(key, 60)}:", Look.MUTED), *step(before.get(key), after.get(key)))
        for key in dict.fromkeys((*before, *after))
        if key not in before or key not in after or before[key] != after[key]
    )


def step(before: Any, after: Any) -> Line:
    """Return a value and what replaced it; None is absence."""
    gone, come = before in (None, ""), after in (None, "")
    if gone and come:
        return (GAP,)
    if gone:
        return (Span(value_text(after)),)
    old = Span(value_text(before), Look.STRUCK)
    return (old, Span("removed", Look.MUTED)) if come else (old, Span("→", Look.MUTED), Span(value_text(after)))


def moved(now: object, before: object, better: str | None) -> Line:
    """Return a change with an arrow for its direction, coloured where a name tells which direction is better."""
    text = change(now, before)
    if not text:
        return (Span("new", Look.MUTED),) if before is None else (Span("gone", Look.MUTED),) if now is None else (GAP,)
    if text[0] == "±":
        return (Span(text, Look.MUTED),)
    arrow = "▲" if text[0] == "+" else "▼"
    if better is None:
        return Span(arrow, Look.MUTED), Span(text, Look.NUMBER)
    look = Look.GOOD if (better == "up") == (text[0] == "+") else Look.BAD
    return Span(arrow, look), Span(text, look)


def warning(text: str) -> Line:
    """Return a warning for a list of them."""
    return Span("!", Look.WARN), Span(text)


def _cut(text: str) -> str:
    return inline(text[:_VALUE]) + ("…" if len(text) > _VALUE else "")


def _some(spans: list[Span]) -> Line:
    beyond = len(spans) - _MOST
    return (*spans[:_MOST], Span(f"+{beyond}", Look.MUTED)) if beyond > 0 else tuple(spans)

"""The sections of a comparison, each worked out from what the versions' documents and captured files say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from nbregistry.domain.alignment import Slot, align, changed_lines, executed
from nbregistry.domain.comparison import ABSENT, Change, Row, Section, Value, change, direction, row
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.literals import release
from nbregistry.types import Document

_MAX_TEXT = 200
_MACHINE = ("python", "implementation", "os", "machine", "cpu")
_NOT_SHOWN = {"name", "histogram"}
"""A histogram in words says no more than the quantiles beside it; that it differs, the fingerprint tells."""

_COLUMN = ("dtype", "nullable", "categories", "ordered", "shape", "extra")

Captured: TypeAlias = "Sequence[tuple[str, Mapping[str, Any]]]"
"""Of each version that has it: its reference and the captured file."""


def all_sections(versions: Sequence[ModelVersion]) -> tuple[Section, ...]:
    """Return every section in the order of interest, all rows included."""
    return (
        Section("metrics", tuple(_table([v.metrics for v in versions], direction))),
        Section("parameters", tuple(_table([v.params for v in versions]))),
        _captured(versions, "environment", "environment", _environment),
        _captured(versions, "schema", "signature", _schema),
        _captured(versions, "data", "profile", _data),
        _captured(versions, "code", "source", _code),
        Section("files", tuple(_table([v.files for v in versions]))),
        _about(versions),
    )


def _captured(versions: Sequence[ModelVersion], name: str, file: str, rows: Callable[[Captured], list[Row]]) -> Section:
    """Compare the versions that have the file; that nothing was captured is not a difference, it is a note."""
    found = [(v.ref, v.details(file)) for v in versions]
    known = [bool(one) for _, one in found]
    without = [ref for ref, one in found if not one]
    note = f"No {name} was captured for {', '.join(without)}." if without else ""
    if sum(known) < 2:
        return Section(name, note=note)
    return Section(name, tuple(_widened(one, known) for one in rows([pair for pair in found if pair[1]])), note=note)


def _widened(narrow: Row, known: Sequence[bool]) -> Row:
    """Return the row with a value for every version, also for those it was not worked out for."""
    if all(known):
        return narrow
    values = iter(narrow.values)
    return replace(narrow, values=tuple(next(values) if k else ABSENT for k in known), delta=None, relative=None)


def _keys(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the keys of all, in the order in which they are first met."""
    return list(dict.fromkeys(key for found in mappings for key in found))


def _table(mappings: Sequence[Mapping[str, Any]], better: Callable[[str], str | None] = lambda _: None) -> list[Row]:
    return [
        row(key, [plain(found[key]) if key in found else ABSENT for found in mappings], better=better(key))
        for key in _keys(mappings)
    ]


def _environment(captured: Captured) -> list[Row]:
    found = [one for _, one in captured]
    rows = _table([{key: one[key] for key in _MACHINE if key in one} for one in found])
    packages = [{_canonical(k): str(v) for k, v in _mapping(one.get("packages")).items()} for one in found]
    for name in sorted(_keys(packages)):
        releases = [one.get(name, ABSENT) for one in packages]
        key = f"{name} (package)" if name in _MACHINE else name
        rows.append(row(key, releases, status=_bump(releases)))
    editable = [", ".join(map(str, one.get("editable") or ())) or ABSENT for one in found]
    return [*rows, row("editable installs", editable)] if any(editable) else rows


def _canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).casefold()


def _bump(releases: Sequence[Value]) -> Change:
    found = change(releases)
    if found is not Change.CHANGED:
        return found
    first, last = release(str(releases[0])), release(str(releases[-1]))
    if first is None or last is None or first == last:
        return found
    return Change.BUMPED if first < last else Change.LOWERED


def _schema(captured: Captured) -> list[Row]:
    found = [one for _, one in captured]
    rows: list[Row] = []
    for side in ("input", "output"):
        columns = [_columns(one.get(f"{side}s"), side) for one in found]
        for key in _keys(columns):
            there = [one.get(key) for one in columns]
            shown = [ABSENT if one is None else _dtype(one) for one in there]
            facts = [ABSENT if one is None else [one.get(fact) or None for fact in _COLUMN] for one in there]
            rows.append(row(key, shown, status=change(facts)))
        orders = [list(one) for one in columns]
        if all(sorted(one) == sorted(orders[0]) for one in orders) and any(one != orders[0] for one in orders):
            texts = [_clipped(", ".join(key.removeprefix(f"{side} ") for key in one)) for one in orders]
            rows.append(row(f"order of {side}s", texts, status=Change.CHANGED))
    return rows + _table([{"container": one["container"]} if "container" in one else {} for one in found])


def _columns(listed: Any, side: str) -> dict[str, Mapping[str, Any]]:
    """Return columns under names that are unique even where theirs are not."""
    columns: dict[str, Mapping[str, Any]] = {}
    for one in filter(_is_mapping, listed or ()):
        name = key = f"{side} {one.get('name', '')}".strip()
        again = 2
        while key in columns:
            key, again = f"{name} ({again})", again + 1
        columns[key] = one
    return columns


def _dtype(column: Mapping[str, Any]) -> str:
    parts = [str(column.get("dtype", "?"))]
    if column.get("shape"):
        parts.append("shape " + "x".join(map(str, column["shape"])))
    if column.get("categories") is not None:
        parts.append(f"{'ordered: ' if column.get('ordered') else ''}{plain(column['categories'])}")
    if column.get("nullable"):
        parts.append("may be missing")
    if column.get("extra"):
        parts.append(str(plain(column["extra"])))
    return _clipped(", ".join(parts))


def _data(captured: Captured) -> list[Row]:
    found = [one for _, one in captured]
    rows = _table([{key: one[key] for key in ("rows", "fingerprint") if key in one} for one in found])
    columns = [{str(c.get("name", "")): c for c in filter(_is_mapping, one.get("columns") or ())} for one in found]
    for name in _keys(columns):
        there = [one.get(name) for one in columns]
        if all(one is not None for one in there):
            rows += _statistics(name, [one for one in there if one is not None])
        else:
            rows.append(
                row(f"column {name}", [ABSENT if one is None else str(one.get("dtype", "column")) for one in there])
            )
    return rows


def _statistics(name: str, columns: Sequence[Mapping[str, Any]]) -> list[Row]:
    rows = []
    for key in _keys(columns):
        if key in _NOT_SHOWN:
            continue
        stored = [one.get(key, ABSENT) for one in columns]
        note = _shift(columns[0], columns[-1]) if key == "mean" else ""
        rows.append(row(f"{name}.{key}", map(plain, stored), note=note, status=change(stored)))
    return rows


def _shift(first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    """Return how far a mean has moved, in standard deviations of the first version's data."""
    try:
        moved = (float(last["mean"]) - float(first["mean"])) / float(first["std"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return ""
    return f"{moved:+.2g} sd" if moved and abs(moved) < 1e9 else ""


def _code(captured: Captured) -> list[Row]:
    found = [one for _, one in captured]
    rows = _table([{"notebook": one["notebook"]} if one.get("notebook") else {} for one in found])
    git = [_mapping(one.get("git")) for one in found]
    rows += _table([{f"git {key}": one[key] for key in ("commit", "branch", "dirty") if key in one} for one in git])
    refs = [ref for ref, _ in captured]
    return rows + [_cell(slot, refs) for slot in align([executed(one) for one in found])]


def _cell(slot: Slot, refs: Sequence[str]) -> Row:
    newest = max(n for n, cell in enumerate(slot) if cell is not None)
    cell = slot[newest]
    codes = [None if one is None else one.code for one in slot]
    where = "" if newest == len(slot) - 1 else f" of {refs[newest]}"
    return row(
        f"cell {cell.position if cell else 0}{where}",
        [ABSENT if code is None else code for code in codes],
        note=f"In [{cell.ran}]" if cell and cell.ran is not None else "",
        lines=changed_lines(list(zip(refs, codes, strict=True))),
    )


def _about(versions: Sequence[ModelVersion]) -> Section:
    facts: list[Document] = [
        {
            "name": v.name, "estimator": v.estimator, "flavor": v.flavor, "format": v.format, "size": v.size,
            "author": v.created_by, "signer": v.signer, "status": v.status.value, "stage": v.stage.value,
            "aliases": ", ".join(v.aliases), "note": v.note, "description": v.description,
            **{f"tag {key}": value for key, value in v.tags.items()},
        }
        for v in versions
    ]  # fmt: skip
    # An empty text here means that there is none, in all of these fields.
    return Section("about", tuple(_table([{k: x for k, x in one.items() if x != ""} for one in facts])))


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def plain(value: Any) -> Value:
    """Return a stored value as one a display can show: lists and mappings become short text."""
    if value is None or value is ABSENT or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return _clipped(", ".join(f"{key}: {plain(one)}" for key, one in value.items()))
    if isinstance(value, list | tuple):
        return _clipped(", ".join(_item(one) for one in value[:_MAX_TEXT]))
    return _clipped(str(value))


def _item(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[1], int):
        return f"{plain(value[0])} ({value[1]:,})"  # a value and how often it occurs
    return f"{value:.6g}" if isinstance(value, float) else str(plain(value))


def _clipped(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "\u2026"

"""Where a version was made: the interpreter, the machine, and every package that was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbregistry.display.blocks import Block, Column, Facts, Heading, Line, Look, Span, Table, Title, View
from nbregistry.display.visible import inline

_MOST = 200
_WORDS = (
    ("Python", ("python", "implementation")),
    ("System", ("os", "machine")),
    ("Processor", ("cpu", "cpus")),
    ("Linear algebra", ("blas",)),
    ("Accelerator", ("gpu", "cuda")),
)


def environment(found: Mapping[str, Any]) -> View:
    """Tell of a captured ``environment``."""
    if not found:
        return View((Title((Span("Nothing was recorded of the packages in use.", Look.MUTED),)),))
    rows: list[tuple[str, Line]] = []
    for name, keys in _WORDS:
        said = " ".join(_said(key, found[key]) for key in keys if found.get(key))
        if said:
            rows.append((name, (Span(inline(said, 160)),)))
    packages = found.get("packages")
    packages = packages if isinstance(packages, Mapping) else {}
    listed = found.get("editable")
    editable = {str(name) for name in listed} if isinstance(listed, list | tuple) else set()
    blocks: list[Block] = [Facts(tuple(rows))]
    if packages:
        drawn = sorted(packages.items(), key=lambda pair: str(pair[0]).casefold())[:_MOST]
        beyond = len(packages) - len(drawn)
        table = Table(
            (Column("Package"), Column("Version"), *((Column("Pinned", firm=True),) if editable else ())),
            tuple(_package(str(name), version, editable) for name, version in drawn),
            total=len(packages),
            more=f"{beyond:,} more: see .details('environment')." if beyond > 0 else "",
        )
        blocks += [Heading("Packages", (Span(f"{len(packages):,} were loaded", Look.MUTED),)), table]
    return View(tuple(blocks))


def _package(name: str, version: object, editable: set[str]) -> tuple[Line, ...]:
    cells: tuple[Line, ...] = ((Span(inline(name, 80), Look.CODE),), (Span(inline(str(version), 60), Look.NUMBER),))
    if not editable:
        return cells
    return (*cells, (Span("no: editable", Look.BADGE_WARN),) if name in editable else (Span("yes", Look.MUTED),))


def _said(key: str, value: Any) -> str:
    if key == "cpus":
        return f"({value} cores)"
    return f"({value})" if key == "implementation" else str(value)

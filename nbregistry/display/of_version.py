"""The card of a version: what it is, what changed, what was captured with it, and what was not and why.

Captured files are read when a card is drawn. One that is damaged or missing costs its line in the card, never the card.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from nbregistry.display import marks, of_comparison
from nbregistry.display.blocks import (
    GAP,
    Banner,
    Block,
    Bullets,
    Column,
    Facts,
    Foot,
    Heading,
    Line,
    Look,
    Prose,
    Span,
    Table,
    Title,
    View,
    When,
    spaced,
)
from nbregistry.display.figures import figure, figures, size, together
from nbregistry.display.visible import inline
from nbregistry.domain.comparison import direction
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.lifecycle import Status
from nbregistry.domain.results import Card
from nbregistry.errors import RegistryError

_MOST_METRICS = 40
_MOST_PARAMS = 24
_MOST_NOTICES = 3  # beyond these, notices join the list of warnings
_MISSING = {
    "signature": "neither data nor the estimator told what it takes; register with X=",
    "environment": "nothing was recorded of this kernel's packages",
    "source": "no notebook cells and no git checkout were found",
    "profile": "no data was given; register with X=",
    "example": "no data was given; register with X=",
}
"""What is captured besides the model, and why it may not be there when no warning says it better."""

Fact: TypeAlias = "tuple[str, Line]"


def version(found: ModelVersion) -> View:
    """Tell of one version."""
    return card(Card(found))


def card(found: Card) -> View:
    """Tell of one version beside the one before it."""
    v = found.version
    messages = list(dict.fromkeys((*found.notices, *v.warnings)))
    captured, missing, warnings = _captured(v, messages)
    captured += _compiled(found.compiled)
    notices = [text for text in warnings if text in found.notices][:_MOST_NOTICES]
    warnings = [text for text in warnings if text not in notices]
    blocks: list[Block] = [_title(v), *_banners(v), *(Banner(Look.WARN, (Span(text),)) for text in notices)]
    blocks += _labels(v)
    if v.description.strip():
        blocks.append(Prose(v.description))
    blocks += _metrics(v, found.previous)
    blocks += _params(v)
    blocks += _since(v, found.previous)
    blocks += [Heading("Captured"), Facts(captured)]
    if missing:
        blocks += [Heading("Not captured"), Facts(missing)]
    if warnings:
        blocks += [Heading("Warnings"), Bullets(tuple(marks.warning(w) for w in warnings))]
    return View((*blocks, _foot(v)), framed=True)


def _title(v: ModelVersion) -> Title:
    under = spaced(
        (
            (Span(_last(v.estimator), Look.CODE),) if v.estimator else (),
            *((Span(word),) for word in dict.fromkeys((v.flavor, v.format)) if word),
            (Span(size(v.size), Look.NUMBER, title=f"{v.size} bytes"),),
            (Span("by"), Span(inline(v.created_by, 60)), When(v.created_at)),
        )
    )
    return Title((Span(v.ref, Look.STRONG), *marks.state(v, told=True), *marks.aliases(v.aliases)), under)


def _banners(v: ModelVersion) -> list[Block]:
    blocks: list[Block] = []
    if v.status is not Status.READY:
        reason = v.status_reason or "no reason was recorded"
        blocks.append(Banner(Look.BAD, (Span("Failed, so it cannot be loaded:", Look.BAD), Span(reason))))
    if v.purged:
        blocks.append(Banner(Look.BAD, (Span("Purged:", Look.BAD), Span("its files are gone for good."))))
    elif v.deleted:
        blocks.append(Banner(Look.WARN, (Span("In the trash:", Look.WARN), Span("restore() brings it back."))))
    return blocks


def _labels(v: ModelVersion) -> list[Block]:
    rows: list[tuple[str, Line]] = []
    if v.note.strip():
        rows.append(("Note", (Span(" ".join(v.note.split())),)))
    if v.tags:
        rows.append(("Tags", marks.tags(v.tags)))
    return [Facts(tuple(rows))] if rows else []


def _metrics(v: ModelVersion, previous: ModelVersion | None) -> list[Block]:
    names = list(dict.fromkeys((*v.metrics, *(previous.metrics if previous else ()))))
    if not names:
        return []
    drawn = names[:_MOST_METRICS]
    rows: list[tuple[Line, ...]] = []
    for name in drawn:
        now, before = v.metrics.get(name), previous.metrics.get(name) if previous else None
        texts = figures([now, before])
        row: tuple[Line, ...] = ((Span(inline(name, 80)),), _number(now, texts[0]))
        rows.append((*row, _number(before, texts[1]), marks.moved(now, before, direction(name))) if previous else row)
    columns = [Column("Metric"), Column(f"{v.ref}", right=True)]
    if previous:
        columns += [Column(previous.ref, right=True), Column("Change", right=True)]
    more = f"{len(names) - len(drawn):,} more: see .metrics." if len(names) > len(drawn) else ""
    return [Heading("Metrics"), Table(tuple(columns), tuple(rows), total=len(names), more=more)]


def _number(value: object, text: str) -> Line:
    if value is None:
        return (GAP,)
    return (Span(text, Look.NUMBER, title=repr(value) if isinstance(value, float) else ""),)


def _params(v: ModelVersion) -> list[Block]:
    """Tell the parameters that somebody chose; those at their defaults are counted."""
    chosen = [name for name in v.changed_params if name in v.params]
    if not v.params:
        return []
    drawn = chosen[:_MOST_PARAMS]
    rows = tuple((inline(name, 80), (Span(marks.value_text(v.params[name]), Look.CODE),)) for name in drawn)
    rest = len(v.params) - len(chosen)
    said = [f"{len(chosen) - len(drawn):,} more set" if len(chosen) > len(drawn) else "", f"{rest:,} at their defaults"]
    counted = Span("; ".join(s for s in said if s and not s.startswith("0 ")), Look.MUTED)
    return [Heading("Parameters", (counted,)), *([Facts(rows)] if rows else [])]


def _since(v: ModelVersion, previous: ModelVersion | None) -> list[Block]:
    """Tell what else changed, in a line for each kind of thing."""
    if previous is None:
        return []
    heading = Heading("Changed since", (Span(previous.ref),))
    try:
        rows = of_comparison.since(previous, v)
    except (RegistryError, OSError, AttributeError, KeyError, TypeError, ValueError):
        # Damaged, or written by somebody else's program: the card has the rest to tell.
        return [heading, Bullets(((Span("cannot be told: captured files cannot be read", Look.BAD),),))]
    return [heading, Facts(rows)] if rows else []


def _captured(v: ModelVersion, messages: list[str]) -> tuple[tuple[Fact, ...], tuple[Fact, ...], list[str]]:
    """Return what is there, what is not and why, and the messages that explain neither."""
    there: list[Fact] = []
    if v.digest or "model" in v.files:
        there.append(("model", (Span(size(v.size), Look.NUMBER), marks.digest(v.digest))))
    rest = list(messages)
    missing: list[Fact] = []
    for file, why in _MISSING.items():
        if file in v.files:
            there.append((file, _summary(v, file)))
            continue
        told = next((text for text in rest if text.startswith((f"{file}:", f"data {file}:", f"input {file}:"))), None)
        if told:
            rest.remove(told)
        reason = told.partition(":")[2].strip().removeprefix("not captured, ") if told else why
        missing.append((file, (Span(reason),)))
    there += [(inline(f, 40), (marks.digest(d),)) for f, d in v.files.items() if f not in _MISSING and f != "model"]
    return tuple(there), tuple(missing), rest


def _compiled(found: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Tell what was found out about serving the version compiled."""
    if not found:
        return ()
    if not found.get("equal"):
        return (
            ("compiled", (Span("not served so:", Look.WARN), Span(inline(str(found.get("why")), 160), Look.MUTED))),
        )
    parts: list[Line] = [(Span("proven equal", Look.GOOD), Span(f"on {int(found['rows']):,} rows"))]
    if found.get("difference"):
        parts.append((Span(f"scores within {float(found['difference']):.0e}"),))
    speeds: Mapping[str, Any] = found.get("microseconds") or {}
    if {"original", "compiled"} <= speeds.keys():
        before, now = float(speeds["original"]["1"]), float(speeds["compiled"]["1"])
        parts.append((Span(f"{now:,.0f} microseconds a row instead of {before:,.0f}"),))
    return (("compiled", spaced(parts)),)


def _summary(v: ModelVersion, file: str) -> Line:
    if file == "example":
        return (marks.digest(v.files[file]),)
    try:
        return _SUMMARIES[file](v.details(file)) or (marks.digest(v.files[file]),)
    except (RegistryError, OSError):
        return (Span("cannot be read; verify() tells more", Look.BAD),)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Written by somebody else's program: the digest is still true.
        return marks.digest(v.files[file]), Span("of an unknown form", Look.MUTED)


def _signature(found: Mapping[str, Any]) -> Line:
    if not found:
        return ()
    inputs = [str(column["name"]) or str(column["dtype"]) for column in found["inputs"]]
    outputs = len(found.get("outputs", ()))
    words = f"{len(inputs):,} {'input' if len(inputs) == 1 else 'inputs'}"
    words += f", {outputs:,} {'output' if outputs == 1 else 'outputs'}" if outputs else ""
    return Span(f"{words}:"), Span(inline(together(inputs, 4), 160), Look.MUTED)


def _environment(found: Mapping[str, Any]) -> Line:
    if not found:
        return ()
    packages: Mapping[str, object] = found.get("packages", {})
    editable: Sequence[object] = found.get("editable", ())
    return spaced(
        (
            (Span(f"Python {found['python']}"),),
            (Span(f"{len(packages):,} packages pinned"),),
            (Span(f"{len(editable):,} editable, not pinned", Look.WARN),) if editable else (),
            (Span(inline(" ".join(str(found.get(key, "")) for key in ("os", "machine")).strip(), 60)),),
        )
    )


def _source(found: Mapping[str, Any]) -> Line:
    git: Mapping[str, Any] = found.get("git") or {}
    cells: Sequence[object] = found.get("cells") or ()
    commit = str(git.get("commit") or "")
    dirty = bool(git.get("dirty") or git.get("diff"))
    return spaced(
        (
            (Span(inline(str(found["notebook"]), 80), Look.CODE),) if found.get("notebook") else (),
            (Span(f"{len(cells):,} cell{'' if len(cells) == 1 else 's'}"),) if cells else (),
            (Span("git"), Span(inline(str(git.get("branch") or ""), 60)), marks.digest(commit)) if commit else (),
            (Span("uncommitted changes", Look.WARN),) if commit and dirty else (),
        )
    )


def _profile(found: Mapping[str, Any]) -> Line:
    if not found:
        return ()
    rows, described = int(found["rows"]), len(found["columns"])
    columns = int(found.get("columns_total", described))
    told = [f"of {int(found['sample_rows']):,} rows"] if found.get("sampled") else []
    told += [f"of the first {described:,} columns"] if columns > described else []
    summarised = (Span(f"figures {' and '.join(told)}", Look.MUTED),) if told else ()
    return (Span(f"{rows:,} rows of {columns:,} columns"), *((Span("·", Look.MUTED), *summarised) if told else ()))


_SUMMARIES = {"signature": _signature, "environment": _environment, "source": _source, "profile": _profile}


def _foot(v: ModelVersion) -> Foot:
    signed = (Span("signed by"), marks.digest(v.signer)) if v.signer else (Span("not signed", Look.WARN),)
    return Foot(spaced((marks.receipt(v.receipt), signed)))


def _last(dotted: str) -> str:
    return inline(dotted.rpartition(".")[2] or dotted, 80)


def brief(found: ModelVersion) -> str:
    """Return a version in one line, for ``repr``."""
    stage = "" if found.stage == "None" else f" {found.stage.value}"
    status = "" if found.status is Status.READY else f" {found.status.value}"
    aliases = "".join(f" @{name}" for name in found.aliases[:3])
    metrics = "".join(f" {inline(name, 40)}={figure(value)}" for name, value in list(found.metrics.items())[:3])
    return inline(f"<ModelVersion {found.ref}{status}{stage}{aliases}{metrics}>")

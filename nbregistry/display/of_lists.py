"""Lists: versions, models, and one model among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nbregistry.display import marks
from nbregistry.display.blocks import (
    GAP,
    MOST_ROWS,
    Block,
    Column,
    Facts,
    Foot,
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
from nbregistry.display.figures import figures
from nbregistry.display.visible import first_line, inline
from nbregistry.domain.entities import ModelVersion, RegisteredModel
from nbregistry.domain.results import Models, Versions

_MOST_METRICS = 6


def versions(found: Versions) -> View:
    """Tell of versions, one row each, a column for each metric that most of them have."""
    if not found:
        return View((Title((Span("No versions.", Look.MUTED),)),))
    drawn = list(found[:MOST_ROWS])
    metrics, others = _metrics(drawn)
    columns, cells = _columns(drawn, metrics)
    notes = [_beyond(len(found))] if len(found) > MOST_ROWS else []
    if found.cursor:
        notes.append("More match: the same call with cursor= and this list's .cursor gives the next page.")
    if others:
        notes.append(f"{_count(others, 'more metric')}: .to_frame() has them all.")
    table = Table(columns, tuple(zip(*cells, strict=True)), total=len(found), more=" ".join(notes))
    return View((_title(found), table))


def _title(found: Versions) -> Title:
    names = list(dict.fromkeys(v.name for v in found))
    count = Span(_count(len(found), "version"), Look.MUTED)
    if len(names) == 1:
        return Title((Span(names[0], Look.STRONG), count))
    return Title((count, Span(f"of {len(names):,} models", Look.MUTED)))


def _metrics(drawn: Sequence[ModelVersion]) -> tuple[list[str], int]:
    """Return the metrics that most versions have, in the order of their first use, and how many there are besides."""
    counted = Counter(name for v in drawn for name in v.metrics)
    common = {name for name, _ in counted.most_common(_MOST_METRICS)}
    return [name for name in counted if name in common], len(counted) - len(common)


def _columns(drawn: Sequence[ModelVersion], metrics: list[str]) -> tuple[tuple[Column, ...], list[list[Line]]]:
    """Return the columns and the cells under each; columns of which every cell would be empty are left out."""
    columns = [Column("Version"), Column("Stage", firm=True)]
    cells: list[list[Line]] = [[(marks.ref(v.ref),) for v in drawn], [marks.state(v) for v in drawn]]

    def add(column: Column, lines: list[Line]) -> None:
        if any(lines):
            columns.append(column)
            cells.append(lines)

    add(Column("Aliases"), [marks.aliases(v.aliases) for v in drawn])
    for name in metrics:
        values = [v.metrics.get(name) for v in drawn]
        add(Column(name, right=True), [_metric(v, text) for v, text in zip(values, figures(values), strict=True)])
    add(Column("Created", firm=True), [(When(v.created_at),) for v in drawn])
    add(Column("By"), [(Span(inline(v.created_by, 40)),) for v in drawn])
    add(Column("Note", wide=True), [_words(v.note) for v in drawn])
    add(Column("Tags", wide=True), [marks.tags(v.tags) for v in drawn])
    return tuple(columns), cells


def _metric(value: object, text: str) -> Line:
    if value is None:
        return (GAP,)
    return (Span(text, Look.NUMBER, title=repr(value) if isinstance(value, float) else ""),)


def models(found: Models) -> View:
    """Tell of models, one row each."""
    if not found:
        return View((Title((Span("No models.", Look.MUTED),)),))
    columns = (
        Column("Model"),
        Column("Versions", right=True),
        Column("Latest", right=True),
        Column("Stages", firm=True),
        Column("Aliases"),
        Column("Changed", firm=True),
        Column("Description", wide=True),
    )
    more = _beyond(len(found)) if len(found) > MOST_ROWS else ""
    table = Table(columns, tuple(_model_row(m) for m in found[:MOST_ROWS]), total=len(found), more=more)
    return View((Title((Span(_count(len(found), "model"), Look.MUTED),)), table))


def _model_row(found: RegisteredModel) -> tuple[Line, ...]:
    trashed = (Span("in the trash", Look.BADGE_WARN),) if found.deleted else ()
    return (
        (Span(found.name, Look.CODE), *trashed),
        (Span(f"{found.versions:,}", Look.NUMBER),),
        (Span(str(found.latest), Look.NUMBER) if found.latest else GAP,),
        _holders(found) or (GAP,),
        _pointers(found) or (GAP,),
        (When(found.updated_at),),
        _words(found.description.lstrip("#> \n")),
    )


def model(found: RegisteredModel) -> View:
    """Tell of one model."""
    under = spaced(
        (
            (Span(_count(found.versions, "version")),),
            (Span(f"latest {found.latest}"),) if found.latest else (Span("none ready"),),
            (Span("by"), Span(found.created_by), When(found.created_at)),
            (Span("changed"), When(found.updated_at)),
        )
    )
    trashed = (Span("in the trash", Look.BADGE_WARN),) if found.deleted else ()
    rows: list[tuple[str, Line]] = [
        ("Stages", _holders(found) or (Span("no version holds one", Look.MUTED),)),
        ("Aliases", _pointers(found) or (GAP,)),
        ("Tags", marks.tags(found.tags) or (GAP,)),
    ]
    if found.former_names:
        rows.append(("Once called", tuple(Span(name, Look.CODE) for name in found.former_names[:10])))
    blocks: list[Block] = [Title((Span(found.name, Look.STRONG), *trashed), under)]
    if found.description.strip():
        blocks.append(Prose(found.description))
    foot = Foot((Span("identity", Look.MUTED), Span(found.uid, Look.CODE)))
    return View((*blocks, Facts(tuple(rows)), foot), framed=True)


def brief_model(found: RegisteredModel) -> str:
    """Return a model in one line, for ``repr``."""
    latest = f"latest {found.latest}" if found.latest else "none ready"
    return inline(f"<RegisteredModel {found.name}: {_count(found.versions, 'version')}, {latest}>")


def _holders(found: RegisteredModel) -> Line:
    spans: list[Span] = []
    for stage in sorted(found.stages, key=lambda s: s != "Production"):
        look = Look.BADGE_GOOD if stage == "Production" else Look.BADGE_INFO
        spans += [Span(stage, look), Span(str(found.stages[stage]), Look.NUMBER)]
    return tuple(spans)


def _pointers(found: RegisteredModel) -> Line:
    spans: list[Span] = []
    for name, number in list(found.aliases.items())[:6]:
        spans += [Span(name, Look.ALIAS), Span(str(number), Look.NUMBER)]
    return (*spans, Span(f"+{len(found.aliases) - 6}", Look.MUTED)) if len(found.aliases) > 6 else tuple(spans)


def _words(text: str) -> Line:
    line = first_line(text)
    return (Span(line),) if line else ()


def _beyond(count: int) -> str:
    return f"{count - MOST_ROWS:,} more: [{MOST_ROWS}:] shows them, .to_frame() has them all."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

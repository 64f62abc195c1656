"""A move of a version into a stage before anybody decides: what it is, whom it replaces, on what evidence.

A panel shows ``outlook`` while one makes up one's mind and ``question`` right before it happens.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbregistry.display import marks, of_comparison, of_history
from nbregistry.display.blocks import (
    GAP,
    Banner,
    Block,
    Facts,
    Heading,
    Line,
    Look,
    Span,
    Title,
    When,
)
from nbregistry.display.figures import figures
from nbregistry.display.visible import inline
from nbregistry.domain import diff
from nbregistry.domain.entities import Annotation, ModelVersion, Promotion
from nbregistry.domain.lifecycle import Kind, Stage
from nbregistry.domain.results import Annotations
from nbregistry.domain.shown import Shown
from nbregistry.domain.tenure import Tenure
from nbregistry.errors import RegistryError

_MOST_METRICS = 12
_UNREADABLE = (RegistryError, OSError, AttributeError, KeyError, TypeError, ValueError)
"""Of a captured file that is damaged, or was written by somebody else's program."""


def outlook(
    move: Promotion, version: ModelVersion, *, incumbent: ModelVersion | None = None, tenures: Sequence[Tenure] = (),
    notes: Sequence[Annotation] = (),
) -> tuple[Block, ...]:  # fmt: skip
    """Tell what a move would do.

    Parameters
    ----------
    move : Promotion
        What a dry run told.
    version, incumbent : ModelVersion
        Who would come, and who would go.
    tenures : sequence of Tenure
        Of the stage, the newest first, where they are known: since when, who decided, why.
    notes : sequence of Annotation
        What was written on the version and its model.
    """
    blocks: list[Block] = [Title((Span(move.ref, Look.STRONG), *_way(move.was, move.stage)))]
    if not move.passed:
        failed = sum(not gate.passed for gate in move.evidence)
        said = f"{failed} of {len(move.evidence)} gates say{'s' if failed == 1 else ''} no: it cannot be done."
        blocks.append(Banner(Look.BAD, (Span(said, Look.BAD),)))
    blocks.append(Facts(_rows(move, version, tenures)))
    blocks += of_history.evidence(move)
    blocks += _compared(incumbent, version) if incumbent is not None else _measured(version)
    told = [note for note in notes if note.kind is not Kind.NOTE and not note.deleted]
    if told:
        thread = of_history.thread(Annotations(told)).blocks
        blocks += [Heading("Decisions, warnings and incidents"), *(b for b in thread if not isinstance(b, Title))]
    return tuple(blocks)


def question(shown: Shown, because: str, *, verb: str) -> tuple[Block, ...]:
    """Ask once more, by name: which version of which model, which bytes, from where to where, and instead of whom."""
    replaced: Line = (Span("nobody: the stage is vacant", Look.MUTED),)
    if shown.holder == shown.ref or not shown.stage.single_holder:
        replaced = (Span("nobody", Look.MUTED),)
    elif shown.holder:
        replaced = Span(shown.holder, Look.CODE), Span("which moves to", Look.MUTED), marks.stage(Stage.ARCHIVED)
    rows: tuple[tuple[str, Line], ...] = (
        ("Model", (Span(shown.name, Look.STRONG),)),
        ("Version", (Span(shown.ref.rpartition("/")[2], Look.STRONG),)),
        ("SHA-256", (Span(shown.digest, Look.CODE),) if shown.digest else (GAP,)),
        ("Stage", _way(shown.was, shown.stage)),
        ("Replaces", replaced),
        ("Because", (Span(" ".join(because.split())),)),
    )
    return Title((Span(f"{verb}?", Look.STRONG),)), Facts(rows)


def _way(was: Stage, goal: Stage) -> Line:
    start = Span("no stage", Look.MUTED) if was is Stage.NONE else marks.stage(was)
    end = Span("no stage", Look.MUTED) if goal is Stage.NONE else marks.stage(goal)
    return start, Span("→", Look.MUTED), end


def _rows(move: Promotion, version: ModelVersion, tenures: Sequence[Tenure]) -> tuple[tuple[str, Line], ...]:
    estimator = inline(version.estimator.rpartition(".")[2], 80)
    made = (Span("by", Look.MUTED), Span(inline(version.created_by, 60)), When(version.created_at))
    rows: list[tuple[str, Line]] = [("Made", (*((Span(estimator, Look.CODE),) if estimator else ()), *made))]
    if version.note.strip():
        rows.append(("Note", (Span(" ".join(version.note.split())),)))
    rows.append(("Digest", (marks.digest(version.digest),)))
    before = next((t for t in tenures if t.ref == move.ref and t.until is not None), None)
    if before is not None and before.until is not None:
        held = (When(before.since), Span("to", Look.MUTED), When(before.until))
        rows.append(("Was there", (*held, *_decided(before))))
    rows.append(("Replaces", _replaced(move, next((t for t in tenures if t.current), None))))
    return tuple(rows)


def _replaced(move: Promotion, holder: Tenure | None) -> Line:
    if not move.stage.single_holder:
        return (Span("nobody", Look.MUTED),)
    if not move.replaced:
        return (Span("nobody: the stage is vacant", Look.MUTED),)
    told: Line = (Span(move.replaced, Look.CODE), Span("→", Look.MUTED), marks.stage(Stage.ARCHIVED))
    if holder is None or holder.ref != move.replaced:
        return told
    return (*told, Span("· there since", Look.MUTED), When(holder.since), *_decided(holder))


def _decided(found: Tenure) -> Line:
    why = (Span(f"“{' '.join(found.because.split())[:200]}”", Look.MUTED),) if found.because.strip() else ()
    return (Span("by", Look.MUTED), Span(inline(found.decided_by, 60)), *why)


def _compared(incumbent: ModelVersion, version: ModelVersion) -> list[Block]:
    """Tell the metrics side by side, and in a line each what else is not the same."""
    try:
        metrics = diff.compare((incumbent, version))["metrics"]
        rest = of_comparison.since(incumbent, version)
    except _UNREADABLE:
        said = "What changed cannot be told: captured files cannot be read."
        return [Heading("What changes"), Banner(Look.WARN, (Span(said, Look.WARN),))]
    blocks = of_comparison.named(metrics, (incumbent.ref, version.ref)) if metrics.rows or metrics.same else []
    if rest:
        heading = (Span("from", Look.MUTED), Span(incumbent.ref, Look.CODE), Span("to", Look.MUTED),
                   Span(version.ref, Look.CODE))  # fmt: skip
        blocks += [Heading("What else changes", heading), Facts(rest)]
    return blocks


def _measured(version: ModelVersion) -> list[Block]:
    names = list(version.metrics)[:_MOST_METRICS]
    if not names:
        return []
    texts = figures([version.metrics[name] for name in names])
    rows = tuple((inline(name, 120), (Span(text, Look.NUMBER),)) for name, text in zip(names, texts, strict=True))
    return [Heading("Metrics"), Facts(rows)]

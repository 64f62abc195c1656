"""What happened and what was said: the audit, promotions, and threads of notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbregistry.display import as_prose, marks
from nbregistry.display.blocks import (
    GAP,
    MOST_ROWS,
    Banner,
    Block,
    Column,
    Facts,
    Foot,
    Heading,
    Line,
    Look,
    Note,
    Span,
    Table,
    Thread,
    Title,
    View,
    When,
    spaced,
)
from nbregistry.display.figures import stamp
from nbregistry.display.visible import first_line, inline
from nbregistry.domain.entities import Annotation, Event, Promotion
from nbregistry.domain.lifecycle import Stage, Status
from nbregistry.domain.results import Annotations, Events

_ALL_PROSE = 256 * 1024
"""Characters of notes that are rendered in one thread; of the rest the first line is shown."""


def events(found: Events) -> View:
    """Tell of the audit, one row for each change or refusal."""
    if not found:
        return View((Title((Span("No events.", Look.MUTED),)),))
    columns = (
        Column("#", right=True),
        Column("When", firm=True),
        Column("Who"),
        Column("What"),
        Column("Of"),
        Column("Change", wide=True),
        Column("Why", wide=True),
        Column("Where"),
    )
    more = (
        f"{len(found) - MOST_ROWS:,} more: [{MOST_ROWS}:] shows them, .to_frame() has them all."
        if len(found) > MOST_ROWS
        else ""
    )
    table = Table(columns, tuple(_event_row(e) for e in found[:MOST_ROWS]), total=len(found), more=more)
    return View((Title((Span(f"{len(found):,} event{'' if len(found) == 1 else 's'}", Look.MUTED),)), table))


def _event_row(e: Event) -> tuple[Line, ...]:
    return (
        (Span(str(e.seq), Look.NUMBER),),
        (When(e.time),),
        (Span(inline(e.user, 40)),),
        _action(e),
        (Span(inline(e.target, 140), Look.CODE),),
        marks.changes(e.before, {key: value for key, value in e.after.items() if not _obvious(e, key, value)}),
        (Span(first_line(e.reason)),) if e.reason.strip() else (),
        _where(e),
    )


def _obvious(e: Event, key: str, value: object) -> bool:
    """Whether the row says it already, or would say it in every row."""
    return (key == "ref" and value == e.target) or (key == "status" and value == Status.READY and key not in e.before)


def _action(e: Event) -> Line:
    return (Span(inline(e.action, 40), Look.BAD if e.action.startswith("refuse") else Look.PLAIN),)


def _where(e: Event) -> Line:
    """Return the notebook, or the host; the cell is one hover away, as its name is a number for machines."""
    cell = f"cell {inline(e.cell, 60)}" if e.cell else ""
    if notebook := (e.notebook or "").replace("\\", "/").rpartition("/")[2]:
        return (Span(inline(notebook, 60), title=cell),)
    return (Span(inline(e.host, 60), Look.MUTED, title=cell),) if e.host else ()


def event(found: Event) -> View:
    """Tell of one event, in full."""
    rows: list[tuple[str, Line]] = [("Change", marks.changes(found.before, found.after) or (GAP,))]
    if found.reason.strip():
        rows.append(("Why", (Span(" ".join(found.reason.split())),)))
    for name, text in (("Notebook", found.notebook), ("Cell", found.cell), ("Host", found.host)):
        if text:
            rows.append((name, (Span(text, Look.CODE),)))
    for key, value in list(found.evidence.items())[:20]:
        rows.append((f"Evidence {inline(key, 60)}", (Span(marks.value_text(value), Look.CODE),)))
    title = Title((*_action(found), Span(found.target, Look.STRONG)), (Span("by"), Span(found.user), When(found.time)))
    foot = Foot((Span(f"#{found.seq}", Look.NUMBER), marks.digest(found.hash)))
    return View((title, Facts(tuple(rows)), foot), framed=True)


def promotion(found: Promotion) -> View:
    """Tell of a promotion: from where to where, whom it replaced, on what evidence and why."""
    verb = (Span("would be", Look.MUTED),) if found.dry_run else (Span("is now", Look.MUTED),)
    title = Title(
        (Span(found.ref, Look.STRONG), *verb, marks.stage(found.stage)),
        (Span("by"), Span(found.user), When(found.time)),
    )
    blocks: list[Block] = [title]
    if found.dry_run:
        blocks.append(Banner(Look.WARN, (Span("Dry run:", Look.WARN), Span("nothing was changed."))))
    if not found.passed:
        failed = sum(not g.passed for g in found.evidence)
        said = f"{failed} of {len(found.evidence)} gates say{'s' if failed == 1 else ''} no."
        blocks.append(Banner(Look.BAD, (Span(said, Look.BAD),)))
    displaced = Span("would move to" if found.dry_run else "moved to", Look.MUTED)
    same = found.was == found.stage
    nobody = "nobody: it was there already, and nothing was changed" if same else "nobody held this stage"
    replaced: Line = (Span(nobody, Look.MUTED),)
    if found.replaced:
        replaced = Span(found.replaced, Look.CODE), displaced, marks.stage(Stage.ARCHIVED)
    rows: list[tuple[str, Line]] = [
        ("Stage", (marks.stage(found.was), Span("→", Look.MUTED), marks.stage(found.stage))),
        ("Replaced", replaced),
        ("Because", (Span(" ".join(found.reason.split())),) if found.reason.strip() else (GAP,)),
    ]
    blocks.append(Facts(tuple(rows)))
    blocks += evidence(found)
    foot = marks.receipt(found.receipt)
    return View((*blocks, Foot(foot)) if foot else tuple(blocks), framed=True)


def evidence(found: Promotion) -> list[Block]:
    """Tell what the gates said."""
    if not found.evidence:
        return []
    rows = tuple(
        (
            (Span("passed", Look.BADGE_GOOD) if gate.passed else Span("failed", Look.BADGE_BAD),),
            (Span(inline(gate.gate, 80)),),
            (Span(gate.summary),),
            tuple(
                span
                for key, value in list(gate.figures.items())[:8]
                for span in (Span(f"{inline(key, 40)}:", Look.MUTED), Span(marks.value_text(value), Look.NUMBER))
            ),
        )
        for gate in found.evidence[:MOST_ROWS]
    )
    columns = (Column("Verdict", firm=True), Column("Gate"), Column("Says", wide=True), Column("Figures", wide=True))
    shown = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    return [Heading("Evidence"), Table(columns[:shown], tuple(row[:shown] for row in rows), total=len(found.evidence))]


def annotation(found: Annotation) -> View:
    """Tell of one note."""
    foot = marks.receipt(found.receipt)
    thread = Thread((_note(found, found.text, ()),))
    on = Title((Span("on", Look.MUTED), Span(found.target, Look.CODE)))
    return View((on, thread, Foot(foot)) if foot else (on, thread), framed=True)


def thread(found: Annotations) -> View:
    """Tell of notes as threads, replies under what they answer."""
    if not found:
        return View((Title((Span("No annotations.", Look.MUTED),)),))
    drawn = found[-MOST_ROWS:]
    budget = _ALL_PROSE
    texts: dict[int, str] = {}
    for at, note in enumerate(drawn):
        budget -= min(len(note.text), as_prose.LIMIT)
        texts[at] = note.text if budget > 0 else f"{first_line(note.text)} (long: see .text)"
    count = Span(f"{len(found):,} annotation{'' if len(found) == 1 else 's'}", Look.MUTED)
    targets = list(dict.fromkeys(note.target for note in found))
    on = (Span(targets[0], Look.STRONG), count) if len(targets) == 1 else (count,)
    more = (
        [Foot((Span(f"The newest {MOST_ROWS} are shown; .to_frame() has them all."),))]
        if len(found) > MOST_ROWS
        else []
    )
    return View((Title(on), Thread(_threads(drawn, texts)), *more))


def _threads(drawn: Sequence[Annotation], texts: dict[int, str]) -> tuple[Note, ...]:
    """Nest replies; a reply to what is not here, or to something later, stands by itself: so no circle can form."""
    place = {note.id: at for at, note in enumerate(drawn)}
    answers: dict[int, list[int]] = {}
    roots: list[int] = []
    for at, note in enumerate(drawn):
        parent = place.get(note.reply_to) if note.reply_to is not None else None
        if parent is None or parent >= at:
            roots.append(at)
        else:
            answers.setdefault(parent, []).append(at)
    # From the last to the first, every reply is built before what it answers, however deep the thread.
    built: dict[int, Note] = {}
    for at in reversed(range(len(drawn))):
        built[at] = _note(drawn[at], texts[at], tuple(built[reply] for reply in answers.get(at, ())))
    return tuple(built[at] for at in roots)


def entry(found: Annotation) -> Thread:
    """Tell of one note without its replies."""
    return Thread((_note(found, found.text, ()),))


def _note(found: Annotation, text: str, replies: Iterable[Note]) -> Note:
    head = spaced(
        (
            (marks.kind(found.kind), Span(inline(found.author, 60), Look.STRONG)),
            (When(found.created_at),),
            (Span(f"#{found.id}", Look.MUTED),),
            (Span("edited", Look.MUTED), When(found.edits[-1][0])) if found.edits else (),
        )
    )
    if found.deleted:
        return Note((*head, Span("taken back", Look.MUTED)), "", (), tuple(replies))
    earlier = tuple(
        ((Span("until", Look.MUTED), When(moment), Span("by", Look.MUTED), Span(inline(who, 60))), said)
        for moment, who, said in found.edits[-20:]
    )
    return Note(head, text, earlier, tuple(replies))


def brief_annotation(found: Annotation) -> str:
    """Return a note in one line, for ``repr``."""
    said = "taken back" if found.deleted else first_line(found.text, 60)
    return inline(f"<Annotation {found.id}: {found.kind.value} on {found.target} by {found.author}: {said}>")


def brief_event(found: Event) -> str:
    """Return an event in one line, for ``repr``."""
    return inline(f"<Event {found.seq}: {found.action} {found.target} by {found.user}, {stamp(found.time)} UTC>")

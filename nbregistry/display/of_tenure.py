"""What is in production, since when, who decided it, on what evidence, what changed, and what it replaced.

Told for whoever answers for a model without having made it: sentences before tables, dates written out, measures with
what they mean. Nothing here is worked out anew: every word rests on a line of the audit, whose number is given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from nbregistry.display import marks, of_change, of_history
from nbregistry.display.blocks import (
    GAP,
    MOST_ROWS,
    Banner,
    Block,
    Bullets,
    Column,
    Facts,
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
from nbregistry.display.figures import stamp, together
from nbregistry.display.visible import first_line, inline
from nbregistry.domain.entities import GateResult
from nbregistry.domain.results import Annotations
from nbregistry.domain.tenure import How, Tenure, Tenures

_MOST_MODELS = 25
"""Models of which more than a row of the table is told."""
_MOST_EARLIER = 30
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MARKS = re.compile(r"\*\*|__|`+|^\s*[#>]+\s*", re.MULTILINE)
_STEPS = {
    How.PROMOTE: "promoted", How.ROLLBACK: "put back by a rollback", How.REGISTER: "put there when it was registered",
    How.RESTORE: "taken out of the trash", How.REPAIR: "taken over by a repair", How.OTHER: "moved there",
}  # fmt: skip
_ENDS = {
    How.ROLLBACK: "rolled back", How.DELETE: "moved to the trash", How.PURGE: "destroyed",
    How.REPAIR: "ended by a repair", How.PROMOTE: "withdrawn",
}  # fmt: skip


def day(moment: datetime) -> str:
    """Return a moment in words: ``3 March 2026, 14:05 UTC``."""
    at = moment.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


def span(length: timedelta) -> str:
    """Return how long something lasted, in the largest unit that says enough: ``4 months``, ``12 days``."""
    seconds = length.total_seconds()
    for unit, size, least in (("year", 31_556_952, 2), ("month", 2_629_746, 2), ("week", 604_800, 3),
                              ("day", 86_400, 1), ("hour", 3_600, 1), ("minute", 60, 1)):  # fmt: skip
        if seconds >= size * least:
            count = int(seconds // size)
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def unmarked(markdown: str, limit: int = 80) -> str:
    """Return the first line of Markdown as words, without the marks that would have made it bold or a heading."""
    return first_line(_MARKS.sub("", markdown[: 4 * limit]), limit)


def tenure(found: Tenure) -> View:
    """Tell of one version's time in a stage."""
    now = datetime.now(UTC)
    title = Title((Span(found.ref, Look.STRONG), Span("in", Look.MUTED), marks.stage(found.stage)))
    return View((title, *_whole(found, now)), framed=True)


def tenures(found: Tenures, *, most: int = MOST_ROWS) -> View:
    """Tell of one model, or of all: in a table of at most ``most`` rows, then of some in sentences."""
    now = found.past or datetime.now(UTC)
    return _one_model(found, now) if found.name is not None else _registry(found, now, most)


def _as_of(found: Tenures, now: datetime) -> Line:
    return (Span(f"as it was on {day(now)}" if found.past else f"as of {day(now)}"),)


def _one_model(found: Tenures, now: datetime) -> View:
    title = Title((Span(found.name or "", Look.STRONG), Span("in", Look.MUTED), marks.stage(found.stage)),
                  _as_of(found, now))  # fmt: skip
    if not found:
        said = f"No version of {found.name} has ever been in {found.stage.value}."
        return View((title, Banner(Look.WARN, (Span(said),))), framed=True)
    blocks: list[Block] = [title]
    newest = found[0]
    if newest.current:
        blocks += _whole(newest, now)
    else:
        blocks.append(Banner(Look.WARN, (Span(f"Nothing is in {found.stage.value} now.", Look.WARN), *_ending(newest))))
    earlier = found[1:] if newest.current else found
    if earlier:
        blocks += [Heading("Before" if newest.current else "Who was there"), _history(earlier, now)]
    return View((*blocks, _foot(newest)), framed=True)


def _whole(found: Tenure, now: datetime) -> list[Block]:
    """Tell everything of one tenure: the sentence, the decision, what changed, the evidence, what was noted."""
    blocks: list[Block] = [Banner(Look.GOOD if found.current else Look.WARN, _lead(found, now)), _decision(found)]
    blocks += _changed(found)
    blocks += _evidence(found.evidence)
    if found.notes:
        thread = of_history.thread(Annotations(found.notes)).blocks
        blocks += [Heading("Decisions and incidents in its time"), *(b for b in thread if not isinstance(b, Title))]
    return blocks


def _lead(found: Tenure, now: datetime) -> Line:
    stage, lasted = found.stage.value, span(found.lasted(now))
    if found.current:
        return Span(found.ref, Look.STRONG), Span(f"has been in {stage} since {day(found.since)}: {lasted}.")
    until = day(found.until or now)
    return Span(found.ref, Look.STRONG), Span(f"was in {stage} from {day(found.since)} to {until}: {lasted}.")


def _decision(found: Tenure) -> Facts:
    step = Span(f"({_STEPS.get(found.how, 'moved there')})", Look.MUTED)
    rows: list[tuple[str, Line]] = [
        ("Decided by", (Span(inline(found.decided_by, 80), Look.STRONG), step)),
        ("Reason", _reason(found.because, found.how)),
        ("Replaced", _replaced(found)),
    ]  # fmt: skip
    version = found.version
    if version is not None:
        if version.note.strip():
            rows.append(("Note on it", (Span(" ".join(version.note.split())),)))
        made = (Span("by"), Span(inline(version.created_by, 60)), Span(f"on {day(version.created_at)}"))
        kind = (Span(inline(version.estimator.rpartition(".")[2], 80), Look.CODE),) if version.estimator else ()
        rows.append(("Made", (*kind, *made)))
    if found.ended is not None:
        rows.append(("Ended", _ending(found)))
    return Facts(tuple(rows))


def _reason(because: str, how: How) -> Line:
    if how is How.REGISTER:
        return (Span("it was registered for this stage", Look.MUTED),)
    return (Span(f"“{' '.join(because.split())}”"),) if because.strip() else (Span("none was given", Look.WARN),)


def _replaced(found: Tenure) -> Line:
    if found.replaced:
        return (Span(found.replaced, Look.CODE),)
    if found.predecessor is None:
        return (Span("nobody: it was the first", Look.MUTED),)
    return Span("nobody: the stage was empty; before that it was", Look.MUTED), Span(found.predecessor.ref, Look.CODE)


def _ending(found: Tenure) -> Line:
    """Tell who ended a tenure, and how."""
    if found.ended is None:
        return ()
    turn = found.ended
    told: Line = (Span(found.ref, Look.CODE), Span(f"was {_ENDS.get(turn.how, 'moved out')} by"))
    if found.replaced_by and turn.how is not How.ROLLBACK:
        told = (Span("replaced by"), Span(found.replaced_by, Look.CODE), Span("· decided by", Look.MUTED))
    because = (Span(f"“{first_line(turn.because, 200)}”"),) if turn.because.strip() else ()
    return (*told, Span(inline(turn.by, 60)), Span(f"on {day(turn.time)}"), *because)


def _changed(found: Tenure) -> list[Block]:
    if found.version is None:
        return []
    if found.predecessor is None:
        told = of_change.measures(found.version)
        return [Heading("How good it is"), Bullets(told)] if told else []
    told = of_change.changes(found.predecessor, found.version)
    between = (Span("from", Look.MUTED), Span(found.predecessor.ref, Look.CODE), Span("to", Look.MUTED),
               Span(found.ref, Look.CODE))  # fmt: skip
    return [Heading("What changed", between), Bullets(told)]


def _evidence(gates: Sequence[GateResult]) -> list[Block]:
    if not gates:
        return []
    failed = sum(not gate.passed for gate in gates)
    count = len(gates)
    said = (
        f"{failed} of {count} failed" if failed else "the check passed" if count == 1 else f"all {count} checks passed"
    )
    rows = tuple(
        (
            (Span("passed", Look.BADGE_GOOD) if gate.passed else Span("failed", Look.BADGE_BAD),),
            (Span(inline(gate.gate, 80)),),
            (Span(inline(gate.summary, 400)), *_figures(gate)),
        )
        for gate in gates[:MOST_ROWS]
    )
    columns = (Column("Verdict", firm=True), Column("Check"), Column("What it found", wide=True))
    return [Heading("Evidence", (Span(said, Look.BAD if failed else Look.MUTED),)), Table(columns, rows, total=count)]


def _figures(gate: GateResult) -> Line:
    return spaced(
        (Span(f"{inline(key, 40)}:", Look.MUTED), Span(marks.value_text(value), Look.NUMBER))
        for key, value in list(gate.figures.items())[:6]
    )


def _history(found: Sequence[Tenure], now: datetime) -> Table:
    columns = (
        Column("Version"), Column("From", firm=True), Column("To", firm=True), Column("For", firm=True),
        Column("Decided by"), Column("Why", wide=True), Column("How it ended", wide=True),
    )  # fmt: skip
    rows = tuple(
        (
            (marks.ref(one.ref),),
            (_date(one.since),),
            (_date(one.until) if one.until else Span("now", Look.GOOD),),
            (Span(span(one.lasted(now))),),
            (Span(inline(one.decided_by, 40)),),
            (Span(first_line(one.because)),) if one.because.strip() and one.how is not How.REGISTER else (GAP,),
            _ended_short(one),
        )
        for one in found[:_MOST_EARLIER]
    )
    more = (
        f"{len(found) - _MOST_EARLIER:,} earlier ones: .to_frame() has them all." if len(found) > _MOST_EARLIER else ""
    )
    return Table(columns, rows, total=len(found), more=more)


def _date(moment: datetime) -> Span:
    """Return a day, with the moment on hover: in a history the days are what one looks for."""
    return Span(stamp(moment)[:10], Look.NUMBER, title=f"{stamp(moment, seconds=True)} UTC")


def _ended_short(found: Tenure) -> Line:
    """Tell how a tenure ended; why it was displaced stands in the row of who displaced it."""
    turn = found.ended
    if turn is None:
        return (Span("it has not", Look.MUTED),)
    if found.replaced_by:
        rolled = turn.how is How.ROLLBACK
        how = Span("rolled back to", Look.WARN) if rolled else Span("replaced by")
        return how, Span(found.replaced_by, Look.CODE)
    because = (Span(f"“{first_line(turn.because)}”", Look.MUTED),) if turn.because.strip() else ()
    return (Span(_ENDS.get(turn.how, "moved out"), Look.WARN), *because)


def _foot(found: Tenure) -> Foot:
    return Foot((Span(f"From the audit, line {found.seq}"), Span("· digest", Look.MUTED), marks.digest(found.digest)))


def _registry(found: Tenures, now: datetime, most: int) -> View:
    """Tell of every model: a table of who is there now, then each in a few sentences."""
    stage, held = found.stage.value, [t for t in found if t.current]
    models = len(held) + len(found.vacant)
    count = Span(f"{len(held):,} of {models:,} model{'' if models == 1 else 's'}", Look.MUTED)
    blocks: list[Block] = [Title((Span(f"In {stage}", Look.STRONG), count), _as_of(found, now))]
    if not held:
        return View((*blocks, Banner(Look.WARN, (Span(f"No model has a version in {stage}."),))))
    blocks.append(_holders(held, now, most))
    per_model = {name: list(group) for name, group in groupby(found, key=lambda t: t.name)}
    for one in held[:_MOST_MODELS]:
        blocks += _brief_section(one, per_model[one.name], now)
    if len(held) > _MOST_MODELS:
        said = f"{len(held) - _MOST_MODELS:,} more models: ask for one by its name."
        blocks.append(Foot((Span(said),)))
    if found.vacant:
        names = together([inline(name, 60) for name in found.vacant], 12)
        blocks.append(Foot((Span(f"Nothing in {stage}:", Look.MUTED), Span(names))))
    return View(tuple(blocks))


def _holders(held: Sequence[Tenure], now: datetime, most: int) -> Table:
    columns = (
        Column("Model"), Column("Version"), Column("Since (UTC)", firm=True), Column("For", firm=True),
        Column("Decided by"), Column("Why", wide=True), Column("Replaced"),
    )  # fmt: skip
    rows = tuple(
        (
            (Span(one.name, Look.CODE),),
            (marks.ref(one.ref),),
            (Span(stamp(one.since)),),
            (Span(span(one.lasted(now))),),
            (Span(inline(one.decided_by, 40)),),
            (Span(first_line(one.because)),) if one.because.strip() and one.how is not How.REGISTER else (GAP,),
            (Span(one.replaced, Look.CODE),) if one.replaced else (GAP,),
        )
        for one in held[:most]
    )
    more = f"{len(held) - most:,} more: .to_frame() has them all." if len(held) > most else ""
    return Table(columns, rows, total=len(held), more=more)


def _brief_section(found: Tenure, group: Sequence[Tenure], now: datetime) -> list[Block]:
    """Tell of one model in a few sentences."""
    lines: list[Line] = [
        (*_lead(found, now),),
        (Span(inline(found.decided_by, 60), Look.STRONG), Span("decided it."), *_because(found)),
    ]
    if found.replaced:
        lines.append((Span("It replaced"), Span(found.replaced, Look.CODE)))
    if found.version is not None and found.predecessor is not None:
        lines += of_change.changes(found.predecessor, found.version)[:4]
    elif found.version is not None:
        lines += of_change.measures(found.version)[:4]
    lines += [(marks.kind(note.kind), Span(inline(note.author, 40)), Span(f"“{unmarked(note.text, 160)}”"))
              for note in found.notes[-3:]]  # fmt: skip
    rolled = sum(1 for one in group if one.how is How.ROLLBACK)
    if rolled:
        lines.append((Span(f"{rolled:,} rollback{'' if rolled == 1 else 's'} so far.", Look.WARN),))
    return [Heading(found.name), Bullets(tuple(lines))]


def _because(found: Tenure) -> Line:
    if found.how is How.REGISTER:
        return (Span("It was registered for this stage.", Look.MUTED),)
    if not found.because.strip():
        return (Span("No reason was given.", Look.WARN),)
    return (Span(f"“{first_line(found.because, 200)}”"),)


def brief(found: Tenure) -> str:
    """Return a tenure in one line, for ``repr``."""
    until = f"to {stamp(found.until)}" if found.until else "until now"
    return inline(
        f"<Tenure {found.ref} in {found.stage.value} from {stamp(found.since)} {until}, by {found.decided_by}>"
    )

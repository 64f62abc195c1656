"""What changed from one version to the next, in sentences for people who read no code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from nbregistry.display import marks
from nbregistry.display.blocks import Line, Look, Span
from nbregistry.display.figures import figure, figures, together
from nbregistry.display.glossary import meaning
from nbregistry.display.visible import inline
from nbregistry.domain import diff
from nbregistry.domain.comparison import ABSENT, Change, Comparison, Row, Value
from nbregistry.domain.entities import ModelVersion
from nbregistry.domain.succession import breaks
from nbregistry.errors import RegistryError

_MOST = 6
_MACHINE = frozenset({"python", "implementation", "os", "machine", "cpu", "editable installs"})
_UNREADABLE = (RegistryError, OSError, AttributeError, KeyError, TypeError, ValueError)
"""Of a captured file that is damaged, or was written by somebody else's program."""


def changes(old: ModelVersion, new: ModelVersion) -> tuple[Line, ...]:
    """Return a sentence for each thing that changed: how good it is, what it takes, what it learned from."""
    if (old.name, old.number) == (new.name, new.number):
        return (_said("It is the same version that was there before."),)
    if old.purged or new.purged:
        gone = old.ref if old.purged else new.ref
        return (_said(f"What changed cannot be told any more: the content of {gone} was destroyed on purpose."),)
    try:
        found = diff.compare((old, new))
        told = tuple(line for tell in _TELLERS for line in tell(found))
    except _UNREADABLE:
        return (
            *_metrics(_of_metrics(old, new)),
            (Span("What else changed cannot be told: its captured files cannot be read.", Look.WARN),),
        )
    metrics = found["metrics"]
    if told and metrics.same and not metrics.rows:
        told = (_said("Its measures are the same as before."), *told)
    if old.digest == new.digest:
        told = (_said("The stored model is the same, byte for byte."), *told)
    return told or (_said("Nothing that was recorded of the two differs."),)


def measures(version: ModelVersion) -> tuple[Line, ...]:
    """Return a sentence for each metric of a version that followed nobody."""
    names = list(version.metrics)[:_MOST]
    told = [(_name(name), Span(f"is {figure(version.metrics[name])}"), *_meaning(name)) for name in names]
    return (*told, *_rest(len(version.metrics) - len(names), "measure", "was recorded", "were recorded"))


def _of_metrics(old: ModelVersion, new: ModelVersion) -> Comparison:
    return Comparison((old, new), (diff.compare((_bare(old), _bare(new)))["metrics"],))


def _bare(version: ModelVersion) -> ModelVersion:
    from dataclasses import replace

    return replace(version, files={}, reader=None)


def _metrics(found: Comparison) -> list[Line]:
    section = found["metrics"]
    told = [_metric(row) for row in section.rows[:_MOST]]
    told += _rest(len(section.rows) - _MOST, "measure", "changed", "changed")
    if section.same and section.rows:
        one = section.same == 1
        told.append(_said(f"{section.same:,} measure{' is' if one else 's are'} the same as before."))
    return told


def _metric(row: Row) -> Line:
    before, after = row.values
    if before is ABSENT:
        return (_name(row.key), Span(f"was not measured before; it is {figure(after)}"), *_meaning(row.key))
    if after is ABSENT:
        return (_name(row.key), Span(f"is not measured any more; it was {figure(before)}"), *_meaning(row.key))
    texts = figures([before, after])
    went = Span(f"went from {texts[0]} to {texts[1]}{'' if row.improved is None else ':'}")
    judged = {True: (Span("better", Look.GOOD),), False: (Span("worse", Look.BAD),), None: ()}[row.improved]
    return (_name(row.key), went, *judged, *_meaning(row.key))


def _estimator(found: Comparison) -> list[Line]:
    old, new = found.versions
    if old.estimator == new.estimator:
        return []
    kinds = [_last(v.estimator) or "one of an unknown kind" for v in (old, new)]
    return [(Span("It is another kind of model:"), Span(kinds[1], Look.CODE), Span("instead of"),
             Span(kinds[0], Look.CODE))]  # fmt: skip


def _parameters(found: Comparison) -> list[Line]:
    old, new = found.versions
    rows: Sequence[Row] = found["parameters"].rows
    if old.estimator != new.estimator:
        # Two kinds of estimator share hardly a setting: what counts is what somebody chose.
        chosen = {*old.changed_params, *new.changed_params}
        rows = [row for row in rows if row.key in chosen]
    told = [_setting(row) for row in rows[:_MOST]]
    return told + _rest(len(rows) - _MOST, "setting", "changed", "changed")


def _setting(row: Row) -> Line:
    before, after = row.values
    start = (Span("The setting"), Span(inline(row.key, 80), Look.CODE))
    if before is ABSENT:
        return (*start, Span("is new:"), _value(after))
    if after is ABSENT:
        return (*start, Span("is gone; it was"), _value(before))
    return (*start, Span("went from"), _value(before), Span("to"), _value(after))


def _schema(found: Comparison) -> list[Line]:
    old, new = found.versions
    rows = [row for row in found["schema"].rows if row.key.startswith("input ")]
    told: list[Line] = []
    for status, words in ((Change.ADDED, "It looks at {} more"), (Change.REMOVED, "It no longer looks at {}")):
        names = [row.key.removeprefix("input ") for row in rows if row.status is status]
        if names:
            said = words.format(_count(len(names), "column"))
            told.append((Span(f"{said}:"), Span(inline(together(names, 4), 160), Look.CODE)))
    broken = breaks(new.signature, old.signature)
    if broken:
        why = "; ".join(inline(text, 160) for text in broken[:3])
        told.append((Span("Whoever asks it has to change something:", Look.WARN), Span(why)))
    return told


def _data(found: Comparison) -> list[Line]:
    rows = found["data"].rows
    told: list[Line] = []
    size = next((row for row in rows if row.key == "rows"), None)
    if size is not None and size.changed and ABSENT not in size.values:
        part = (
            f", {abs(size.relative):.0%} {'more' if size.relative > 0 else 'fewer'} than before"
            if size.relative
            else ""
        )
        told.append(_said(f"It learned from {figure(size.values[1])} rows of data{part} ({figure(size.values[0])})."))
    elif any(row.key == "fingerprint" for row in rows):
        told.append(_said("It learned from other data of the same size."))
    moved = sorted(((abs(float(row.note.split()[0])), row) for row in rows if row.note.endswith(" sd")),
                   key=lambda pair: -pair[0])  # fmt: skip
    for distance, row in [pair for pair in moved if pair[0] >= 0.25][:3]:
        column = Span(inline(row.key.removesuffix(".mean"), 80), Look.CODE)
        way = "higher" if row.note.startswith("+") else "lower"
        said = f"is {way} on average in that data, by {distance:.2g} of its usual spread."
        told.append((column, Span(said)))
    return told


def _code(found: Comparison) -> list[Line]:
    rows = found["code"].rows
    counted = Counter(row.status for row in rows if row.lines)
    if not counted:
        return []
    words = " and ".join(f"{_count(n, 'cell')} {status.value}" for status, n in counted.items())
    return [_said(f"The code that made it is not the same: {words}.")]


def _environment(found: Comparison) -> list[Line]:
    rows = found["environment"].rows
    told: list[Line] = []
    for row in rows:
        if row.key == "python" and ABSENT not in row.values:
            told.append(_said(f"It was made with Python {row.values[1]} instead of {row.values[0]}."))
    libraries = [row for row in rows if row.key not in _MACHINE]
    if libraries:
        words = {Change.BUMPED: "newer", Change.LOWERED: "older", Change.ADDED: "more", Change.REMOVED: "fewer"}
        counted = Counter(words.get(row.status, "different") for row in libraries)
        said = ", ".join(f"{n:,} {word}" for word, n in counted.items())
        names = together([inline(row.key, 40) for row in libraries], 4)
        told.append((Span(f"The libraries it was made with changed, {said}:"), Span(names, Look.MUTED)))
    return told


def _author(found: Comparison) -> list[Line]:
    old, new = found.versions
    if old.created_by == new.created_by:
        return []
    names = [Span(inline(v.created_by, 60)) for v in (new, old)]
    return [(names[0], Span("made it,"), names[1], Span("the one before it."))]


_TELLERS: tuple[Callable[[Comparison], list[Line]], ...] = (
    _metrics, _estimator, _parameters, _schema, _data, _code, _environment, _author
)  # fmt: skip


def _name(metric: str) -> Span:
    return Span(inline(metric, 80), Look.STRONG)


def _meaning(metric: str) -> Line:
    found = meaning(metric)
    return (Span(f"({found})", Look.MUTED),) if found else ()


def _value(value: Value) -> Span:
    return Span(marks.value_text(value), Look.CODE)


def _said(text: str) -> Line:
    return (Span(text),)


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _rest(count: int, what: str, one: str, many: str) -> list[Line]:
    return (
        [(Span(f"{count:,} more {what}{'' if count == 1 else 's'} {one if count == 1 else many}.", Look.MUTED),)]
        if (count > 0)
        else []
    )


def _last(dotted: str) -> str:
    return inline(dotted.rpartition(".")[2] or dotted, 80)

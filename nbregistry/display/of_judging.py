"""Versions judged: metrics as bars, and what the models say about the same rows as curves, clouds and counts."""

from __future__ import annotations

from collections.abc import Sequence

from nbregistry.display.blocks import (
    Axis,
    Banner,
    Bar,
    Block,
    Bullets,
    Chart,
    Column,
    Facts,
    Foot,
    Group,
    GroupedBars,
    Heading,
    Line,
    Look,
    Mark,
    Series,
    Span,
    Table,
    View,
)
from nbregistry.display.figures import change, figure, figures, is_number
from nbregistry.display.visible import inline
from nbregistry.domain.comparison import ABSENT, Row, Section
from nbregistry.evaluation.curves import Confusion
from nbregistry.evaluation.judging import Drawn, Verdict

_MOST_METRICS = 40
_BETTER = {"up": "higher is better", "down": "lower is better"}


def metrics(section: Section, refs: Sequence[str]) -> tuple[Block, ...]:
    """Return a section of metrics as bars, each version's change told against the first."""
    rows = [row for row in section.rows if any(map(is_number, row.values))]
    same = f"{section.same:,} more {'is' if section.same == 1 else 'are'} the same in all versions"
    told = [same if section.same else "", section.note]
    more = [f"{len(rows) - _MOST_METRICS} more metrics are not drawn"] if len(rows) > _MOST_METRICS else []
    said = ". ".join(part.rstrip(".") for part in (*more, *told) if part)
    if not rows:
        what = "No metric differs" if section.same else "No metric was given with any of these versions"
        return (Banner(Look.GOOD, (Span(f"{what}."), Span(said, Look.MUTED))),)
    groups = tuple(_group(row) for row in rows[:_MOST_METRICS])
    return (GroupedBars(tuple(refs), groups, more=f"Changes are from {refs[0]}." + (f" {said}." if said else "")),)


def _group(row: Row) -> Group:
    # numbers were told apart
    values = [float(value) if is_number(value) else None for value in row.values]  # type: ignore[arg-type]  # as above
    texts = figures([value if is_number(value) else None for value in row.values])
    direction = f"{inline(row.key, 60)} ({_BETTER[row.better]})" if row.better else inline(row.key, 60)
    best = _best(values, row.better)
    bars = tuple(
        Bar(value, text or "—", _note(row, at, best))
        for at, (value, text) in enumerate(zip(values, texts, strict=True))
    )
    return Group(direction, bars)


def _best(values: Sequence[float | None], better: str | None) -> float | None:
    """Return the best value, where there is one to choose; None where the name of the metric does not tell."""
    known = [value for value in values if value is not None and value == value]  # noqa: PLR0124  # nan
    if better is None or len(set(known)) < 2:
        return None
    return max(known) if better == "up" else min(known)


def _note(row: Row, at: int, best: float | None) -> Line:
    """Return how a value moved from the first version's, whether for the better, and whether it is the best."""
    value, first = row.values[at], row.values[0]
    if value is ABSENT or value is None:
        return (Span("not measured", Look.MUTED),)
    mark: Line = (Span("best", Look.BADGE_GOOD),) if best is not None and value == best else ()
    text = change(value, first) if at else ""
    if not text:
        return mark
    if text[0] == "±":
        return (Span("the same", Look.MUTED), *mark)
    arrow = "▲" if text[0] == "+" else "▼"
    if row.better is None:
        return (Span(f"{arrow} {text}", Look.MUTED), *mark)
    good = (row.better == "up") == (text[0] == "+")
    return (Span(f"{arrow} {text} {'better' if good else 'worse'}", Look.GOOD if good else Look.BAD), *mark)


def verdict(found: Verdict, unloaded: Sequence[tuple[str, str]] = ()) -> View:
    """Tell how models answered the same rows.

    Parameters
    ----------
    unloaded : sequence of (str, str)
        References of models that could not be asked, and why.
    """
    blocks: list[Block] = [
        Banner(Look.WARN, (Span(f"{inline(ref)} was not asked:", Look.STRONG), Span(why))) for ref, why in unloaded
    ]
    rows = f"{found.rows:,} row{'' if found.rows == 1 else 's'}"
    facts: list[tuple[str, Line]] = [(ref, _figure(name, value)) for ref, name, value in found.scores]
    if facts:
        blocks += [Heading(f"Scores on {rows}"), Facts(tuple(facts))]
    if found.agreements:
        blocks += [Heading(f"Agreement on {rows}"), Facts(tuple((r, _figure(n, v)) for r, n, v in found.agreements))]
    charts = _charts(found)
    if charts:
        blocks += [Heading("Charts"), *charts]
    for ref, counts in found.confusions:
        blocks += [Heading(f"Confusion, {inline(ref)}"), _confusion(counts)]
    if found.notes:
        blocks += [Heading("What could not be told"), Bullets(tuple((Span(note),) for note in found.notes))]
    if not blocks:
        blocks.append(
            Foot((Span("There is nothing to tell of one answer without the truth: give y too.", Look.MUTED),))
        )
    return View(tuple(blocks))


def _figure(name: str, value: float) -> Line:
    words = {"agreement": "of the answers are those of the first version", "accuracy": "accuracy", "r2": "R²"}
    share = name in ("agreement", "accuracy")
    return Span(f"{value:.1%}" if share else figure(value), Look.NUMBER, title=repr(value)), Span(words.get(name, name))


def _charts(found: Verdict) -> list[Block]:
    unit = ((0.0, 1.0), (0.0, 1.0))
    charts: list[Block] = []
    if found.roc.curves:
        chance = Series("by chance", *unit, mark=Mark.GUIDE)
        axes = Axis("False positive rate", 0.0, 1.0), Axis("True positive rate", 0.0, 1.0)
        series = (*_series(found.roc, "AUC"), chance)
        charts.append(Chart("ROC curve", series, *axes, square=True, note=(Span(found.roc.told),)))
    if found.calibration.curves:
        name = "Brier score" if found.calibration.told == found.roc.told else "calibration error"
        ideal = Series("as sure as right", *unit, mark=Mark.GUIDE)
        axes = Axis("Probability that was predicted", 0.0, 1.0), Axis("Share of rows that came true", 0.0, 1.0)
        series = (*_series(found.calibration, name), ideal)
        charts.append(Chart("Calibration", series, *axes, square=True, note=(Span(found.calibration.told),)))
    for title, drawn, x, y in (
        ("Predicted and actual", found.actual, "Actual", "Predicted"),
        ("Residuals", found.residuals, "Predicted", "Actual minus predicted"),
    ):
        if drawn.curves:
            series = (*_series(drawn, "RMSE", Mark.POINTS), _without_error(drawn, level=y != "Predicted"))
            charts.append(Chart(title, series, Axis(x), Axis(y), square=y == "Predicted"))
    return charts


def _series(drawn: Drawn, name: str, mark: Mark = Mark.LINE) -> tuple[Series, ...]:
    return tuple(Series(ref, c.x, c.y, f"{name} {figure(c.figure)}", mark) for ref, c in drawn.curves)


def _without_error(drawn: Drawn, *, level: bool) -> Series:
    """Return the line on which a model without error would be."""
    places = [x for _, curve in drawn.curves for x in curve.x]
    ends = min(places), max(places)
    return Series("no error", ends, (0.0, 0.0) if level else ends, mark=Mark.GUIDE)


def _confusion(counts: Confusion) -> Table:
    heads = (Column("Actual"), *(Column(f"said {label}", right=True) for label in counts.labels), Column("Right"))
    rows = []
    for at, (label, row) in enumerate(zip(counts.labels, counts.counts, strict=True)):
        cells = [
            (Span(f"{n:,}", Look.STRONG if to == at else Look.NUMBER if n else Look.MUTED),) for to, n in enumerate(row)
        ]
        right = f"{row[at] / sum(row):.0%}" if sum(row) else "—"
        rows.append(((Span(label),), *cells, (Span(right, Look.NUMBER),)))
    return Table(heads, tuple(rows), total=len(rows))

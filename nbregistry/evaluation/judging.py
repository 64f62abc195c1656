"""Answers of several models to the same rows, judged side by side: who agrees with whom, and who is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nbregistry.errors import InvalidInput, RegistryError
from nbregistry.evaluation import curves
from nbregistry.evaluation.answers import Answer
from nbregistry.evaluation.curves import Confusion, Curve
from nbregistry.evaluation.predictions import agreement, score


class Drawn(NamedTuple):
    """Curves of one kind, each with the reference of its model."""

    told: str
    curves: tuple[tuple[str, Curve], ...] = ()


_NOTHING = Drawn("")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say of several answers to the same rows.

    Attributes
    ----------
    agreements, scores : tuple of (str, str, float)
        Reference, name of the figure and its value; agreements are with the first model.
    roc, calibration, actual, residuals : Drawn
        ``told`` says what is drawn where there are several ways: which class, which average.
    confusions : tuple of (str, Confusion)
        Reference and counts of each classifier.
    notes : tuple of str
        What could not be judged, and why.
    """

    rows: int
    agreements: tuple[tuple[str, str, float], ...] = ()
    scores: tuple[tuple[str, str, float], ...] = ()
    roc: Drawn = _NOTHING
    calibration: Drawn = _NOTHING
    actual: Drawn = _NOTHING
    residuals: Drawn = _NOTHING
    confusions: tuple[tuple[str, Confusion], ...] = ()
    notes: tuple[str, ...] = ()


def judged(answers: Sequence[tuple[str, Answer]], y: Any = None) -> Verdict:
    """Judge answers to the same rows.

    Parameters
    ----------
    answers : sequence of (str, Answer)
        Reference and answer of each model that could be asked.
    y : array-like, (rows,), or None
        The truth. Without it only agreement can be told.

    Raises
    ------
    InvalidInput
        ``y`` is not for the same rows.
    """
    if not answers:
        return Verdict(0)
    notes: list[str] = []
    rows = len(answers[0][1].said)
    agreed = _each(answers[1:], lambda answer: _agreed(answers[0][1], answer), notes, "its agreement")
    agreements = tuple((ref, *figure) for ref, figure in agreed)
    if y is None:
        return Verdict(rows, agreements, notes=tuple(notes))
    if len(y) != rows:
        raise InvalidInput(f"y has {len(y):,} rows and X {rows:,}: give the truth for the same rows.")
    single = [pair for pair in answers if pair[1].said.ndim == 1]
    notes += [f"{ref} answers with several columns, which are not judged." for ref, a in answers if a.said.ndim > 1]
    sorting = [pair for pair in single if pair[1].classifies]
    clouds = _each([p for p in single if not p[1].classifies], lambda a: curves.residuals(y, a), notes, "its residuals")
    return Verdict(
        rows,
        agreements,
        tuple((ref, *figure) for ref, figure in _each(single, lambda a: _score(y, a), notes, "its score")),
        *_of_classes(sorting, y, notes),
        Drawn("", tuple((ref, pair[0]) for ref, pair in clouds)),
        Drawn("", tuple((ref, pair[1]) for ref, pair in clouds)),
        tuple(_each(sorting, lambda a: curves.confusion(y, a), notes, "its confusion")),
        tuple(notes),
    )


def _agreed(first: Answer, other: Answer) -> tuple[str, float]:
    return agreement(*(_labels(a) if first.classifies and other.classifies else a.said for a in (first, other)))


def _score(y: Any, answer: Answer) -> tuple[str, float]:
    if not answer.classifies:
        return score(y, answer.said)
    import numpy as np

    return "accuracy", float(np.mean(np.asarray(y).reshape(-1) == answer.said))


def _labels(answer: Answer) -> Any:
    """Return labels as such: 0.0 and 1.0 may be two of them."""
    return answer.said.astype(object) if answer.said.dtype.kind == "f" else answer.said


def _of_classes(answers: Sequence[tuple[str, Answer]], y: Any, notes: list[str]) -> tuple[Drawn, Drawn]:
    """Return characteristics and calibrations of the classifiers that know the same classes as the first."""
    scored = [(ref, a) for ref, a in answers if a.scores is not None]
    mute = [ref for ref, a in answers if a.scores is None]
    if mute:
        notes.append(f"{', '.join(mute)} gives labels and nothing of how sure it is: it has no curves.")
    if not scored:
        return _NOTHING, _NOTHING
    classes = scored[0][1].classes
    others = [ref for ref, a in scored if a.classes != classes]
    if others:
        notes.append(f"{', '.join(others)} knows other classes than {scored[0][0]}: its curves are left out.")
    same = [(ref, a) for ref, a in scored if a.classes == classes]
    if len(classes) == 2:
        which = sure = f"Class {str(classes[1])[:80]}"
    else:
        which, sure = f"Mean over {len(classes)} classes, each against the rest", "The class that was predicted"
    drawn = Drawn(which, tuple(_each(same, lambda a: curves.roc(y, a), notes, "its ROC curve")))
    probable = [(ref, a) for ref, a in same if a.probable]
    guessed = [ref for ref, a in same if not a.probable]
    if guessed:
        notes.append(f"{', '.join(guessed)} gives no probabilities: it has no calibration.")
    return drawn, Drawn(sure, tuple(_each(probable, lambda a: curves.calibration(y, a), notes, "its calibration")))


def _each(
    answers: Sequence[tuple[str, Answer]], call: Callable[[Answer], Any], notes: list[str], what: str
) -> list[tuple[str, Any]]:
    """Return what can be worked out of each answer; what cannot be is noted."""
    found = []
    for ref, answer in answers:
        try:
            found.append((ref, call(answer)))
        except (RegistryError, ValueError, TypeError) as error:  # y may hold whatever a notebook does
            notes.append(f"{ref}: {what} cannot be told ({error}).")
    return found

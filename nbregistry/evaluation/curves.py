"""How good answers are, drawn: receiver operating characteristic, calibration, residuals, confusion.

Definitions are those of scikit-learn's ``metrics`` and ``calibration``. With more than two classes the characteristic
is the mean over the classes, each against the rest (macro average, one-vs-rest), and calibration is that of the
predicted class: how sure a model was against how often it was right (Guo et al., "On Calibration of Modern Neural
Networks").
"""

from __future__ import annotations

from typing import Any, NamedTuple

from nbregistry.errors import InvalidInput
from nbregistry.evaluation.answers import Answer

MOST = 300
"""Points of one curve or cloud; more cannot be told apart in a drawing."""

_BINS = 10
_LABELS = 10


class Curve(NamedTuple):
    """Points of a curve or a cloud, and the one number that sums it up.

    Attributes
    ----------
    figure : float
        The area under a characteristic; of calibration the Brier score for two classes, else the expected calibration
        error; of residuals the root of their mean square.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    figure: float


class Confusion(NamedTuple):
    """How often each truth (rows) was answered with each label (columns); rare labels stand together at the end."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def roc(y: Any, answer: Answer) -> Curve:
    """Return the characteristic of a classifier with scores: false positive rate, true positive rate, area.

    Raises
    ------
    InvalidInput
        ``y`` holds fewer than two of its classes.
    """
    import numpy as np
    from sklearn.metrics import auc, roc_curve

    truth = np.asarray(y)
    if len(answer.classes) == 2:
        _both(truth, answer)
        x, up, _ = roc_curve(truth == answer.classes[1], answer.scores[:, 1])
        return Curve(*thinned(x, up), float(auc(x, up)))
    found = []
    for at, label in enumerate(answer.classes):
        positive = truth == label
        if positive.any() and not positive.all():
            found.append(roc_curve(positive, answer.scores[:, at])[:2])
    if not found:
        raise InvalidInput("y holds fewer than two of the classes: there is nothing to tell apart.")
    places = np.unique(np.concatenate([x for x, _ in found]))
    mean = np.mean([np.interp(places, x, up) for x, up in found], axis=0)
    x, up = np.concatenate([[0.0], places]), np.concatenate([[0.0], mean])
    return Curve(*thinned(x, up), float(np.mean([auc(x, up) for x, up in found])))


def calibration(y: Any, answer: Answer) -> Curve:
    """Return how often a classifier is right against how sure it is, in ten steps of equal width.

    Raises
    ------
    InvalidInput
        ``y`` holds but one of two classes.
    """
    import numpy as np
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import brier_score_loss

    truth, scores = np.asarray(y), np.clip(answer.scores, 0.0, 1.0)
    if len(answer.classes) == 2:
        _both(truth, answer)
        right, sure = truth == answer.classes[1], scores[:, 1]
        share, mean = calibration_curve(right, sure, n_bins=_BINS)
        return Curve(_floats(mean), _floats(share), float(brier_score_loss(right, sure)))
    best = scores.argmax(axis=1)
    right, sure = truth == np.asarray(answer.classes)[best], scores.max(axis=1)
    share, mean = calibration_curve(right, sure, n_bins=_BINS)
    # As scikit-learn divides them: the upper edge of a step belongs to the next one, but for the last.
    steps = np.searchsorted(np.linspace(0.0, 1.0, _BINS + 1)[1:-1], sure)
    counts = np.bincount(steps, minlength=_BINS)
    weights = counts[counts > 0] / len(sure)
    return Curve(_floats(mean), _floats(share), float(np.sum(weights * np.abs(share - mean))))


def residuals(y: Any, answer: Answer) -> tuple[Curve, Curve]:
    """Return predicted against actual values, and predicted values against what is left: actual minus predicted.

    Rows in which either is missing are left out; of many rows some are drawn, always the same ones.

    Raises
    ------
    InvalidInput
        No row has both numbers.
    """
    import numpy as np

    actual, said = np.asarray(y, dtype=float).reshape(-1), answer.said.astype(float)
    known = np.isfinite(actual) & np.isfinite(said)
    actual, said = actual[known], said[known]
    if not actual.size:
        raise InvalidInput("No row has both a true and a predicted number.")
    error = float(np.sqrt(np.mean((actual - said) ** 2)))
    kept = np.arange(actual.size)
    if actual.size > MOST:
        kept = np.sort(np.random.default_rng(0).choice(actual.size, MOST, replace=False))
    actual, said = actual[kept], said[kept]
    return Curve(_floats(actual), _floats(said), error), Curve(_floats(said), _floats(actual - said), error)


def confusion(y: Any, answer: Answer) -> Confusion:
    """Count truths against answers; beyond ten labels, those that are rarest stand together."""
    from collections import Counter

    import numpy as np

    pairs = list(zip(map(_label, np.asarray(y).tolist()), map(_label, answer.said.tolist()), strict=True))
    counted = Counter(pairs)
    seen = Counter(label for pair in pairs for label in pair)
    labels = sorted(seen, key=_natural)
    rare = {label for label, _ in seen.most_common()[_LABELS:]}
    shown = [label for label in labels if label not in rare]
    names = [*shown, f"{len(rare)} others"] if rare else shown
    place = {label: shown.index(label) if label not in rare else len(shown) for label in labels}
    counts = [[0] * len(names) for _ in names]
    for (truth, said), count in counted.items():
        counts[place[truth]][place[said]] += count
    return Confusion(tuple(names), tuple(map(tuple, counts)))


def thinned(x: Any, y: Any, most: int = MOST) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return at most ``most`` points of a curve that rises, spread evenly along it; its ends are kept exactly."""
    import numpy as np

    if len(x) > most:
        way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        kept = np.searchsorted(way, np.linspace(0.0, way[-1], most))
        kept = np.unique(np.concatenate([[0], np.minimum(kept[1:-1], len(x) - 1), [len(x) - 1]]))
        x, y = x[kept], y[kept]
    return _floats(x), _floats(y)


def _both(truth: Any, answer: Answer) -> None:
    missing = [label for label in answer.classes if not (truth == label).any()]
    if missing:
        raise InvalidInput(f"y holds no row of class {_label(missing[0])!r}: a curve needs rows of both classes.")


def _label(value: Any) -> str:
    return str(value)[:80]


def _natural(label: str) -> tuple[int, float, str]:
    """Sort numbers by size, before text."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(map(float, values))

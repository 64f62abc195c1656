"""The results among the user's variables: numbers, and dictionaries of them, those called like a metric first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from nbregistry.capture.boundary import attempt
from nbregistry.verbs.namespace import visible

_MOST = 60
_MOST_ITEMS = 40
_KEY = re.compile(r"[\w.@-]{1,60}\Z")
_CALLED = re.compile(
    r"(?:\A|_)(?:acc|accuracy|auc|auroc|ap|brier|error|err|f1|fbeta|gini|iou|ks|kappa|likelihood|logloss|loss|mae|mape|"
    r"mcc|metrics?|mse|nll|precision|r2|recall|results?|rmse|roc|scores?|silhouette|specificity|sensitivity)(?:\Z|_|\d)",
    re.IGNORECASE,
)


class Measure(NamedTuple):
    """A number that could be a metric.

    Attributes
    ----------
    name : str
        What the metric would be called.
    variable : str
        Where it stands: ``auc``, ``scores["auc"]``.
    likely : bool
        Whether it is called like a metric.
    """

    name: str
    value: float
    variable: str
    likely: bool

    @property
    def word(self) -> str:
        """What one types to have it registered."""
        return self.name if self.name == self.variable else f"{self.name}={self.variable}"


def measures(namespace: Mapping[str, Any]) -> list[Measure]:
    """Return the numbers that could be metrics, each name once."""
    found: dict[str, Measure] = {}
    for measure in _all(namespace):
        if measure.name not in found or (measure.likely and not found[measure.name].likely):
            found[measure.name] = measure
    return sorted(found.values(), key=lambda m: not m.likely)[:_MOST]


def _all(namespace: Mapping[str, Any]) -> Iterator[Measure]:
    for name in visible(namespace):
        value: Any = namespace.get(name)
        called = bool(_CALLED.search(name))
        if (number := _number(value, whole=called)) is not None:
            yield Measure(name, number, name, called)
        elif type(value) is dict and 0 < len(value) <= _MOST_ITEMS:
            for key, item in list(value.items()):
                if type(key) is str and _KEY.match(key) and (number := _number(item, whole=called)) is not None:
                    yield Measure(key, number, f'{name}["{key}"]', called or bool(_CALLED.search(key)))


def _number(value: Any, *, whole: bool) -> float | None:
    """Return a float, ours or NumPy's; a whole number counts only where its name says that it is a result."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) or (whole and type(value) is int):
        return attempt("", lambda: float(value), None)
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        return attempt("", lambda: float(value), None) if kind == "f" or (whole and kind in "iu") else None
    return None

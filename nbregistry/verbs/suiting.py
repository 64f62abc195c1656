"""Which variables could be the data that a model was trained on: those of fitting shape, the likeliest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbregistry.capture.boundary import attempt
from nbregistry.capture.containers import ARRAY, FRAME, LIST, SERIES, SPARSE, kind_of
from nbregistry.verbs.namespace import looks_like_model, visible

_TABLES = (FRAME, ARRAY, SPARSE)
_MOST_LISTED = 10_000_000


class Candidate(NamedTuple):
    """A variable that holds data.

    Attributes
    ----------
    shape : tuple of int
        Rows, and columns where there are such.
    suits : bool
        Whether it has the columns that the model was fitted with.
    """

    name: str
    shape: tuple[int, ...]
    suits: bool

    @property
    def told(self) -> str:
        """Its shape in words."""
        rows = f"{self.shape[0]:,} row{'' if self.shape[0] == 1 else 's'}"
        return f"{rows}, {self.shape[1]:,} column{'' if self.shape[1] == 1 else 's'}" if len(self.shape) > 1 else rows


def features(model: object, namespace: Mapping[str, Any]) -> list[Candidate]:
    """Return the variables that could be X."""
    columns, width = _expected(model)
    found = []
    for name in visible(namespace):
        shape = attempt("", lambda name=name: _shape(namespace.get(name)), None)  # type: ignore[misc]  # binds the name
        if shape is None or len(shape) != 2 or not shape[0]:
            continue
        names = attempt("", lambda name=name: _columns(namespace.get(name)), None)  # type: ignore[misc]  # as above
        suits = width is not None and shape[1] == width and (columns is None or names is None or columns == names)
        found.append(Candidate(name, shape, suits))
    return sorted(found, key=lambda c: (not c.suits, "train" not in c.name.casefold(), c.name[:1] != "X"))


def targets(chosen: Candidate, namespace: Mapping[str, Any]) -> list[Candidate]:
    """Return the variables that could be y for an X: as many rows, and one column or few."""
    found = []
    for name in visible(namespace):
        shape = attempt("", lambda name=name: _shape(namespace.get(name)), None)  # type: ignore[misc]  # binds the name
        if shape is None or name == chosen.name or shape[0] != chosen.shape[0]:
            continue
        if len(shape) == 1 or (len(shape) == 2 and shape[1] <= min(8, chosen.shape[1])):
            found.append(Candidate(name, shape, len(shape) == 1))
    twin = chosen.name.replace("X", "y", 1)
    train = "train" in chosen.name.casefold()
    return sorted(found, key=lambda c: (c.name != twin, c.name[:1] != "y", ("train" in c.name.casefold()) != train))


def pair(model: object, namespace: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of X and y where they can hardly be others: they suit, and are called so."""
    for x in features(model, namespace)[:1]:
        if x.suits:
            named = [y.name for y in targets(x, namespace)[:1] if y.suits and y.name[:1].casefold() in "yt"]
            return (x.name, *named)
    return ()


def _expected(model: object) -> tuple[list[str] | None, int | None]:
    """Return the columns that a model was fitted with, and how many, as scikit-learn's conventions tell them."""
    names = attempt("", lambda: [str(name) for name in getattr(model, "feature_names_in_", ())], [])
    count = attempt("", lambda: int(getattr(model, "n_features_in_", len(names) or -1)), -1)
    return (names or None), (count if count >= 0 else None)


def _shape(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, type) or looks_like_model(value):
        return None
    kind = kind_of(value)
    if kind in (*_TABLES, SERIES):
        return tuple(int(n) for n in value.shape) or None
    if kind == LIST and 0 < len(value) < _MOST_LISTED and isinstance(value[0], (int, float, str, list, tuple)):
        width = (len(value[0]),) if isinstance(value[0], (list, tuple)) else ()
        return (len(value), *width)
    return None


def _columns(value: Any) -> list[str] | None:
    return [str(name) for name in value.columns] if kind_of(value) == FRAME else None

"""What one model says about some rows: its predictions and, of a classifier, how sure it is of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbregistry.errors import InvalidInput, MissingDependency
from nbregistry.flavors.boundary import foreign
from nbregistry.flavors.table import flavor

_CALLS = ("predict_proba", "decision_function")


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's answer.

    Attributes
    ----------
    said : ndarray, (rows,) or (rows, outputs)
        What it predicts.
    classes : tuple
        Of a classifier, in the order of the columns of ``scores``.
    scores : ndarray, (rows, classes), or None
        How much speaks for each class: probabilities, or values of a decision function, of which greater is more.
    probable : bool
        Whether the scores are probabilities.
    """

    said: Any
    classes: tuple[Any, ...] = ()
    scores: Any = None
    probable: bool = False

    @property
    def classifies(self) -> bool:
        """Whether it answers with labels rather than with real numbers."""
        return bool(self.classes) or self.said.dtype.kind != "f"


def ask(model: Any, flavor_name: str, X: Any, *, subject: str) -> Answer:
    """Ask a model about rows.

    Parameters
    ----------
    flavor_name : str
        As the version's document holds it.
    subject : str
        How errors name the model: its reference.

    Raises
    ------
    nbregistry.errors.Conflict
        The model's own code failed.
    InvalidInput
        It does not give one answer for each row.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingDependency("numpy", "lab", "A comparison of predictions") from None
    with foreign(f"Predicting with {subject}"):
        said = np.asarray(flavor(flavor_name).predict(model, X))
        listed: Any = getattr(model, "classes_", None)
    rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if said.ndim == 0 or len(said) != rows:
        raise InvalidInput(f"{subject} does not give one answer a row: {rows:,} rows came back as {said.shape}.")
    if said.ndim == 2 and said.shape[1] == 1:
        said = said[:, 0]
    classes = tuple(listed.tolist()) if getattr(listed, "ndim", 0) == 1 else ()
    if said.ndim != 1 or len(classes) < 2:
        return Answer(said, classes if said.ndim == 1 else ())
    for call in _CALLS:
        verb = getattr(model, call, None)
        if callable(verb):
            with foreign(f"Asking {subject} for {call}"):
                found = np.asarray(verb(X), dtype=float)
            if found.ndim == 1 and len(classes) == 2:
                found = np.column_stack([-found, found])
            if found.shape == (rows, len(classes)):
                return Answer(said, classes, found, call == _CALLS[0])
    return Answer(said, classes)

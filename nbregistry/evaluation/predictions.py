"""Answers of several models to the same rows, compared."""

from __future__ import annotations

from typing import Any

from nbregistry.errors import InvalidInput, MissingDependency


def agreement(first: Any, second: Any) -> tuple[str, float]:
    """Return how far two answers to the same rows agree, and what the figure is.

    Returns
    -------
    name, value : str, float
        ``agreement``, the share of rows with the same label; or for real-valued answers ``largest difference``, in the
        units of the target.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingDependency("numpy", "lab", "A comparison of predictions") from None
    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape:
        raise InvalidInput(
            f"The models answer in different shapes, {one.shape} and {other.shape}: they cannot be compared."
        )
    if one.dtype.kind == "f" or other.dtype.kind == "f":
        return "largest difference", float(np.max(np.abs(one.astype(float) - other.astype(float)), initial=0.0))
    same = one == other
    return "agreement", float(np.mean(same)) if same.size else 1.0


def score(y: Any, answer: Any) -> tuple[str, float]:
    """Return accuracy for labels, R² for real-valued answers (definitions of scikit-learn's ``metrics``).

    Parameters
    ----------
    y, answer : array-like, (rows,)
        The truth, and what a model says.
    """
    try:
        import numpy as np
        from sklearn.metrics import accuracy_score, r2_score
    except ImportError:
        raise MissingDependency("scikit-learn", "lab", "A score on y") from None
    found = np.asarray(answer)
    if len(found) != len(y):
        raise InvalidInput(f"y has {len(y)} rows and X {len(found)}: give the truth for the same rows.")
    if found.dtype.kind == "f":
        return "r2", float(r2_score(y, found))
    return "accuracy", float(accuracy_score(y, found))

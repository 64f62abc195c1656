"""The data and the models that all sides register and load."""

from __future__ import annotations

from functools import cache
from typing import Any

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

REQUIREMENTS = ["scikit-learn"]
"""Given to the peer so that it need not look for them."""


@cache
def data() -> tuple[Any, Any]:
    """Return a real table: 569 rows, 30 columns."""
    return load_breast_cancer(return_X_y=True, as_frame=True)  # type: ignore[no-any-return]  # scikit-learn ships no types


@cache
def pipeline(number: int) -> Any:
    """Return a small fitted pipeline, different for each number: no side may store the same bytes once."""
    X, y = data()
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1 + number / 100, max_iter=500)).fit(X, y)


@cache
def forest() -> Any:
    """Return a fitted forest of some megabytes."""
    X, y = data()
    return RandomForestClassifier(n_estimators=400, random_state=0).fit(X, y)

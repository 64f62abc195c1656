"""A registry with real, small models in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry import Registry


@pytest.fixture(scope="session")
def iris() -> tuple[Any, Any]:
    """The iris flowers, (150, 4) and (150,)."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, y


@pytest.fixture(scope="session")
def model(iris: tuple[Any, Any]) -> Any:
    """A fitted pipeline."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=2.0, max_iter=300)).fit(*iris)


@pytest.fixture
def r(tmp_path: Path) -> Iterator[Registry]:
    """An empty registry."""
    with Registry(tmp_path / "store") as registry:
        yield registry


@pytest.fixture
def churn(r: Registry, model: Any) -> Registry:
    """A registry with churn/1 to churn/3, auc 0.91 to 0.93."""
    for number in (1, 2, 3):
        r.register(model, "churn", metrics={"auc": 0.9 + number / 100}, note=f"try {number}")
    return r

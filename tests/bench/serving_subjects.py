"""The models that every server serves, their data, and the rows they are asked; the same in every environment."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ASKED = 64
"""Different rows that are asked in turn, so that nobody can answer from a cache of one."""


@cache
def measurements() -> tuple[pd.DataFrame, Any]:
    """Return a real table: 569 rows of 30 doubles."""
    return load_breast_cancer(return_X_y=True, as_frame=True)  # type: ignore[no-any-return]  # scikit-learn ships no types


@cache
def customers() -> tuple[pd.DataFrame, Any]:
    """Return 4,000 rows of 8 columns: numbers, two of them with gaps, categories and strings."""
    rng = np.random.default_rng(11)
    n = 4_000
    frame = pd.DataFrame({
        "age": np.where(rng.random(n) < 0.1, np.nan, rng.integers(18, 90, n)),
        "income": np.where(rng.random(n) < 0.15, np.nan, np.round(rng.lognormal(10, 0.6, n), 2)),
        "tenure": rng.integers(0, 240, n),
        "balance": np.round(rng.normal(2_000, 1_500, n), 2),
        "region": pd.Categorical(rng.choice(["north", "east", "south", "west"], n)),
        "plan": pd.Categorical(rng.choice(["basic", "plus", "premium"], n, p=[0.5, 0.3, 0.2])),
        "channel": rng.choice(["web", "shop", "phone", "partner"], n),
        "city": rng.choice([f"city {i:02d}" for i in range(40)], n),
    })  # fmt: skip
    leaning = frame["age"].fillna(50) / 40 - frame["tenure"] / 100 + (frame["plan"] == "basic") - frame["balance"] / 3e3
    return frame, (leaning + rng.normal(0, 0.5, n) > 0.5).astype(int)


def model(name: str) -> tuple[Any, pd.DataFrame, Any]:
    """Return a fitted model and what it was fitted on: ``lr``, ``rf`` or ``mixed``."""
    if name == "mixed":
        X, y = customers()
        numbers, words = list(X.columns[:4]), list(X.columns[4:])
        prepared = make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore"), words),
        )
        return make_pipeline(prepared, LogisticRegression(max_iter=500)).fit(X, y), X, y
    X, y = measurements()
    if name == "lr":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y), X, y
    return RandomForestClassifier(n_estimators=100, random_state=0).fit(X, y), X, y


def asked(X: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are asked, spread over the table."""
    return X.iloc[:: len(X) // ASKED].head(ASKED)


def as_json(rows: pd.DataFrame) -> list[list[Any]]:
    """Return rows as JSON can say them: a gap is null."""
    columns = [[None if pd.isna(v) else v for v in rows[name].tolist()] for name in rows]
    return [list(row) for row in zip(*columns, strict=True)]

"""Row independence: measured to the last bit, with the least padding under which it holds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry.serving.independence import check
from nbregistry.serving.table import Shape, Table

X, Y = load_breast_cancer(return_X_y=True)
ROWS = Table(Shape.ARRAY, X[:5], 5)


class Asked:
    """An engine around a function of an array."""

    kind = "original"

    def __init__(self, function: Any, *methods: str) -> None:
        self.function, self.methods = function, methods or ("predict",)
        self.sizes: list[int] = []

    def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
        self.sizes.append(table.rows)
        return self.function(np.asarray(table.values), method)


def test_row_wise_model_is_batched() -> None:
    """A function of each row alone is batched, and no row runs alone where company costs nothing."""
    found = check(Asked(lambda X, m: X[:, 0] * 2), ROWS)
    assert (True, 4, "") == (found.batched, found.padding, found.why)
    assert found.rows


def test_dear_rows_are_not_padded() -> None:
    """A model whose every row costs much is not made to run rows that nobody asked for."""

    def dear(X: Any, method: str) -> Any:
        time.sleep(0.002 * len(X))
        return X[:, 0]

    found = check(Asked(dear), ROWS)
    assert (True, 1) == (found.batched, found.padding)


def test_centring_by_the_batch_is_found() -> None:
    """A model that subtracts the mean of what it is given is not batched, and the reason says where it showed."""
    found = check(Asked(lambda X, m: X[:, 0] - X[:, 0].mean()), ROWS)
    assert not found.batched
    assert "rows beside it" in found.why


def test_one_bit_is_enough() -> None:
    """A difference in the last bit between one row and several is a difference."""
    found = check(Asked(lambda X, m: np.nextafter(X[:, 0], np.inf) if len(X) == 1 else X[:, 0]), ROWS)
    assert (True, 4) == (found.batched, found.padding)


def test_every_method_is_asked() -> None:
    """A method that depends on its neighbours keeps the model from being batched, whichever it is."""
    found = check(Asked(lambda X, m: X[:, 0] - (X[:, 0].max() if m == "b" else 0), "a", "b"), ROWS)
    assert not found.batched
    assert "rows beside it: b" in found.why


def test_wrong_number_of_answers_is_found() -> None:
    """A model that sums up its rows is not batched."""
    assert "gives 1 answers" in check(Asked(lambda X, m: X[:1, 0]), ROWS).why


def test_model_that_refuses_is_not_batched() -> None:
    """What cannot be checked is not batched, and why is told."""

    def refuse(X: Any, method: str) -> Any:
        raise ValueError("only on Sundays")

    found = check(Asked(refuse), ROWS)
    assert not found.batched
    assert "only on Sundays" in found.why


@pytest.mark.parametrize("estimator", [LogisticRegression(), RandomForestClassifier(20, random_state=0)])
def test_real_models_are_batched_to_the_last_bit(estimator: Any) -> None:
    """With the padding that was found, probabilities of 200 rows are bitwise the same alone and in any company."""
    model = make_pipeline(StandardScaler(), estimator).fit(X, Y)
    found = check(Asked(lambda X, m: getattr(model, m)(X), "predict", "predict_proba"), ROWS)
    assert found.batched

    def padded(rows: Any) -> Any:
        missing = -len(rows) % found.padding
        return model.predict_proba(np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]))[: len(rows)]

    alone = np.concatenate([padded(X[i : i + 1]) for i in range(200)])
    for size in (2, 7, 16, 50, 128):
        together = np.concatenate([padded(X[i : min(i + size, 200)]) for i in range(0, 200, size)])
        assert np.array_equal(alone, together)


def test_one_captured_row_is_varied() -> None:
    """From a single row others are made, so that looking at the whole batch shows."""
    one = Table(Shape.ARRAY, X[:1], 1)
    assert not check(Asked(lambda X, m: X[:, 0] - X[:, 0].mean()), one).batched
    assert check(Asked(lambda X, m: X[:, 0]), one).batched


def test_columns_and_frames_are_compared() -> None:
    """Rows held by column are exchanged cell by cell, and answers in a data frame are compared as well as arrays."""
    rows = Table(Shape.COLUMNS, (["a", "b", "c"], [1.0, 2.0, None]), 3)

    class Framed(Asked):
        def run(self, table: Table, method: str, params: Mapping[str, Any]) -> Any:
            words, numbers = table.values
            least = min((n for n in numbers if n is not None), default=0.0)
            return pd.DataFrame({"word": words, "least": [least if method == "b" else 1.0 for _ in words]})

    assert check(Framed(None, "a"), rows).batched
    assert not check(Framed(None, "a", "b"), rows).batched


def test_answers_that_change_by_themselves_are_found() -> None:
    """A model that answers the same row differently each time is not batched."""
    source = np.random.default_rng(0)
    found = check(Asked(lambda X, m: source.normal(size=len(X))), ROWS)
    assert not found.batched
    assert "differently each time" in found.why


def test_whole_inputs_are_not_put_together() -> None:
    """What can neither be cut nor joined is not batched, and counts as checked."""
    found = check(Asked(None), Table(Shape.WHOLE, object(), 3))
    assert (False, 3) == (found.batched, found.rows)

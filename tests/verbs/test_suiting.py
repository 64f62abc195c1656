"""The variables that could be what a model was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from nbregistry.verbs.suiting import Candidate, features, pair, targets

X, y = load_iris(return_X_y=True, as_frame=True)


class Broken:
    """Data that fails when it is looked at."""

    @property
    def shape(self) -> tuple[int, ...]:
        raise RuntimeError("no shape")


@pytest.fixture(scope="module")
def model() -> Any:
    return LogisticRegression(max_iter=300).fit(X, y)


def names(found: list[Candidate]) -> list[str]:
    return [candidate.name for candidate in found]


def test_data_of_fitting_columns_first(model: Any) -> None:
    """Frames with the model's columns, arrays as wide, the training half before the rest; others after them."""
    space = {
        "upper": X.rename(columns=str.upper), "wide": np.ones((5, 9)), "data": X.to_numpy(), "X": X, "X_train": X[:9],
        "y": y, "grid": sparse.csr_matrix(np.ones((3, 4))), "rows": [[1.0, 2.0, 3.0, 4.0]], "broken": Broken(),
        "empty": X[:0], "model": model, "text": "abcd", "frame": pd.DataFrame, "cube": np.ones((2, 2, 2)),
    }  # fmt: skip
    found = features(model, space)
    assert ["X_train", "X", "data", "grid", "rows", "upper", "wide"] == names(found)
    assert [True] * 5 + [False] * 2 == [candidate.suits for candidate in found]
    assert "9 rows, 4 columns" == found[0].told


def test_targets_of_as_many_rows() -> None:
    """As many rows, the name that goes with X first; what has other rows is not offered."""
    space = {"weights": np.ones(150), "y": y, "y_train": y[:90], "classes": y.to_frame(), "X": X}
    assert ["y", "weights", "classes"] == names(targets(Candidate("X", (150, 4), True), space))
    assert ["y_train"] == names(targets(Candidate("X_train", (90, 4), True), space))


def test_a_pair_only_when_it_is_plain(model: Any) -> None:
    """X and y where shape and names agree, X alone where no target is called so, and nothing where nothing suits."""
    assert ("X", "y") == pair(model, {"X": X, "y": y})
    assert ("X",) == pair(model, {"X": X, "weights": np.ones(150)})
    assert () == pair(model, {"Z": np.ones((5, 3)), "y": y})
    assert () == pair(object(), {"X": X, "y": y})

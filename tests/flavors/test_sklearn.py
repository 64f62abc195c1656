"""Every estimator of scikit-learn comes back, and what is told of it is true."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import linear_model, pipeline, preprocessing

from nbregistry.errors import Damaged, InvalidInput
from nbregistry.flavors import table
from nbregistry.flavors.answers import same
from nbregistry.flavors.sklearn import SklearnFlavor
from tests.flavors import toys
from tests.flavors.conftest import Answers
from tests.flavors.fresh import keep

EXACT = 1e-9
"""Sums taken by several threads may differ in the last digits."""


def test_every_estimator_comes_back_equal_in_a_fresh_process(
    tmp_path: Path, reopened: Callable[[Path], Answers]
) -> None:
    """All of scikit-learn's estimators, stored as by default, say in another process what they said here."""
    models = {name: (model, data) for name, model, data in (*toys.estimators(), *toys.compositions())}
    for name, (model, data) in models.items():
        keep(tmp_path, name, model, data)
    found = reopened(tmp_path)
    assert models.keys() == found.keys()
    assert len(found) > 190
    told = table.flavor("sklearn").describe
    assert {} == {n: found[n][0] for n, (m, _) in models.items() if told(m) != found[n][0]}
    assert [] == [n for n, (m, d) in models.items() if not same(toys.says(m, d), found[n][1], tolerance=EXACT)]


def test_models_of_the_notebook_come_back_in_a_fresh_process(
    tmp_path: Path, notebook: Callable[[str], str], reopened: Callable[[Path], Answers]
) -> None:
    """Classes, lambdas, closures and functions of a cell come back where that cell was never run."""
    notebook(f"""
import numpy as np
from pathlib import Path
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests.flavors.fresh import keep
from tests.flavors.toys import X, VALUES

SHIFT = 7.0

class Shifted(BaseEstimator, RegressorMixin):
    def __init__(self, by=1.0):
        self.by = by
    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self
    def predict(self, X):
        return np.full(len(X), self.mean_) + self.by + SHIFT

class Plain:
    def predict(self, X):
        return [helper(row) for row in X.tolist()]

def helper(row):
    return sum(row) * SHIFT

def closure(factor):
    return lambda X: X.sum(axis=1) * factor

folder = Path({str(tmp_path)!r})
keep(folder, "estimator", Shifted(2.0).fit(X, VALUES), X)
keep(folder, "lambda", make_pipeline(FunctionTransformer(lambda X: X * SHIFT), Ridge()).fit(X, VALUES), X)
keep(folder, "plain", Plain(), X)
keep(folder, "function", helper, [1.0, 2.0])
keep(folder, "closure", closure(3.0), X)
""")
    found = reopened(tmp_path)
    assert {
        "estimator": "__main__.Shifted", "lambda": "sklearn.pipeline.Pipeline", "plain": "__main__.Plain",
        "function": "__main__.helper", "closure": "__main__.closure.<locals>.<lambda>",
    } == {name: kind for name, (kind, _) in found.items()}  # fmt: skip
    assert same([np.full(toys.ROWS, toys.VALUES.mean()) + 9.0], found["estimator"][1], tolerance=EXACT)
    assert same([(toys.X.sum(axis=1) * 7.0).tolist()], found["plain"][1], tolerance=EXACT)
    assert [21.0] == found["function"][1]
    assert same([toys.X.sum(axis=1) * 3.0], found["closure"][1], tolerance=EXACT)
    ridge = linear_model.Ridge().fit(toys.X * 7.0, toys.VALUES)
    assert same([ridge.predict(toys.X * 7.0)], found["lambda"][1], tolerance=EXACT)


def test_every_estimator_is_known_to_be_fitted_and_has_params() -> None:
    """Fitted estimators are seen to be fitted, and every constructor parameter but lists of steps is told."""
    flavor = SklearnFlavor()
    for name, model, _ in toys.estimators():
        assert (name, True) == (name, flavor.is_fitted(model))
        missing = set(model.get_params(deep=False)) - set(flavor.params(model).values)
        assert missing <= {"steps", "transformers", "transformer_list", "estimators"}, name


def test_unfitted_is_seen() -> None:
    """Neither a bare estimator nor a pipeline of one counts as fitted; one that needs no training does."""
    flavor = SklearnFlavor()
    assert False is flavor.is_fitted(linear_model.Ridge())
    assert False is flavor.is_fitted(pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()))
    assert True is flavor.is_fitted(preprocessing.Normalizer())


def test_default_parameters_are_not_called_changed() -> None:
    """An estimator made without arguments has no changed parameter."""
    flavor = SklearnFlavor()
    plain = {name: model for name, model, _ in toys.estimators() if name not in toys.SPECIAL}
    assert {} == {name: told for name, model in plain.items() if (told := flavor.params(model).changed)}


def test_changed_parameters_are_named_through_nesting() -> None:
    """What was set by hand is named by its flattened name."""
    inner = pipeline.Pipeline(
        [("scale", preprocessing.StandardScaler()), ("clf", linear_model.LogisticRegression(C=3.0))]
    )
    model = pipeline.Pipeline([("inner", inner), ("out", linear_model.Ridge(alpha=2, fit_intercept=True))])
    told = SklearnFlavor().params(model)
    assert ("inner__clf__C", "out__alpha") == told.changed
    assert (3.0, "LogisticRegression", 2) == tuple(
        told.values[k] for k in ("inner__clf__C", "inner__clf", "out__alpha")
    )
    assert "steps" not in told.values


def test_a_format_it_does_not_have_is_refused_with_the_nearest() -> None:
    """An unknown format names those there are and writes nothing."""
    file = io.BytesIO()
    with pytest.raises(InvalidInput, match=r"did you mean 'skops'\?.*cloudpickle, skops, onnx"):
        SklearnFlavor().save(linear_model.Ridge().fit(toys.X, toys.VALUES), file, "scops")
    assert b"" == file.getvalue()


def test_a_pickle_declared_as_a_safe_format_is_not_loaded() -> None:
    """Bytes of another format than declared are refused, never handed to the loader that would take them."""
    flavor, file = SklearnFlavor(), io.BytesIO()
    flavor.save(linear_model.Ridge().fit(toys.X, toys.VALUES), file, "cloudpickle")
    for declared in ("skops", "onnx"):
        with pytest.raises(Damaged, match=f"declared to be {declared}, but are a pickle"):
            flavor.load(file, declared)


def test_what_it_calls_its_own() -> None:
    """Estimators and what inherits from them are its own; other things of the library and other objects are not."""
    flavor, mine = SklearnFlavor(), type("Mine", (linear_model.Ridge,), {})
    given: list[Any] = [linear_model.Ridge(), mine(), linear_model, np.zeros(3), len, "text"]
    assert [True, True, False, False, False, False] == [flavor.matches(g) for g in given]

"""The digest of what a model has learned: what changes it, and what must not."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from nbregistry.capture.state import State, modules_of, state_of

MODELS: dict[str, Callable[[], Any]] = {
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    "forest": lambda: RandomForestClassifier(8, random_state=0),
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=4, random_state=0),
    "neighbours": lambda: KNeighborsClassifier(algorithm="kd_tree"),
    "search": lambda: GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, n_jobs=1),
    "clusters": lambda: KMeans(3, random_state=0, n_init=1),
}


def digest(model: object) -> str:
    found = state_of(model)
    assert found is not None
    assert found.digest
    return found.digest


def fitted(name: str, noise: float = 0.0) -> Any:
    X, y = load_iris(return_X_y=True)
    return MODELS[name]().fit(X + noise * np.random.default_rng(0).normal(size=X.shape), y)


def without_times(model: Any) -> Any:
    if isinstance(model, GridSearchCV):  # a search keeps how long each fit took
        model.cv_results_ = {k: v for k, v in model.cv_results_.items() if "time" not in k}
        model.refit_time_ = 0.0
    return model


@pytest.mark.parametrize("name", MODELS)
def test_it_stays_through_a_pickle_and_through_predicting(name: str) -> None:
    """A copy that was written and read again is the same, however its memory lies; predicting teaches nothing."""
    model, (X, _) = fitted(name), load_iris(return_X_y=True)
    before = digest(model)
    assert before == digest(pickle.loads(pickle.dumps(model)))
    model.predict(X)
    assert before == digest(model)


@pytest.mark.parametrize("name", MODELS)
def test_it_is_what_was_learned(name: str) -> None:
    """Fitted again on the same data it is the same; on other data, or with another parameter, it is not."""
    model = without_times(fitted(name))
    assert digest(model) == digest(without_times(fitted(name)))
    assert digest(model) != digest(without_times(fitted(name, noise=0.1)))
    assert digest(model) != digest(clone(model))
    before = digest(model)
    leaf = next(key for key in model.get_params() if key.endswith(("max_iter", "n_neighbors", "random_state", "tol")))
    model.set_params(**{leaf: 7})
    assert before != digest(model)


def test_arrays_count_by_their_values() -> None:
    """Order in memory, views and gaps between fields do not count; a type, a shape and one number do."""
    grid = np.arange(12.0).reshape(3, 4)
    assert digest(grid) == digest(np.asfortranarray(grid)) == digest(np.repeat(grid, 2, axis=0)[::2])
    assert digest(grid) != digest(grid.astype("f4"))
    assert digest(grid) != digest(grid.reshape(4, 3))
    assert digest(grid) != digest(grid + np.eye(3, 4) * 1e-12)
    gaps = np.dtype({"names": ["a", "b"], "formats": ["u1", "f8"], "offsets": [0, 8], "itemsize": 16})
    first, second = np.full(16, 1, "u1").view(gaps), np.full(16, 2, "u1").view(gaps)
    first["a"] = second["a"] = 5
    first["b"] = second["b"] = 0.5
    assert first.tobytes() != second.tobytes()
    assert digest(first) == digest(second)
    assert digest(np.array([1, "a", None], dtype=object)) != digest(np.array([1, "b", None], dtype=object))
    assert digest(np.float64(1)) != digest(np.float64(2))


def test_what_libraries_find_out_on_the_way_does_not_count() -> None:
    """Flags that SciPy caches, an address that a vectorizer keeps, and the process's own random state are left out."""
    matrix = sparse.csr_matrix(np.eye(3))
    before = digest(matrix)
    assert matrix.has_sorted_indices
    assert before == digest(matrix)
    words = CountVectorizer().fit(["a few words", "and more"])
    before = digest(words)
    words._stop_words_id = 7
    assert before == digest(words)
    net = MLPClassifier((2,), max_iter=1)
    net._random_state = np.random.mtrand._rand
    before = digest(net)
    np.random.mtrand._rand.random_sample()
    assert before == digest(net)


def test_sharing_and_cycles() -> None:
    """One object twice is as two equal ones; what contains itself comes to an end."""
    part = [1.0, 2.0]
    assert digest([part, part]) == digest([[1.0, 2.0], [1.0, 2.0]])
    round_: list[Any] = [1]
    round_.append(round_)
    assert digest(round_) == digest(pickle.loads(pickle.dumps(round_)))
    many: list[Any] = []
    for _ in range(60):
        many = [many, many]  # 2**60 parts when written out
    assert digest(many)
    assert digest({"b": 1, "a": 2}) != digest({"a": 2, "b": 1})
    assert digest({3, 1, 2}) == digest({2, 3, 1})
    assert digest(float("nan")) == digest(-float("nan"))


def _in_a_notebook(code: str) -> Any:
    space: dict[str, Any] = {"__name__": "__main__", "FunctionTransformer": FunctionTransformer, "Base": BaseEstimator}
    exec(code, space)  # noqa: S102 - as a notebook does it
    return space["model"]


def test_functions_of_the_notebook_count_by_their_code() -> None:
    """A function written in a cell is its code and what it uses, not its name; after loading it is the same."""
    cloudpickle = pytest.importorskip("cloudpickle")
    double = "def f(X):\n    return X * K\nK = {}\nmodel = FunctionTransformer(f)"
    model = _in_a_notebook(double.format(2))
    assert digest(model) == digest(_in_a_notebook("\n\n" + double.format(2)))
    assert digest(model) != digest(_in_a_notebook(double.format(3)))
    assert digest(model) != digest(_in_a_notebook(double.format(2).replace("*", "+")))
    assert digest(model) == digest(pickle.loads(cloudpickle.dumps(model)))
    kind = "class Half(Base):\n    def predict(self, X):\n        return X / {}\nmodel = Half()"
    assert digest(_in_a_notebook(kind.format(2))) == digest(_in_a_notebook(kind.format(2)))
    assert digest(_in_a_notebook(kind.format(2))) != digest(_in_a_notebook(kind.format(3)))


class Scaled(np.ndarray):
    """An array that carries something beside its values."""

    scale: float


class Other(Scaled):
    """An array of yet another class."""


def scaled(scale: float) -> Scaled:
    found = np.arange(3.0).view(Scaled)
    found.scale = scale
    return found


def test_what_arrays_and_functions_carry_counts(tmp_path: Path) -> None:
    """An array's class and its attributes, and a function's own ones, are learned; where a file is mapped is not."""
    assert digest(scaled(1.0)) == digest(scaled(1.0))
    assert digest(scaled(1.0)) != digest(scaled(5.0))
    grid = np.arange(4.0).reshape(2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        assert digest(grid) != digest(grid.view(np.matrix))
    assert digest(grid.view(Scaled)) != digest(grid.view(Other))
    np.save(tmp_path / "grid.npy", grid)
    assert digest(grid) == digest(np.load(tmp_path / "grid.npy", mmap_mode="r"))
    code = "def f(X):\n    return X\nmodel = FunctionTransformer(f)"
    bare, tabled = _in_a_notebook(code), _in_a_notebook(f"{code}\nf.table = {{1: 2}}")
    assert digest(bare) != digest(tabled)
    assert digest(tabled) == digest(_in_a_notebook(f"{code}\nf.table = {{1: 2}}"))
    before = digest(tabled)
    tabled.func.table[1] = 9
    assert before != digest(tabled)
    tabled.func.__dict__ = {"__wrapped__": 1}
    assert digest(bare) == digest(tabled)


def test_the_modules_a_model_is_made_with() -> None:
    """Classes, functions and what a notebook's code uses count, in arrays too; with hidden parts it is unknown."""
    model = _in_a_notebook("import json\ndef f(X):\n    return json.dumps(X)\nmodel = FunctionTransformer(f)")
    assert {"sklearn", "json"} <= (modules_of(model) or set())
    assert "json" not in (modules_of(fitted("forest")) or {"json"})
    assert "scipy" in (modules_of(np.array([sparse.csr_matrix(np.eye(2))], dtype=object)) or set())
    assert modules_of([(i for i in "ab")]) is None
    assert modules_of(Hostile()) is None


class Hostile:
    """Fails whatever it is asked."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"not {name}")


class Archive:
    """Writes itself as an archive, as Keras does."""

    def __reduce__(self) -> Any:
        return (dict, (), {"file": b"PK\x03\x04 and the time of day"})


@pytest.mark.parametrize("make", [Hostile, Archive, lambda: (i for i in "ab"), lambda: {"x": Hostile()}])
def test_what_cannot_be_told_is_not_guessed(make: Callable[[], object]) -> None:
    """What fails, tells the time or is bound to the process has no digest, and raises nothing."""
    assert State() == state_of(make())


def test_what_is_large_is_left_alone() -> None:
    """Beyond the bytes allowed there is no answer rather than a slow one."""
    model = {"a": np.zeros(1000), "b": np.zeros(1000)}
    assert state_of(model, most=10_000) is None
    found = state_of(model, most=20_000)
    assert found is not None
    assert 16_000 <= found.size < 17_000

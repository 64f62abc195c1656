"""Every estimator of scikit-learn, fitted on toy data, and what it says about that data."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import sklearn.experimental.enable_halving_search_cv  # noqa: F401  the import itself brings two estimators
from sklearn import (
    base,
    calibration,
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_selection,
    linear_model,
    multiclass,
    multioutput,
    pipeline,
    preprocessing,
    random_projection,
    semi_supervised,
)
from sklearn import model_selection as selection
from sklearn.utils import all_estimators
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from nbregistry.errors import Conflict
from nbregistry.flavors import table

RNG = np.random.default_rng(0)
ROWS = 40
X = np.abs(RNG.normal(size=(ROWS, 5))) + 0.1
CLASSES = np.tile([0, 1, 2, 1], ROWS // 4)
BINARY = np.arange(ROWS) % 2
VALUES = X @ [1.0, 2.0, 0.0, 0.0, 1.0] + RNG.random(ROWS)

DATA: tuple[tuple[Any, Any], ...] = (
    (X, CLASSES), (X, BINARY), (X, VALUES), (X, np.c_[VALUES, VALUES * 2]), (X, np.c_[BINARY, 1 - BINARY]),
    (X[:, 0], VALUES), (["one two three", "two three four", "three one"] * 5, None), (CLASSES, None),
    (RNG.random((4, 6, 6)), None), ([{"a", "b"}, {"b"}] * 5, None), ([{"a": 1, "b": 2}, {"a": 3}] * 5, None),
    (X @ X.T, CLASSES),
)  # fmt: skip
"""What an estimator may want to be fitted on, the most usual first."""


def _classifier() -> Any:
    return linear_model.LogisticRegression()


def _named(*estimators: Any) -> list[tuple[str, Any]]:
    return [(f"part{i}", e) for i, e in enumerate(estimators)]


SPECIAL: dict[str, Callable[[type], Any]] = {
    "ClassifierChain": lambda kind: kind(_classifier()),
    "ColumnTransformer": lambda kind: kind([("scale", preprocessing.StandardScaler(), [0, 1])]),
    "FeatureUnion": lambda kind: kind(_named(preprocessing.StandardScaler(), decomposition.PCA(2))),
    "FixedThresholdClassifier": lambda kind: kind(_classifier(), threshold=0.3),
    "FrozenEstimator": lambda kind: kind(_classifier().fit(X, CLASSES)),
    "GaussianRandomProjection": lambda kind: kind(n_components=2, random_state=0),
    "GridSearchCV": lambda kind: kind(_classifier(), {"C": [0.1, 1.0]}, cv=2),
    "HalvingGridSearchCV": lambda kind: kind(_classifier(), {"C": [0.1, 1.0]}, cv=2),
    "HalvingRandomSearchCV": lambda kind: kind(_classifier(), {"C": [0.1, 1.0]}, cv=2, random_state=0),
    "MultiOutputClassifier": lambda kind: kind(_classifier()),
    "MultiOutputRegressor": lambda kind: kind(linear_model.Ridge()),
    "OneVsOneClassifier": lambda kind: kind(_classifier()),
    "OneVsRestClassifier": lambda kind: kind(_classifier()),
    "OutputCodeClassifier": lambda kind: kind(_classifier(), random_state=0),
    "PatchExtractor": lambda kind: kind(patch_size=(2, 2)),
    "Pipeline": lambda kind: kind(_named(preprocessing.StandardScaler(), _classifier())),
    "RFE": lambda kind: kind(_classifier()),
    "RFECV": lambda kind: kind(_classifier(), cv=2),
    "RandomizedSearchCV": lambda kind: kind(_classifier(), {"C": [0.1, 1.0]}, n_iter=2, cv=2, random_state=0),
    "RegressorChain": lambda kind: kind(linear_model.Ridge()),
    "SelectFromModel": lambda kind: kind(_classifier()),
    "SelfTrainingClassifier": lambda kind: kind(_classifier()),
    "SequentialFeatureSelector": lambda kind: kind(_classifier(), n_features_to_select=2, cv=2),
    "SparseCoder": lambda kind: kind(np.eye(5)),
    "SparseRandomProjection": lambda kind: kind(n_components=2, random_state=0),
    "StackingClassifier": lambda kind: kind(_named(_classifier()), cv=2),
    "StackingRegressor": lambda kind: kind(_named(linear_model.Ridge()), cv=2),
    "TunedThresholdClassifierCV": lambda kind: kind(_classifier(), cv=2),
    "VotingClassifier": lambda kind: kind(_named(_classifier())),
    "VotingRegressor": lambda kind: kind(_named(linear_model.Ridge())),
}
"""Those that cannot be made, or fitted on little data, without arguments."""


@functools.cache
def estimators() -> tuple[tuple[str, Any, Any], ...]:
    """Return name, fitted estimator and the data it was fitted on, of all that scikit-learn has."""
    with _calmly():
        return tuple((name, *_fitted(name, kind)) for name, kind in all_estimators())


@contextmanager
def _calmly() -> Iterator[None]:
    """Work without the warnings of toy data that does not converge, and without threads that wait for each other."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        yield


def _fitted(name: str, kind: type) -> tuple[Any, Any]:
    faults = []
    for data, target in DATA:
        model = SPECIAL[name](kind) if name in SPECIAL else kind()
        try:
            model = model.fit(data) if target is None else model.fit(data, target)
            says(model, data)  # some that learn nothing take anything, and only complain when asked
        except (ValueError, TypeError, AttributeError, IndexError, Conflict) as fault:
            faults.append(repr(fault)[:200])
        else:
            return model, data
    raise AssertionError(f"{name} cannot be fitted on any of the toy data: {faults}")


def says(model: Any, data: Any) -> Any:
    """Return everything a model says about the data, or what it learned where it says nothing about rows."""
    with _calmly():
        first = table.flavor_of(model).predict(model, data)
        if first is None:
            return {k: v for k, v in vars(model).items() if k.endswith("_") and isinstance(v, np.ndarray)}
        proba = getattr(model, "predict_proba", None)
        return [first, proba(data)] if callable(proba) else [first]


def compositions() -> Iterator[tuple[str, Any, Any]]:
    """Yield models that people build of the parts: nested, with frames, searches and importable functions."""
    import pandas as pd

    frame = pd.DataFrame(X, columns=list("abcde")).assign(kind=pd.Categorical(np.where(BINARY, "x", "y")))
    columns = compose.ColumnTransformer(
        [("number", preprocessing.StandardScaler(), list("abcde")), ("kind", preprocessing.OneHotEncoder(), ["kind"])]
    )
    chain = pipeline.make_pipeline(columns, ensemble.RandomForestClassifier(20, random_state=0, n_jobs=2))
    yield "column transformer and forest", chain.fit(frame, CLASSES), frame
    log = pipeline.make_pipeline(preprocessing.FunctionTransformer(np.log1p), linear_model.Ridge())
    yield "function transformer", log.fit(X, VALUES), X
    search = selection.GridSearchCV(base.clone(chain), {"randomforestclassifier__max_depth": [1, 2]}, cv=2)
    yield "search over a pipeline", search.fit(frame, CLASSES), frame
    calibrated = calibration.CalibratedClassifierCV(multiclass.OneVsRestClassifier(_classifier()), cv=2)
    yield "calibrated one against rest", calibrated.fit(X, CLASSES), X
    union = pipeline.make_union(cluster.KMeans(2, n_init=1, random_state=0), feature_selection.SelectKBest(k=2))
    yield "union", union.fit(X, CLASSES), X
    for part in (
        multioutput.RegressorChain(linear_model.Ridge()),
        random_projection.SparseRandomProjection(2, random_state=0),
    ):
        yield type(part).__name__.lower(), part.fit(X, np.c_[VALUES, VALUES]), X
    yield "spread", semi_supervised.LabelSpreading().fit(X, CLASSES), X

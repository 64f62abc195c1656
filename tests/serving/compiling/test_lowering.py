"""Every kind of model that is drawn answers like the original: labels identical, scores within the tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from nbregistry.serving.compiling.proof import SINGLE, TOLERANCE
from nbregistry.serving.table import Shape, Table
from tests.serving.compiling.proving import Pair, paired

CANCER, WINE, DIABETES, IRIS, DIGITS = (
    load(return_X_y=True)
    for load in (
        datasets.load_breast_cancer, datasets.load_wine, datasets.load_diabetes, datasets.load_iris,
        datasets.load_digits,
    )
)  # fmt: skip
SEED = {"random_state": 0}
SCALED = StandardScaler()
PARTS = [("a", make_pipeline(SCALED, LogisticRegression())), ("b", RandomForestClassifier(5, **SEED))]

NUMERIC: dict[str, tuple[Any, Any]] = {
    "logistic": (make_pipeline(SCALED, LogisticRegression()), CANCER),
    "logistic of three": (make_pipeline(SCALED, LogisticRegression()), WINE),
    "stochastic": (make_pipeline(SCALED, SGDClassifier(loss="log_loss", **SEED)), IRIS),
    "support vectors": (make_pipeline(MinMaxScaler(), LinearSVC(**SEED)), WINE),
    "discriminant": (LinearDiscriminantAnalysis(), IRIS),
    "search": (GridSearchCV(LogisticRegression(max_iter=2_000), {"C": [0.1, 1]}, cv=2), IRIS),
    "components": (make_pipeline(SCALED, PCA(3), LogisticRegression()), WINE),
    "bins": (make_pipeline(KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), LogisticRegression()), IRIS),
    "linear": (LinearRegression(), DIABETES),
    "ridge": (make_pipeline(SCALED, Ridge()), DIABETES),
    "counts": (PoissonRegressor(), DIABETES),
    "tree": (DecisionTreeClassifier(max_depth=4, **SEED), WINE),
    "stump": (DecisionTreeRegressor(max_depth=1), DIABETES),
    "forest of two": (RandomForestClassifier(20, max_depth=6, **SEED), CANCER),
    "forest of ten": (RandomForestClassifier(10, max_depth=6, **SEED), DIGITS),
    "scaled forest": (make_pipeline(SCALED, RandomForestClassifier(10, **SEED)), CANCER),
    "extra trees": (ExtraTreesClassifier(10, **SEED), IRIS),
    "forest": (RandomForestRegressor(10, **SEED), DIABETES),
    "boosting": (GradientBoostingClassifier(n_estimators=10, **SEED), CANCER),
    "boosting of three": (GradientBoostingClassifier(n_estimators=5, **SEED), WINE),
    "exponential": (GradientBoostingClassifier(n_estimators=10, loss="exponential", **SEED), CANCER),
    "boosted": (GradientBoostingRegressor(n_estimators=10, **SEED), DIABETES),
    "histograms": (HistGradientBoostingClassifier(max_iter=10, **SEED), CANCER),
    "histograms of ten": (HistGradientBoostingClassifier(max_iter=3, **SEED), DIGITS),
    "histograms of counts": (HistGradientBoostingRegressor(max_iter=10, loss="poisson", **SEED), DIABETES),
    "vote": (VotingClassifier(PARTS, voting="soft"), WINE),
    "bag": (BaggingClassifier(n_estimators=3, max_features=5, **SEED), WINE),
    "stack": (StackingClassifier(PARTS, DecisionTreeClassifier(**SEED), cv=2, passthrough=True), WINE),
    "bayes, drawn by the general converter": (make_pipeline(SCALED, GaussianNB()), IRIS),
    "perceptrons, drawn by the general converter": (
        make_pipeline(SCALED, MLPClassifier((8,), solver="lbfgs", max_iter=2_000, **SEED)), IRIS,
    ),
}  # fmt: skip

ROWS = 400


def gaps(X: Any) -> Any:
    """Return the data with a tenth of its values missing."""
    X = X.copy()
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    return X


@pytest.fixture(scope="module")
def people() -> Any:
    """Return eight columns of every kind, with missing values, and a target of two texts."""
    source = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": source.integers(18, 90, ROWS), "income": source.lognormal(10, 1, ROWS),
            "score": source.normal(size=ROWS), "city": source.choice(["Oslo", "Bergen", "Ås"], ROWS, p=[0.6, 0.3, 0.1]),
            "plan": pd.Categorical(source.choice(["a", "b", "c"], ROWS)), "member": source.random(ROWS) < 0.5,
            "size": pd.Categorical(source.choice([1, 2, 4], ROWS), categories=[1, 2, 4], ordered=True),
            "kids": pd.array(source.integers(0, 4, ROWS), dtype="Int64"),
        }
    )  # fmt: skip
    for column in ("income", "city", "plan", "kids"):
        frame.loc[source.random(ROWS) < 0.1, column] = None
    target = np.where(frame["score"] + (frame["city"] == "Oslo") > 0.3, "yes", "no")
    return frame, target


def mixed(encoder: Any) -> ColumnTransformer:
    """Return a step for each kind of column."""
    return ColumnTransformer(
        [
            (
                "numbers", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
                ["age", "income", "score", "kids"],
            ),
            ("words", make_pipeline(SimpleImputer(strategy="most_frequent"), encoder), ["city", "plan", "size"]),
            ("rest", "passthrough", ["member"]),
        ]
    )  # fmt: skip


MIXED: dict[str, Any] = {
    "one-hot": make_pipeline(mixed(OneHotEncoder(handle_unknown="ignore")), LogisticRegression()),
    "one-hot, known only": make_pipeline(mixed(OneHotEncoder(drop="first")), LogisticRegression()),
    "one-hot, rare together": make_pipeline(
        mixed(OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.2)), RandomForestClassifier(5, **SEED)
    ),
    "ordinal": make_pipeline(
        mixed(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
        GradientBoostingClassifier(n_estimators=5),
    ),
    "missing is a category": make_pipeline(
        ColumnTransformer([("words", OneHotEncoder(handle_unknown="ignore"), ["city", "plan"])]), LogisticRegression()
    ),
    "words for missing": make_pipeline(
        ColumnTransformer(
            [
                (
                    "words", make_pipeline(SimpleImputer(strategy="constant", fill_value="-"), OneHotEncoder()),
                    ["city", "plan"],
                )
            ]
        ),
        LogisticRegression(),
    ),
}  # fmt: skip


def assert_proven(pair: Pair, tolerance: float = TOLERANCE) -> None:
    proof = pair.proof
    assert "" == proof.why
    assert proof.equal
    assert proof.rows > 400
    assert proof.difference <= proof.tolerance == tolerance


@pytest.mark.parametrize("kind", NUMERIC)
def test_numbers(kind: str) -> None:
    """A model of plain numbers is drawn and proven, with every method that predicts."""
    model, (X, y) = NUMERIC[kind]
    pair = paired(model.fit(X, y), X)
    assert_proven(pair)
    answered = [m for m in pair.original.methods if m != "transform"]
    assert answered == list(pair.compiled.methods)


@pytest.mark.parametrize(
    "labels", [["no", "yes"], [False, True], [-1, 1], [1.0, 2.0]], ids=["text", "bool", "int", "float"]
)
def test_labels_come_as_they_were(labels: list[Any]) -> None:
    """Labels have the value and the dtype that the original gives them."""
    X, y = CANCER
    named = np.asarray(labels)[y]
    pair = paired(RandomForestClassifier(5, **SEED).fit(X, named), X)
    assert_proven(pair)
    ours = pair.compiled.run(Table(Shape.ARRAY, X, len(X)), "predict", {})
    theirs = pair.original.model.predict(X)
    assert theirs.dtype == ours.dtype
    assert np.array_equal(theirs, ours)


@pytest.mark.parametrize(
    "model",
    [HistGradientBoostingClassifier(max_iter=10, **SEED), RandomForestClassifier(10, **SEED)],
    ids=["histograms", "forest"],
)
@pytest.mark.parametrize("data", [CANCER, WINE], ids=["two", "three"])
def test_missing_values(model: Any, data: Any) -> None:
    """Trees that were grown with missing values send them where the original does."""
    X, y = gaps(data[0]), data[1]
    pair = paired(model.fit(X, y), X)
    assert_proven(pair)
    answered = pair.compiled.run(Table(Shape.ARRAY, X, len(X)), "predict_proba", {})
    assert np.allclose(pair.original.model.predict_proba(X), answered, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", MIXED)
def test_columns_of_every_kind(kind: str, people: Any) -> None:
    """Numbers, texts, categories, booleans and missing values go through their steps as in the original."""
    frame, target = people
    assert_proven(paired(MIXED[kind].fit(frame, target), frame))


def test_splits_on_categories(people: Any) -> None:
    """Histogram boosting on a frame's own categories, some missing, is drawn with its splits on sets of them."""
    frame = people[0][["age", "income", "plan", "score"]].assign(city=people[0]["city"].astype("category"))
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features="from_dtype", **SEED)
    assert_proven(paired(model.fit(frame, people[1]), frame))


@pytest.mark.parametrize("data", [CANCER, WINE], ids=["two", "three"])
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosting_libraries(library: str, data: Any) -> None:
    """Models of XGBoost and LightGBM are drawn from their trees, with missing values."""
    X, y = gaps(data[0]), data[1]
    module = pytest.importorskip(library)
    if library == "xgboost":
        model = module.XGBClassifier(n_estimators=8, n_jobs=1)
    else:
        model = module.LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1)
    assert_proven(paired(model.fit(X, y), X, library), SINGLE if library == "xgboost" else TOLERANCE)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosting_libraries_on_categories(library: str, people: Any) -> None:
    """A frame's categories reach XGBoost and LightGBM as the places they have in their column."""
    module = pytest.importorskip(library)
    frame = people[0][["age", "income", "plan", "score"]].assign(city=people[0]["city"].astype("category"))
    y = (people[1] == "yes").astype(int)
    if library == "xgboost":
        model = module.XGBClassifier(n_estimators=8, n_jobs=1, enable_categorical=True, max_cat_to_onehot=1)
        assert_proven(paired(model.fit(frame, y), frame, library), SINGLE)
    else:
        model = module.LGBMClassifier(n_estimators=8, verbose=-1, n_jobs=1, min_data_per_group=1, cat_smooth=0.0)
        assert_proven(paired(model.fit(frame, y), frame, library))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosting_libraries_of_values(library: str) -> None:
    """Regressions of XGBoost and LightGBM, with and without a link, are drawn."""
    module, (X, y) = pytest.importorskip(library), DIABETES
    for name in ("squared", "poisson"):
        if library == "xgboost":
            objective = "reg:squarederror" if name == "squared" else "count:poisson"
            model = module.XGBRegressor(n_estimators=8, n_jobs=1, objective=objective)
        else:
            model = module.LGBMRegressor(
                n_estimators=8, verbose=-1, n_jobs=1, objective="l2" if name == "squared" else "poisson"
            )
        assert_proven(paired(model.fit(X, y), X, library), SINGLE if library == "xgboost" else TOLERANCE)


@pytest.fixture(scope="module")
def forests() -> list[Pair]:
    """Return models that decide by thresholds, in single and in double precision."""
    X, y = IRIS
    models = (
        RandomForestClassifier(10, **SEED), GradientBoostingClassifier(n_estimators=5),
        HistGradientBoostingClassifier(max_iter=5), make_pipeline(MinMaxScaler(), RandomForestClassifier(5, **SEED)),
    )  # fmt: skip
    return [paired(model.fit(X, y), X) for model in models]


@given(st.data())
def test_ties_at_thresholds(forests: list[Pair], data: st.DataObject) -> None:
    """A value exactly at a threshold, or one step beside it, goes the way it goes in the original."""
    pair = data.draw(st.sampled_from(forests))
    ties = pair.converted.ties
    row = []
    for place in range(4):
        tie = data.draw(st.sampled_from(sorted(ties.get(place, [1.0]))))
        step = data.draw(st.sampled_from([0.0, np.inf, -np.inf]))
        beside = [np.nextafter(tie, step), np.nextafter(np.float32(tie), np.float32(step))]
        row.append(float(data.draw(st.sampled_from(beside))) if step else tie)
    table = Table(Shape.ARRAY, np.array([row]), 1)
    for method in pair.compiled.methods:
        theirs, ours = pair.original.run(table, method, {}), pair.compiled.run(table, method, {})
        assert np.allclose(theirs, ours, rtol=1e-12, atol=1e-12)

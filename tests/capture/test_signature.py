from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from pandas.testing import assert_frame_equal
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbregistry.capture.signature import enforce, from_estimator, infer
from nbregistry.domain.commits import canonical
from nbregistry.domain.signature import Column, Signature
from tests.capture.frames import LABELS, MAKERS, frames


def stored(signature: Signature) -> Signature:
    """Return a signature as it comes back from the store."""
    return Signature.from_document(json.loads(canonical(signature.as_document())))


@given(frames())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_what_was_trained_on_fits(frame: pd.DataFrame) -> None:
    """`enforce(infer(df), df)` is df, for every dtype, label and index, also after the signature was stored."""
    before = frame.copy(deep=True)
    found = enforce(stored(infer(frame)), frame)
    assert_frame_equal(before, found)
    assert frame is found


@pytest.mark.parametrize("kind", sorted(MAKERS))
@pytest.mark.parametrize(
    "gone", [(False, False, False), (False, True, False), (True, True, True)], ids=["all", "some", "none"]
)
def test_every_dtype_fits_itself(kind: str, gone: tuple[bool, ...]) -> None:
    """Each dtype by itself, with and without missing values, and any part of its rows."""
    made = MAKERS[kind]([1, 2, 3], list(gone))
    frame = pd.DataFrame({"x": pd.Series(made, dtype=made.dtype)})
    signature = stored(infer(frame))
    for part in (frame, frame.head(0), frame.iloc[[1]], frame.iloc[::-1]):
        assert_frame_equal(part, enforce(signature, part))


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_columns_are_put_in_order(kind: str) -> None:
    """A frame in another order, with a column too many, comes back as the model saw it."""
    made = MAKERS[kind]([1, 2, 3], [False, True, False])
    frame = pd.DataFrame({"a": [1, 2, 3], "x": pd.Series(made, dtype=made.dtype), "z": [0.5, 1.5, 2.5]})
    shuffled = frame.assign(extra="?")[["z", "extra", "x", "a"]]
    assert_frame_equal(frame, enforce(stored(infer(frame)), shuffled))


def test_any_label_is_found_again() -> None:
    """Labels that JSON has no form for are matched as themselves, in any order."""
    different = list(dict.fromkeys(LABELS))  # True is 1, and 1.5 is Decimal("1.5")
    frame = pd.DataFrame(np.arange(len(different))[None, :] * 1.0)
    frame.columns = pd.Index(different, dtype=object, tupleize_cols=False)
    assert_frame_equal(frame, enforce(stored(infer(frame)), frame.iloc[:, ::-1]))


def test_a_label_of_an_unknown_type_is_known_by_its_text() -> None:
    """A label that cannot be stored still finds its column in the frame that has it."""

    class Label:
        def __str__(self) -> str:
            return "odd"

    frame = pd.DataFrame([[1, 2]], columns=pd.Index([Label(), "b"], dtype=object))
    assert_frame_equal(frame, enforce(stored(infer(frame)), frame.iloc[:, ::-1]))


def test_a_column_of_a_frame_is_described() -> None:
    """Name, dtype, whether values may be missing and the categories are what a reader of the signature sees."""
    frame = pd.DataFrame(
        {"age": [1, 2], "size": pd.Categorical(["S", "L"], ["S", "M", "L"], ordered=True), "x": [0.5, None]}
    )
    found = infer(frame, pd.Series([0, 1], name="churned"))
    assert ("age", "size", "x") == found.names
    assert Column("age", "int64") == found.inputs[0]
    assert ("category", ("S", "M", "L"), True) == (
        found.inputs[1].dtype,
        found.inputs[1].categories,
        found.inputs[1].ordered,
    )
    assert [False, False, True] == [c.nullable for c in found.inputs]
    assert (Column("churned", "int64"),) == found.outputs
    assert ("frame", "data") == (found.container, found.source)


def test_a_dtype_made_for_missing_values_may_miss_them() -> None:
    """`Int64`, `boolean` and `string` take missing values though training saw none."""
    frame = pd.DataFrame(
        {
            "i": pd.array([1], dtype="Int64"),
            "b": pd.array([True], dtype="boolean"),
            "s": pd.array(["a"], dtype="string"),
        }
    )
    empty = pd.DataFrame({k: pd.Series([None], dtype=frame[k].dtype) for k in frame})
    assert_frame_equal(empty, enforce(stored(infer(frame)), empty))


def test_too_many_categories_are_not_kept() -> None:
    """A category per row is an identifier: the signature neither grows with it nor refuses new ones."""
    frame = pd.DataFrame({"id": pd.Categorical([f"u{i}" for i in range(10_001)])})
    signature = stored(infer(frame))
    assert signature.inputs[0].categories is None
    assert len(canonical(signature.as_document())) < 1_000
    other = pd.DataFrame({"id": pd.Categorical(["new"])})
    assert other is enforce(signature, other)


@pytest.mark.parametrize(
    ("data", "container", "dtype", "shape"),
    [
        (np.zeros((4, 3)), "array", "float64", (-1, 3)),
        (np.zeros(4, dtype="int32"), "array", "int32", (-1,)),
        (np.zeros((4, 2, 2), dtype=bool), "array", "bool", (-1, 2, 2)),
        (np.array(["ab", "c"]), "array", "<U2", (-1,)),
        (sparse.csr_matrix((4, 3)), "sparse", "float64", (-1, 3)),
        (["a", "b"], "list", "str", (-1,)),
        ([[1, 2], [3, 4]], "list", "int64", (-1, 2)),
        ([1.5, None], "list", "float64", (-1,)),
    ],
    ids=["matrix", "vector", "images", "text array", "sparse", "texts", "rows", "numbers"],
)
def test_other_containers(data: Any, container: str, dtype: str, shape: tuple[int, ...]) -> None:
    """Arrays, sparse matrices and lists have one column with a shape, and fit themselves as the same object."""
    found = stored(infer(data))
    assert (container, dtype, shape) == (found.container, found.inputs[0].dtype, found.inputs[0].shape)
    assert data is enforce(found, data)


@pytest.mark.parametrize(
    "data",
    [
        {"image": np.zeros((2, 3, 3)), "age": np.array([1, 2]), 3: ["a", "b"]},
        [{"a": 1, "b": "x"}, {"a": 2}],
        ["a", 1, None],
        [],
        (),
        pd.Series(["a", "b"], name="text"),
        pd.Series([1.5, None]),
        pd.Index([1, 2]),
        pd.array([1, None], dtype="Int64"),
        np.array([1, "a", None], dtype=object),
        np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.zeros((0, 3)),
        sparse.coo_matrix((2, 2), dtype="int8"),
        "a single text",
        object(),
        7,
    ],
    ids=lambda data: type(data).__name__,
)  # fmt: skip
def test_whatever_a_model_takes_fits_itself(data: Any) -> None:
    """The signature of any input at all can be stored, and accepts that input unchanged."""
    assert data is enforce(stored(infer(data)), data)


def test_a_library_that_is_unknown_is_known_by_its_shape() -> None:
    """A tensor of a library we do not know is checked for its width and passed on untouched."""

    class Tensor:
        def __init__(self, *shape: int) -> None:
            self.shape, self.dtype = shape, "torch.float32"

    signature = stored(infer(Tensor(4, 3)))
    other = Tensor(1, 3)
    assert other is enforce(signature, other)
    with pytest.raises(ValueError, match="rows x 3"):
        enforce(signature, Tensor(1, 2))


def test_missing_values_of_an_array_are_seen() -> None:
    """Infinities do not hide NaN, nor count as one."""
    seen = {True: [[np.nan, np.inf, -np.inf]], False: [[1.0, np.inf, -np.inf]]}
    for expected, values in seen.items():
        assert expected == infer(np.array(values)).inputs[0].nullable


def test_a_fitted_estimator_tells_names_and_count() -> None:
    """`feature_names_in_` and `n_features_in_`, also through pipelines and searches; nothing where nothing is told."""
    frame = pd.DataFrame({"a": [0.0, 1, 2, 3], "b": [1.0, 0, 1, 0]})
    y = [0, 1, 0, 1]
    for model in (LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())):
        named = from_estimator(model.fit(frame, y))
        assert named is not None
        assert ("estimator", ("a", "b"), "frame") == (named.source, named.names, named.container)
        counted = from_estimator(model.fit(frame.to_numpy(), y))
        assert counted is not None
        assert ((-1, 2), "any") == (counted.inputs[0].shape, counted.inputs[0].dtype)
    search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(frame, y)
    assert from_estimator(search) == from_estimator(LogisticRegression().fit(frame, y))
    columns = ColumnTransformer([("s", StandardScaler(), ["b"])]).fit(frame)
    assert ("a", "b") == from_estimator(columns).names  # type: ignore[union-attr]  # None would fail here too
    for silent in (
        LogisticRegression(),
        CountVectorizer().fit(["some words"]),
        GridSearchCV(LogisticRegression(), {}),
        len,
        None,
    ):
        assert from_estimator(silent) is None


def test_an_estimator_that_raises_tells_nothing() -> None:
    """A property may raise anything at all; that costs the signature, not the registration."""

    class Hostile:
        @property
        def feature_names_in_(self) -> Any:
            raise RecursionError("deep")

        n_features_in_ = "many"

    assert from_estimator(Hostile()) is None


def test_what_an_estimator_told_is_enforced() -> None:
    """Names are asked for and put in order, types are not known and anything goes; a width is checked."""
    frame = pd.DataFrame({"a": [0.0, 1], "b": [1.0, None]})
    named = Signature((Column("a", "any", True), Column("b", "any", True)), (), "frame", "estimator")
    assert_frame_equal(frame, enforce(stored(named), frame[["b", "a"]]))
    assert ["a", "b"] == list(enforce(named, [[1, "x"]]).columns)
    with pytest.raises(ValueError, match="'b': missing"):
        enforce(named, frame[["a"]])
    counted = Signature((Column("", "any", True, shape=(-1, 2)),), (), "unknown", "estimator")
    for data in (frame, frame.to_numpy(), [[1, 2]], sparse.csr_matrix((1, 2))):
        assert data is enforce(counted, data)
    with pytest.raises(ValueError, match="rows x 2"):
        enforce(counted, [[1, 2, 3]])


def test_infer_is_quick() -> None:
    """The signature of an ordinary frame costs well under a millisecond (a wide bound; the figure is about 0.2)."""
    frame = pd.DataFrame(np.random.default_rng(0).random((455, 30)), columns=[f"feature {i}" for i in range(30)])
    infer(frame)
    best = min(_seconds(lambda: infer(frame)) for _ in range(20))
    assert best < 0.003


def _seconds(call: Any) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started

"""The quick way against the complete one: the same verdict and the same values, whatever comes."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal
from scipy import sparse

from nbregistry.capture.signature import Contract, infer
from nbregistry.domain.signature import Signature
from nbregistry.errors import BadRows, InvalidInput
from nbregistry.serving.intake import Intake
from nbregistry.serving.table import Shape, fits, join
from tests.capture.frames import MAKERS, frames

WHOLE = (0, 1, -1, 2, 3, 127, 128, 255, 256, 300, -129, 65_535, 65_536, 2**24 + 1, 2**31, -(2**31), 2**53, -(2**53))
FLOATS = (0.0, -0.0, 0.5, 1.0, 2.0, 3.0, 255.0, 65_504.0, 65_520.0, 1e10, 3.4e38, 3.5e38, 1e300, -1e300)
TEXTS = (
    "a", "x", "low", "0.5", "1", "2", "True", "2020-01-01", "2020-01-01T00:00:00Z", "2020-07-01T00:00:00+02:00",
    "1 days", "(0, 1]", "2020Q1", "", "\u00e9", "NaN",
)  # fmt: skip
NESTED: tuple[Any, ...] = ([1], [], {"a": 1})


def signatures() -> dict[str, Signature]:
    """Return a signature of one column of every dtype, with and without missing values in training."""
    found = {}
    for name, make in MAKERS.items():
        for gone in (False, True):
            values = make([1, 2, 3, 4], [False, False, gone, False])
            found[f"{name}{', some missing' if gone else ''}"] = infer(pd.DataFrame({"x": values}))
    return found


SIGNATURES = signatures()
PREPARED = {name: (Intake(s), Contract(s)) for name, s in SIGNATURES.items()}


def verdicts(intake: Intake, contract: Contract, rows: list[Any]) -> tuple[Any, Any]:
    """Return what the complete way and ours make of rows: the data, or None where it is refused."""
    complete: Any = None
    ours: Any = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas on casts that are then refused
        with contextlib.suppress(InvalidInput):
            complete = contract.apply(rows)
        try:
            ours = intake.to_model(intake.from_rows(rows))
        except BadRows as refusal:
            assert refusal.faults
            assert len(str(refusal).encode()) < 4096
    return complete, ours


cells = st.one_of(
    st.lists(st.sampled_from(WHOLE), min_size=1, max_size=3),
    st.lists(st.sampled_from(FLOATS), min_size=1, max_size=3),
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3),
    st.lists(st.sampled_from((0, 1, 3, 0.5, None)), min_size=1, max_size=3),
    st.lists(st.sampled_from((*WHOLE, *FLOATS, *TEXTS, *NESTED, True, False, None)), min_size=1, max_size=3),
)


@settings(max_examples=600)
@given(name=st.sampled_from(sorted(SIGNATURES)), values=cells)
def test_one_column_of_json(name: str, values: list[Any]) -> None:
    """For a column of any dtype both ways accept and refuse the same values, and make the same column of them."""
    complete, ours = verdicts(*PREPARED[name], [[v] for v in values])
    assert (complete is None) == (ours is None)
    if complete is not None:
        assert_frame_equal(complete, ours, check_index_type=False)


NUMERIC: dict[str, Any] = {
    "float64": np.array([[1.5, 2.5]]),
    "float64, some missing": np.array([[1.5, np.nan]]),
    "float32": np.array([[1.5, 2.5]], dtype="float32"),
    "int64": np.array([[1, 2]]),
    "int8": np.array([[1, 2]], dtype="int8"),
    "uint16": np.array([[1, 2]], dtype="uint16"),
    "bool": np.array([[True, False]]),
    "text": np.array([["a", "b"]]),
    "object": np.array([["a", 1]], dtype=object),
    "frame": pd.DataFrame({"a": [1.5], "b": [2.5]}),
    "frame of integers and floats": pd.DataFrame({"a": [1], "b": [2.5]}),
    "frame of small integers and floats": pd.DataFrame({"a": np.array([1], dtype="uint8"), "b": [2.5]}),
    "frame of float32": pd.DataFrame({"a": [1.5], "b": [2.5]}, dtype="float32"),
    "frame, one column with missing": pd.DataFrame({"a": [1.5], "b": [np.nan]}),
}
TWO = {name: (Intake(infer(data)), Contract(infer(data))) for name, data in NUMERIC.items()}
pairs = st.lists(
    st.one_of(
        st.lists(st.sampled_from((*WHOLE, *FLOATS)), min_size=2, max_size=2),
        st.lists(st.sampled_from((0, 1, 0.5, 3.0, None)), min_size=2, max_size=2),
        st.lists(st.sampled_from((*WHOLE, *FLOATS, *TEXTS, True, None, [1])), min_size=2, max_size=2),
        st.lists(st.sampled_from((0, 0.5)), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=3,
)


def same(complete: Any, ours: Any) -> None:
    if isinstance(complete, pd.DataFrame):
        assert_frame_equal(complete, ours, check_index_type=False)
    else:
        assert complete.dtype.kind == ours.dtype.kind
        assert complete.tolist() == ours.tolist() or np.array_equal(complete, ours, equal_nan=True)


@settings(max_examples=300)
@given(name=st.sampled_from(sorted(TWO)), rows=pairs)
def test_rows_of_json(name: str, rows: list[Any]) -> None:
    """For arrays and frames of numbers both ways agree on numbers, texts, missing values and ragged rows."""
    complete, ours = verdicts(*TWO[name], rows)
    assert (complete is None) == (ours is None)
    if complete is not None:
        same(complete, ours)


ONE_DIMENSION: dict[str, Any] = {
    "texts": ["a", "b"], "texts, some missing": ["a", None], "numbers": [1.5, 2.5], "series": pd.Series([1.5, 2.5]),
    "series of text": pd.Series(["a", "b"]), "array": np.array([1.5, 2.5]), "array of text": np.array(["a", "b"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_DIMENSION)
@given(values=cells)
def test_lists_and_series(name: str, values: list[Any]) -> None:
    """Models of one column of texts or numbers take and refuse the same lists either way."""
    signature = infer(ONE_DIMENSION[name])
    complete, ours = verdicts(Intake(signature), Contract(signature), values)
    if signature.container == "series" and any(type(v) is list for v in values):
        return  # a row of one value is a table of one column, which the complete way is told by a frame
    assert (complete is None) == (ours is None)
    if isinstance(complete, pd.Series):
        assert_series_equal(complete, ours, check_index_type=False)
    elif complete is not None:
        assert list(complete) == list(ours)


@given(frame=frames())
def test_any_frame_comes_back(frame: pd.DataFrame) -> None:
    """A frame of any dtypes and labels is taken apart and put together again without a difference."""
    intake = Intake(infer(frame))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, on sparse columns
        found = intake.to_model(intake.from_frame(frame))
    assert_frame_equal(frame.reset_index(drop=True), found, check_index_type=False, check_freq=False)


JSON_HAS = ("float64", "float32", "int64", "int8", "UInt16", "Float64", "bool", "boolean", "str", "category", "string")


@given(
    kinds=st.lists(st.sampled_from(JSON_HAS), min_size=1, max_size=6),
    rows=st.integers(1, 5),
    form=st.sampled_from(("rows", "records", "columns", "named")),
    data=st.data(),
)
def test_frames_through_json(kinds: list[str], rows: int, form: str, data: st.DataObject) -> None:
    """A frame written as JSON, in any form and order of columns, and joined with another, is the frame again."""
    held = {
        f"c{place}": MAKERS[kind](
            data.draw(st.lists(st.integers(0, 100), min_size=rows, max_size=rows)),
            data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)) if rows > 1 else [False],
        )
        for place, kind in enumerate(kinds)
    }
    frame = pd.DataFrame(held)
    intake = Intake(infer(frame))
    columns = {name: [None if pd.isna(v) else v for v in frame[name].tolist()] for name in frame}
    order = data.draw(st.permutations(list(columns)))
    listed = [list(row) for row in zip(*(columns[name] for name in order), strict=True)]
    table = {
        "rows": lambda: intake.from_rows(
            orjson.loads(orjson.dumps([list(row) for row in zip(*columns.values(), strict=True)]))
        ),
        "named": lambda: intake.from_rows(orjson.loads(orjson.dumps(listed)), order),
        "records": lambda: intake.from_records(
            orjson.loads(orjson.dumps([dict(zip(order, row, strict=True)) for row in listed]))
        ),
        "columns": lambda: intake.from_columns(orjson.loads(orjson.dumps({name: columns[name] for name in order}))),
    }[form]()
    assert_frame_equal(frame, intake.to_model(table))
    assert fits(table, table)
    twice = pd.concat([frame, frame], ignore_index=True)
    assert_frame_equal(twice, intake.to_model(join([table, table])))
    assert_frame_equal(frame.head(1), intake.to_model(join([table, table]).cut(0, 1)))


def test_sparse_matrices_and_dictionaries() -> None:
    """Models of sparse matrices and of dictionaries of arrays get these, in their format and dtypes."""
    matrix = sparse.csc_matrix(np.eye(3))
    intake = Intake(infer(matrix))
    table = intake.from_rows([[1, 0, 0], [0, 2, 0]])
    found = intake.to_model(join([table, table]))
    assert ("csc", (4, 3)) == (found.format, found.shape)
    assert np.float64 == found.dtype
    entries = Intake(infer({"ids": np.array([[1, 2]]), "weight": np.array([0.5])}))
    table = entries.from_columns({"weight": [1, 2], "ids": [[1, 2], [3, 4]], "more": 1})
    found = entries.to_model(table)
    assert (Shape.WHOLE, 2, ["ids", "weight"]) == (table.shape, table.rows, list(found))
    assert (np.int64, np.float64) == (found["ids"].dtype, found["weight"].dtype)
    with pytest.raises(BadRows, match="entry 'ids'"):
        entries.from_columns({"weight": [1, 2], "ids": [1, 2]})
    again = entries.from_records([{"ids": [1, 2], "weight": 0.5}])
    np.testing.assert_array_equal(np.array([[1, 2]]), entries.to_model(again)["ids"])

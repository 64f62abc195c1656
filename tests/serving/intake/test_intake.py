from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbregistry.capture.signature import from_estimator, infer
from nbregistry.domain.signature import Signature
from nbregistry.errors import BadRows
from nbregistry.serving.codec import native
from nbregistry.serving.intake import Intake
from nbregistry.serving.intake.checks import INTEGERS
from nbregistry.serving.table import Shape

PEOPLE = pd.DataFrame(
    {
        "age": [30, 40],
        "income": [1.5, None],
        "active": [True, False],
        "city": ["Porto", "Lisboa"],
        "size": pd.Categorical(["S", "L"], categories=["S", "M", "L"], ordered=True),
        "visits": pd.array([1, None], dtype="Int64"),
    }
)
ROW = [30, 1.5, True, "Porto", "S", 1]


def faults(intake: Intake, rows: list[Any]) -> list[tuple[int, str]]:
    """Return where rows do not fit."""
    with pytest.raises(BadRows) as caught:
        intake.from_rows(rows)
    return [(f.row, f.column) for f in caught.value.faults]


def changed(**values: Any) -> list[Any]:
    return [values.get(name, value) for name, value in zip(PEOPLE.columns, ROW, strict=True)]


def test_every_bad_row_and_column_is_named() -> None:
    """A refusal tells each row and column, what was expected and what came; good rows are not mentioned."""
    intake = Intake(infer(PEOPLE))
    rows = [
        ROW,
        changed(age=1.5, city=7),
        ROW,
        changed(size="XL", active=1, visits="2"),
        changed(income=True, age=None),
    ]
    with pytest.raises(BadRows) as caught:
        intake.from_rows(rows)
    found = {(f.row, f.column): (f.expected, f.found) for f in caught.value.faults}
    assert {
        (1, "age"): ("int64", "the number 1.5, which is not whole"),
        (1, "city"): ("text (str)", "the number 7"),
        (3, "size"): ("category of S, M, L", "the text 'XL', never seen in training"),
        (3, "active"): ("bool", "the number 1"),
        (3, "visits"): ("Int64, may be missing", "the text '2'"),
        (4, "income"): ("float64, may be missing", "the boolean true"),
        (4, "age"): ("int64", "a missing value, and none was seen in training"),
    } == found
    assert "row 3, 'size': expected category of S, M, L, got the text 'XL'" in str(caught.value)


def test_at_most_twenty_faults_in_less_than_four_kibibytes() -> None:
    """However much is wrong, and however long its names and values are, the refusal can be read."""
    long = pd.DataFrame({f"c{i}" + "\u4e16" * 500: pd.Categorical(["x" * 300]) for i in range(50)})
    with pytest.raises(BadRows) as caught:
        Intake(infer(long)).from_rows([["\U0001f600" * 1_000] * 50] * 50)
    assert 20 == len(caught.value.faults)
    assert len(str(caught.value).encode()) < 4096
    assert "more" in str(caught.value).splitlines()[-1]


def test_a_million_bad_rows_are_refused_at_once() -> None:
    """A column stops looking after twenty of its values."""
    intake = Intake(infer(PEOPLE))
    with pytest.raises(BadRows) as caught:
        intake.from_rows([changed(age="x")] * 200_000)
    assert 20 == len(caught.value.faults)
    assert "more" not in str(caught.value), "nobody counts the rest"
    late = changed(city=1)
    with pytest.raises(BadRows) as caught:
        intake.from_rows([*[changed(age="x")] * 50, late])
    assert (50, "city") in [(f.row, f.column) for f in caught.value.faults], "no column hides another"


@pytest.mark.parametrize(
    ("trained", "value"),
    [
        (pd.Categorical([1, 2]), True),
        (pd.Categorical([0, 1]), False),
        (pd.Categorical([True, False]), 1),
        ([1.5], True),
        ([1], False),
    ],
)
def test_a_boolean_is_no_number(trained: Any, value: Any) -> None:
    """True is not 1, neither as a number nor as a category, and 1 is not True."""
    assert [(0, "x")] == faults(Intake(infer(pd.DataFrame({"x": trained}))), [[value]])


def test_numbers_beyond_doubles_are_kept() -> None:
    """Integers that a double cannot hold stay exact among floats, and go back to being columns to do so."""
    frame = pd.DataFrame({"id": [1], "x": [0.5]})
    intake = Intake(infer(frame))
    small, large = intake.from_rows([[2**53 - 1, 1]]), intake.from_rows([[2**53 + 1, 1]])
    assert (Shape.ARRAY, Shape.COLUMNS) == (small.shape, large.shape)
    assert [2**53 - 1, 2**53 + 1] == [intake.to_model(t)["id"].tolist()[0] for t in (small, large)]
    assert np.int64 == intake.to_model(small)["id"].dtype
    unsigned = Intake(infer(pd.DataFrame({"x": np.array([1], dtype="uint64")})))
    assert [2**64 - 1, 1] == unsigned.to_model(unsigned.from_rows([[2**64 - 1], [1.0]]))["x"].tolist()


def test_negative_zero_stays_negative() -> None:
    """The sign of a zero is not lost."""
    for data in (pd.DataFrame({"x": [0.5]}), np.array([[0.5]])):
        intake = Intake(infer(data))
        assert np.signbit(np.asarray(intake.to_model(intake.from_rows([[-0.0]])))).all()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([ROW, ROW[:-1]], "row 1: expected 6 values, got 5"),
        ([ROW, [*ROW, 1]], "row 1: expected 6 values, got 7"),
        ([7], "row 0: expected a list of 6 values, got the number 7"),
        (["abcdef"], "got the text 'abcdef'"),
        ([{"age": 1}], "got an object"),
        ([None], "got a missing value"),
    ],
)
def test_ragged_rows_are_told(rows: list[Any], says: str) -> None:
    """A row of another length, or that is none, is named with its length."""
    with pytest.raises(BadRows) as caught:
        Intake(infer(PEOPLE)).from_rows(rows)
    assert says in str(caught.value)


def test_columns_by_name() -> None:
    """Names may come in any order; a missing one is told with the nearest, a repeated one is refused."""
    intake = Intake(infer(PEOPLE))
    names = [*reversed(PEOPLE.columns), "extra", "extra"]
    found = intake.from_rows([[*reversed(ROW), 0, 0]], names)
    assert ROW == [column[0] for column in found.values]
    with pytest.raises(BadRows) as caught:
        intake.from_records([{**dict(zip(PEOPLE.columns, ROW, strict=True)), "incme": 1, "income": 2}, {"agee": 1}])
    assert [(1, "age")] == [(f.row, f.column) for f in caught.value.faults[:1]]
    with pytest.raises(BadRows, match=r"'income': .*, got no such column, did you mean 'incme'"):
        intake.from_rows([ROW], ["age", "incme", "active", "city", "size", "visits"])
    with pytest.raises(BadRows, match="'age': expected one column of that name, got 2"):
        intake.from_rows([[*ROW, 1]], [*PEOPLE.columns, "age"])
    with pytest.raises(BadRows, match="row 0: expected 8 values, got 6"):
        intake.from_rows([ROW], names)


def test_labels_that_are_no_text() -> None:
    """Columns named 0 and 1, and columns of several levels, are found under what JSON makes of them."""
    plain = pd.DataFrame([[1.0, 2.0]], columns=[0, 1])
    intake = Intake(infer(plain))
    for table in (intake.from_records([{"1": 2, "0": 1}]), intake.from_rows([[2, 1]], [1, 0])):
        pd.testing.assert_frame_equal(plain, intake.to_model(table))
    levels = pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    intake = Intake(infer(levels))
    pd.testing.assert_frame_equal(levels, intake.to_model(intake.from_rows([[2, 1]], [["b", 2], ["a", 1]])))
    repeated = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    intake = Intake(infer(repeated))
    pd.testing.assert_frame_equal(repeated, intake.to_model(intake.from_rows([[1, 2]], ["a", "a"])))
    with pytest.raises(BadRows, match="names repeat"):
        intake.from_records([{"a": 1}])


def test_columns_of_different_lengths_are_told() -> None:
    """The columns that differ from the others are named; values without lists are one row."""
    intake = Intake(infer(pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]})))
    with pytest.raises(BadRows, match=r"'c': expected as many values as the other columns have \(2\), got 1 value"):
        intake.from_columns({"a": [1, 2], "b": [1, 2], "c": [1]})
    with pytest.raises(BadRows, match="got one value"):
        intake.from_columns({"a": [1, 2], "b": [1, 2], "c": 1})
    assert [[1.0, 2.0, 3.0]] == intake.from_columns({"a": 1, "c": 3, "b": 2}).values.tolist()


def test_arrays_may_be_widened_only() -> None:
    """An array of a narrower dtype fits, one that would lose values does not, whatever the values are."""
    for data in (np.array([[1.5, 2.5]]), pd.DataFrame({"a": [1.5], "b": [2.5]})):
        intake = Intake(infer(data))
        for dtype in ("int32", "float32", "uint8"):
            assert np.float64 == intake.from_array(np.ones((2, 2), dtype=dtype)).values.dtype
        for bad in (np.ones((1, 2), dtype=bool), np.ones((1, 2), dtype=complex), np.array([["a", "b"]])):
            with pytest.raises(BadRows):
                intake.from_array(bad)
        with pytest.raises(BadRows, match="missing value"):
            intake.from_array(np.array([[1.0, np.nan]]))
        with pytest.raises(BadRows):
            intake.from_array(np.ones((1, 3)))
        with pytest.raises(BadRows):
            intake.from_array(np.ones(2))
    single = Intake(infer(np.array([[1.5]], dtype="float32")))
    with pytest.raises(BadRows, match="float64"):
        single.from_array(np.ones((1, 1)))


def test_one_array_for_columns_of_several_dtypes() -> None:
    """An array for integers and floats is judged by its values: its one dtype is nobody's choice."""
    frame = pd.DataFrame({"n": [1], "x": [0.5]})
    intake = Intake(infer(frame))
    pd.testing.assert_frame_equal(
        pd.DataFrame({"n": [3], "x": [4.5]}), intake.to_model(intake.from_array(np.array([[3.0, 4.5]])))
    )
    with pytest.raises(BadRows, match="'n': expected int64, got the number 3"):
        intake.from_array(np.array([[3.5, 4.5]]))


def test_what_an_estimator_tells_is_taken() -> None:
    """Without a captured signature the names, or the number of columns, of the estimator are asked for."""

    class Named:
        feature_names_in_ = ("a", "b")

    class Counted:
        n_features_in_ = 2

    intake = Intake(from_estimator(Named()))
    table = intake.from_records([{"b": 2, "a": 1}])
    assert (Shape.ARRAY, [[1.0, 2.0]]) == (table.shape, table.values.tolist())
    assert ["a", "b"] == list(intake.to_model(table).columns)
    mixed = intake.to_model(intake.from_rows([["x", 2], ["y", None]]))
    assert [["x", 2.0], ["y", None]] == mixed.astype(object).where(mixed.notna(), None).to_numpy().tolist()
    counted = Intake(from_estimator(Counted()))
    assert [[1.0, 2.0]] == counted.to_model(counted.from_rows([[1, 2]])).tolist()
    assert [["a", 2]] == counted.to_model(counted.from_rows([["a", 2]]))
    for bad in ([[1]], [[1, 2, 3]], [1, 2]):
        with pytest.raises(BadRows):
            counted.from_rows(bad)


def test_without_a_signature_all_is_taken() -> None:
    """A model that nothing is known of gets arrays of numbers, frames of named columns, and lists of the rest."""
    intake = Intake(None)
    assert [[1.0, 2.0]] == intake.to_model(intake.from_rows([[1, 2]])).tolist()
    assert ["a"] == intake.to_model(intake.from_rows(["a"]))
    for table in (
        intake.from_records([{"a": 1, "b": "x"}]),
        intake.from_columns({"a": [1], "b": ["x"]}),
        intake.from_rows([[1, "x"]], ["a", "b"]),
    ):
        pd.testing.assert_frame_equal(pd.DataFrame({"a": [1], "b": ["x"]}), intake.to_model(table))


def test_pandas_is_not_loaded_to_check_rows() -> None:
    """Checking rows of numbers, text and categories loads no pandas, nor does refusing them."""
    code = """
import json, sys
from nbregistry.domain.signature import Signature
from nbregistry.errors import BadRows
from nbregistry.serving.codec import inference, mlflow, native, seldon
from nbregistry.serving.intake import Intake
intake = Intake(Signature.from_document(json.loads(sys.argv[1])))
row = [30, 1.5, True, "Porto", "S", 1]
intake.from_rows([row])
native.decode(b'age,income,active,city,size,visits\\n30,1.5,true,Porto,S,\\n', "text/csv", intake)
try:
    intake.from_rows([["x"] * 6])
except BadRows as fault:
    print(len(fault.faults), "pandas" in sys.modules)
"""
    told = json.dumps(infer(PEOPLE).as_document())
    done = subprocess.run([sys.executable, "-c", code, told], check=True, capture_output=True, text=True)
    assert "5 False" == done.stdout.strip()


def test_a_stored_signature_checks_the_same() -> None:
    """Categories survive the store, and so do the refusals."""
    intake = Intake(Signature.from_document(json.loads(json.dumps(infer(PEOPLE).as_document()))))
    pd.testing.assert_frame_equal(
        PEOPLE, intake.to_model(intake.from_rows([ROW, [40, None, False, "Lisboa", "L", None]]))
    )
    assert [(0, "size")] == faults(intake, [changed(size="XXL")])


WIDTHS = ("int8", "uint16", "int32", "int64", "uint64")
WHOLE: dict[str, tuple[str, Signature]] = {
    **{f"frame of {d}": (d, infer(pd.DataFrame({"x": np.array([1, 2], d)}))) for d in WIDTHS},
    **{f"array of {d}": (d, infer(np.array([[1], [2]], d))) for d in WIDTHS},
    "masked": ("int64", infer(pd.DataFrame({"x": pd.array([1, None], dtype="Int64")}))),
    "among floats": ("int64", infer(pd.DataFrame({"x": [1, 2], "y": [0.5, 1.5]}))),
    "one column": ("int64", infer(pd.Series([1, 2], name="x"))),
}
AT = st.sampled_from([0, 2**53, 2**63, 2**64, 2**31, 255]).flatmap(lambda n: st.integers(n - 3, n + 3))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), AT, st.sampled_from((1, -1)), st.sampled_from(("", ".0", "e0")), st.booleans())
def test_a_whole_number_arrives_as_it_was_written(name: str, size: int, sign: int, end: str, beside: bool) -> None:
    """Whatever stands in the JSON for an integer column, the model gets exactly that number or the row is refused."""
    dtype, signature = WHOLE[name]
    intake, (low, high), value = Intake(signature), INTEGERS[dtype], sign * size
    more = ", 0.5" if name == "among floats" else ""
    rows = [f"[{value}{end}{more}]", *([f"[0.0{more}]"] if beside else [])]
    try:
        found = intake.to_model(native.decode(f"[{','.join(rows)}]".encode(), "application/json", intake).table)
    except BadRows:
        assert not low <= value <= high or (end and size > 2**53 - 1)
    else:
        assert value == int(found.iat[(0,) * found.ndim] if hasattr(found, "iat") else found.flat[0])

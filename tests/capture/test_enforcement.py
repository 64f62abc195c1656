from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal
from scipy import sparse

from nbregistry.capture.signature import Contract, enforce, infer
from nbregistry.domain.commits import canonical
from nbregistry.domain.signature import Signature
from nbregistry.errors import InvalidInput

array: Any = pd.array  # its overloads know no mixed lists
PARIS = "Europe/Paris"
TEXTS = pd.Series(["a"], dtype=object)
FRAME = pd.DataFrame(
    {
        "age": [30, 40],
        "income": [1.5, None],
        "active": [True, False],
        "city": ["Porto", "Lisboa"],
        "size": pd.Categorical(["S", "L"], categories=["S", "M", "L"], ordered=True),
        "visits": array([1, None], dtype="Int64"),
        "since": pd.to_datetime(["2020-01-01", "2021-01-01"]),
        "seen": pd.to_datetime(["2020-01-01", "2020-07-01"]).tz_localize(PARIS),
    }
)


def refused(signature: Signature, data: Any, **options: Any) -> str:
    """Return what the refusal says."""
    with pytest.raises(InvalidInput) as caught:
        enforce(signature, data, **options)
    return str(caught.value)


def column(values: Any, **options: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(values, **options)})


@pytest.mark.parametrize("through_json", [False, True], ids=["python", "JSON"])
@pytest.mark.parametrize("form", ["columns", "records", "rows"])
def test_plain_data_becomes_the_frame(form: str, through_json: bool) -> None:
    """Dictionaries of lists, lists of dictionaries and lists of lists, as JSON has them, become the frame exactly."""
    columns: dict[str, list[Any]] = {
        "age": [30, 40], "income": [1.5, None], "active": [True, False], "city": ["Porto", "Lisboa"],
        "size": ["S", "L"], "visits": [1, None], "since": ["2020-01-01", "2021-01-01T00:00:00"],
        "seen": ["2020-01-01T00:00:00+01:00", "2020-06-30T22:00:00Z"],
    }  # fmt: skip
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    data: Any = {"columns": columns, "records": records, "rows": [list(r.values()) for r in records]}[form]
    found = enforce(infer(FRAME), json.loads(json.dumps(data)) if through_json else data)
    assert_frame_equal(FRAME, found)


def test_one_record_is_a_row() -> None:
    """A dictionary without lists is one example."""
    frame = pd.DataFrame({"a": [1], "b": ["x"]})
    assert_frame_equal(frame, enforce(infer(frame), {"b": "x", "a": 1}))


def test_an_array_becomes_the_frame() -> None:
    """An array gets the names of the columns, by position."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert_frame_equal(frame, enforce(infer(frame), frame.to_numpy()))
    assert_frame_equal(frame, enforce(infer(frame), frame.to_numpy().astype(int)))
    for bad in (np.zeros(2), np.zeros((1, 3))):
        assert "2 columns ('a', 'b')" in refused(infer(frame), bad)


def test_labels_that_json_makes_text_of_are_found() -> None:
    """A column named 0 is reached by "0", as JSON writes it, and comes back named 0."""
    frame = pd.DataFrame({0: [1.0], 1: [2.0]})
    assert_frame_equal(frame, enforce(infer(frame), [{"1": 2.0, "0": 1.0}]))
    assert_frame_equal(frame, enforce(infer(frame), pd.DataFrame({"1": [2.0], "0": [1.0]})))
    both = pd.DataFrame([[1.0, 2.0]], columns=pd.Index([0, "0"], dtype=object))
    assert "0: missing" in refused(infer(both), {"0": [1.0]})


@pytest.mark.parametrize(
    ("trained", "given", "options", "expected"),
    [
        ([0.5], [1, 2], {}, ["1.0", "2.0"]),
        ([0.5], [1, 2], {"dtype": "uint8"}, ["1.0", "2.0"]),
        ([0.5], [1.5], {"dtype": "float32"}, ["1.5"]),
        ([1], [1, 2], {"dtype": "int32"}, ["1", "2"]),
        ([1], [1, 2], {"dtype": "Int64"}, ["1", "2"]),
        ([0.5, None], [1, None], {"dtype": "Int64"}, ["1.0", "nan"]),
        (array([1], dtype="Int64"), [1, 2], {}, ["1", "2"]),
        (array([1], dtype="Float64"), [1, None], {"dtype": "Int8"}, ["1.0", "<NA>"]),
        (array([True], dtype="boolean"), [True], {"dtype": "bool"}, ["True"]),
        ([1j], [1, 2], {}, ["(1+0j)", "(2+0j)"]),
        (["a"], ["b"], {"dtype": "string"}, ["b"]),
        (["a"], ["b"], {"dtype": object}, ["b"]),
        (["a"], ["b"], {"dtype": "category"}, ["b"]),
        (np.array(["a"], dtype=object), ["b"], {"dtype": "str"}, ["b"]),
        (
            pd.to_datetime(["2020-01-01"]).as_unit("ns"), pd.to_datetime(["2021-01-01"]).as_unit("s"), {},
            ["2021-01-01 00:00:00"],
        ),
        (array([0, 1], dtype="Sparse[int64]"), [0, 3], {}, ["0", "3"]),
        ([0.5], array([1.0], dtype="Sparse[float64]"), {}, ["1.0"]),
        (pd.Categorical(["a", "b"]), ["b", "a"], {}, ["b", "a"]),
        (pd.Categorical(["a", "b"]), pd.Categorical(["b"]), {}, ["b"]),
        (pd.Categorical([1, 2]), [2, 1], {"dtype": "int8"}, ["2", "1"]),
        (pd.period_range("2020", periods=1, freq="M"), ["2021-05"], {}, ["2021-05"]),
        (pd.to_timedelta(["1 day"]), ["2 days"], {}, ["2 days 00:00:00"]),
        (pd.cut([1, 2], 2), ["(1.5, 2.0]"], {}, ["(1.5, 2.0]"]),
    ],
)  # fmt: skip
def test_safe_conversions_are_made(trained: Any, given: Any, options: Any, expected: list[str]) -> None:
    """What cannot lose a value is converted to the dtype of training; values and index stay."""
    frame = column(trained)
    came = column(given, **options).set_axis([f"r{i}" for i in range(len(given))])
    found = enforce(infer(frame), came)
    assert frame["x"].dtype == found["x"].dtype
    assert [f"r{i}" for i in range(len(given))] == list(found.index)
    assert expected == [str(value) for value in found["x"].tolist()]


@pytest.mark.parametrize(
    ("trained", "given", "options", "says"),
    [
        ([1], [1.5], {}, "expected int64, got float64"),
        ([1], [1.0], {}, ".astype('int64')"),
        ([1], [True], {}, "expected int64, got booleans"),
        ([True], [1], {}, "expected bool, got int64: send true and false"),
        ([1], ["1"], {}, "got text '1': send numbers"),
        ([1], [1.0, None], {}, "1 missing value (row 1): fill or drop them"),
        ([1], [None, 1, None], {"dtype": "Int64"}, "2 missing values (rows 0, 2)"),
        (array([1, 2], dtype="int32"), [1], {"dtype": "int64"}, "expected int32, got int64"),
        ([0.5], [None], {}, "missing"),
        (array([1.5], dtype="float32"), [1.5], {}, "expected float32, got float64"),
        (array([1.5], dtype="float16"), [100_001], {}, "100001 in row 0"),
        (["a"], [1], {}, "expected text (str), got int64: send text"),
        (np.array(["a"], dtype=object), [1], {}, "got int64"),
        (TEXTS, ["a", 1], {"dtype": object}, "got mixed-integer"),
        (TEXTS, [1, 2], {"dtype": object}, "expected text (object), got integer"),
        (TEXTS, [1], {}, "got int64"),
        (pd.Categorical(["a", "b"]), ["a", "q"], {}, "expected category of a, b, got 'q', never seen in training"),
        (pd.Categorical([1, 2]), [True], {}, "'True', never seen"),
        (pd.to_datetime(["2020-01-01"]), [20200101], {}, "got int64: send datetimes, or ISO 8601 text"),
        (pd.to_datetime(["2020-01-01"]), ["yesterday"], {}, "send values of the expected type"),
        (pd.to_datetime(["2020-01-01"]), ["2020-01-01T00:00Z"], {}, "drop it with .dt.tz_localize(None)"),
        (pd.to_datetime(["2020-01-01"]).tz_localize(PARIS), ["2020-01-01"], {}, "without a time zone"),
        (pd.to_datetime(["2020-01-01"]).as_unit("s"), pd.to_datetime(["2020-01-01T00:00:00.5"]), {}, "a unit of s"),
        (pd.to_timedelta(["1 day"]), [5], {}, "got int64: send timedeltas"),
        (pd.period_range("2020", periods=1, freq="M"), [5], {}, "period[M]"),
        (pd.interval_range(0, 1), ["(0, 1]"], {}, "interval[int64, right]"),
    ],
)  # fmt: skip
def test_what_might_lose_a_value_is_refused(trained: Any, given: Any, options: Any, says: str) -> None:
    """The refusal names the column, what was expected, what came and what to do."""
    said = refused(infer(column(trained)), column(given, **options))
    assert "'x': expected " in said
    assert says in said


@pytest.mark.parametrize(
    ("trained", "given", "says"),
    [
        ([1], [1, True], "boolean 'True' in row 1"),
        ([1], [1, "2"], "text '2' in row 1"),
        ([1], [1.5], "1.5 in row 0: send whole numbers"),
        (np.array([1], dtype="int8"), [1, 300], "300 in row 1: send whole numbers in the range of int8"),
        (np.array([1], dtype="float32"), [1e300], "in the range of float32"),
        ([1], [2**70], "beyond 64 bits"),
        ([0.5], [{"a": 1}], "the object"),
    ],
)
def test_values_of_plain_data_are_looked_at(trained: Any, given: list[Any], says: str) -> None:
    """JSON has no dtypes, so each value must fit; the row of the first that does not is named."""
    assert says in refused(infer(column(trained)), {"x": given})


def test_whole_numbers_of_json_are_integers() -> None:
    """JSON writers differ in whether 3 is 3 or 3.0; both are the integer, and fit any width that holds them."""
    for dtype in ("int64", "int8", "Int16", "uint32"):
        found = enforce(infer(column([1], dtype=dtype)), {"x": [3.0, 4]})
        assert_frame_equal(column([3, 4], dtype=dtype), found)


def test_the_order_of_categories_is_that_of_training() -> None:
    """Codes, which some models take, are those of training though the same categories came in another order."""
    frame = column(pd.Categorical(["a", "b", "c"]))
    other = column(pd.Categorical(["a", "b", "c"], categories=["c", "b", "a"]))
    assert [0, 1, 2] == enforce(infer(frame), other)["x"].cat.codes.tolist()


def test_missing_columns_are_named_with_the_nearest() -> None:
    """Each missing column is named with its type, and the one that was probably meant."""
    said = refused(infer(FRAME), FRAME.rename(columns={"income": "incme"}).drop(columns="age"))
    assert "'age': missing, expected int64" in said
    assert "'income': missing, expected float64, may be missing, did you mean 'incme'?" in said


def test_extra_columns_are_ignored_unless_strict() -> None:
    """A column that the model does not know is left out, and refused when asked to be strict."""
    more = FRAME.assign(extra=1, other=2)
    assert_frame_equal(FRAME, enforce(infer(FRAME), more))
    assert "'extra', 'other': not in the signature" in refused(infer(FRAME), more, strict=True)
    assert FRAME is enforce(infer(FRAME), FRAME, strict=True)


def test_at_most_twenty_problems_are_told() -> None:
    """A frame that is wrong everywhere gives a message that can be read."""
    frame = pd.DataFrame({f"c{i}": [1] for i in range(50)})
    said = refused(infer(frame), frame.astype(str))
    assert 20 == said.count("expected int64")
    assert said.endswith("... and 30 more")


def test_repeated_names_are_told_apart_by_order() -> None:
    """Repeated names fit in exactly the order of training, and nothing else does."""
    frame = pd.DataFrame([[1, 2.5, "x"]], columns=["a", "a", "b"])
    assert frame is enforce(infer(frame), frame)
    assert "names repeat" in refused(infer(frame), frame[["b", "a"]])
    single = pd.DataFrame({"a": [1]})
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert "2 columns have that name" in refused(infer(single), twice.assign(c=1))


def test_a_frame_without_columns() -> None:
    """A frame without columns asks for nothing, and keeps its rows."""
    empty = pd.DataFrame(index=[1, 2, 3])
    assert empty is enforce(infer(empty), empty)
    assert (3, 0) == enforce(infer(empty), FRAME.reindex([0, 1, 1])).shape


def test_no_rows_fit() -> None:
    """Empty input is fine in every form."""
    frame = pd.DataFrame({"a": [1], "b": ["x"], "c": pd.Categorical(["u"])})
    forms: list[Any] = [[], {"a": [], "b": [], "c": []}, frame.head(0)]
    for data in forms:
        found = enforce(infer(frame), data)
        assert_frame_equal(frame.head(0), found, check_index_type=False)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"a": [1, 2], "b": [1]}, "differ in length ('a': 2, 'b': 1)"),
        ({"a": [1, 2], "b": 1}, "'b': one value"),
        ([[1, 2, 3]], "Row 0 has 3 values"),
        ([[1, 2], [3]], "Row 1 has 1 values"),
        ([1, 2], "Row 0 has a int"),
        (["ab"], "Row 0 has a str"),
        ("a,b", "not a str"),
        (None, "not a NoneType"),
        (7, "not a int"),
        (sparse.csr_matrix((1, 2)), "not a csr_matrix"),
    ],
)
def test_what_is_no_table_is_refused(data: Any, says: str) -> None:
    """Whatever cannot be read as rows and columns is refused with what to send."""
    frame = pd.DataFrame({"a": [1], "b": [2]})
    said = refused(infer(frame), data)
    assert says in said
    assert "send" in said


def test_hostile_names_and_values_stay_on_their_line() -> None:
    """Terminal escapes and line breaks in names and values are shown as escapes, and long ones are cut."""
    name = "\x1b[31m\nx" + "y" * 500
    frame = pd.DataFrame({name: pd.Categorical(["a"])})
    said = refused(infer(frame), {name: ["\x1b[2J\n" + "z" * 500]})
    assert "\x1b" not in said
    assert 2 == len(said.splitlines())
    assert len(said) < 500


@pytest.mark.parametrize(
    ("trained", "given", "expected"),
    [
        (np.zeros((2, 3)), [[1, 2, 3]], np.array([[1.0, 2, 3]])),
        (np.zeros((2, 3), dtype="float32"), [[1, 2.5, 3]], np.array([[1, 2.5, 3]], dtype="float32")),
        (np.zeros((2, 3)), np.array([[1, 2, 3]], dtype="int16"), np.array([[1.0, 2, 3]])),
        (np.array([[np.nan, 1.0]]), [[None, 2]], np.array([[np.nan, 2.0]])),
        (np.zeros((2, 2)), pd.DataFrame({"a": [1], "b": [2]}), np.array([[1.0, 2.0]])),
        (np.zeros((2, 2)), sparse.csr_matrix(np.eye(2)), np.eye(2)),
        (np.zeros((2, 2)), [], np.zeros((0, 2))),
        (np.zeros((2, 2)), [np.array([1, 2])], np.array([[1.0, 2.0]])),
        (np.array(["ab"]), ["abcdef"], np.array(["abcdef"])),
        (np.array(["ab", 1], dtype=object), ["c"], np.array(["c"], dtype=object)),
        (np.zeros((1, 2, 2), dtype="uint8"), [[[1, 2], [3, 4]]], np.array([[[1, 2], [3, 4]]], dtype="uint8")),
    ],
)
def test_arrays_are_made_of_what_comes(trained: Any, given: Any, expected: Any) -> None:
    """A model trained on an array takes lists, frames and sparse matrices of the same width."""
    found = enforce(infer(trained), given)
    assert expected.dtype == found.dtype
    np.testing.assert_array_equal(expected, found)


@pytest.mark.parametrize(
    ("trained", "given", "says"),
    [
        (np.zeros((2, 3)), [1, 2, 3], "one row too needs the outer brackets"),
        (np.zeros((2, 3)), [[1, 2]], "send an array of rows x 3"),
        (np.zeros((2, 2)), [[1, 2], [3]], "rows of different lengths (1, 2)"),
        (np.zeros((2, 2)), [[1, np.nan]], "1 missing value (row 0)"),
        (np.zeros((2, 2)), [[1, "a"]], "text 'a' in row 0"),
        (np.zeros((2, 2), dtype=int), np.zeros((2, 2)), "expected int64 of the shape rows x 2, got float64"),
        (np.zeros((2, 2)), {"a": [1]}, "got a dict"),
        (np.zeros((2, 2)), "ab", "got a str"),
        (sparse.csr_matrix((2, 3)), sparse.csr_matrix((2, 2)), "rows x 3"),
        (["a", "b"], ["a", None], "a missing value in row 1"),
        (["a", "b"], ["a", 3], "int '3' in row 1"),
        ([1, 2], ["a"], "text 'a' in row 0"),
        (pd.Series(["a"]), pd.DataFrame({"a": [1], "b": [1]}), "send one column of values"),
        ({"a": np.zeros(2)}, {"b": np.zeros(2)}, "Missing a"),
        ({"a": np.zeros((2, 2))}, {"a": np.zeros(2)}, "entry 'a'"),
        ({"a": np.zeros(2)}, [1, 2], "takes a dictionary"),
    ],
)
def test_arrays_and_lists_that_do_not_fit_are_refused(trained: Any, given: Any, says: str) -> None:
    """The refusal tells the shape or the value that is wrong."""
    assert says in refused(infer(trained), given)


def test_a_sparse_matrix_keeps_its_format() -> None:
    """Dense input becomes the sparse format of training, integers its dtype."""
    trained = sparse.csc_matrix((3, 2))
    found = enforce(infer(trained), [[1, 0], [0, 2]])
    assert ("csc", np.float64) == (found.format, found.dtype)
    assert np.float64 == enforce(infer(trained), sparse.csr_matrix((1, 2), dtype="int8")).dtype


def test_a_series_is_made_of_what_comes() -> None:
    """A model trained on one column takes lists, arrays and a frame of one column."""
    trained = pd.Series(["a", "b"], name="text")
    expected = pd.Series(["x", "y"], name="text")
    for given in (["x", "y"], np.array(["x", "y"], dtype=object), pd.DataFrame({"text": ["x", "y"]})):
        assert_series_equal(expected, enforce(infer(trained), given))


def test_a_list_is_made_of_what_comes() -> None:
    """A model trained on a list gets a list, out of an array or a column too, with the same checks."""
    assert ["x", "y"] == enforce(infer(["a"]), np.array(["x", "y"]))
    assert ["x", "y"] == enforce(infer(["a"]), pd.Series(["x", "y"]))
    assert [1, 2] == enforce(infer([1.5]), np.array([1, 2]))
    assert "int '1' in row 0" in refused(infer(["a"]), np.array([1]))


def test_entries_of_a_dictionary_are_fitted_one_by_one() -> None:
    """A dictionary of arrays comes back with each entry converted, without what it does not know."""
    signature = infer({"a": np.zeros((2, 2)), "b": np.array([1])})
    found = enforce(signature, {"b": np.array([3]), "a": [[1, 2]], "c": 0})
    assert ["a", "b"] == list(found)
    np.testing.assert_array_equal(np.array([[1.0, 2.0]]), found["a"])
    assert "Unknown c" in refused(signature, {"a": np.zeros((1, 2)), "b": np.array([1]), "c": 0}, strict=True)


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    """A time zone is converted, never dropped or assumed; one column may have both offsets of summer time."""
    frame = column(pd.to_datetime(["2020-01-01"]).tz_localize(PARIS))
    utc = column(pd.to_datetime(["2020-06-30T22:00"]).tz_localize("UTC"))
    found = enforce(infer(frame), utc)
    assert frame["x"].dtype == found["x"].dtype
    assert "2020-07-01T00:00:00+02:00" == found["x"].iloc[0].isoformat()
    naive = enforce(infer(frame), {"x": [dt.datetime(2020, 1, 1, tzinfo=dt.UTC), None][:1]})
    assert "2020-01-01T01:00:00+01:00" == naive["x"].iloc[0].isoformat()


def test_a_contract_is_quick() -> None:
    """A row that fits costs tens of microseconds; a row out of JSON about a millisecond (wide bounds)."""
    frame = pd.DataFrame(np.random.default_rng(0).random((50, 30)), columns=[f"feature {i}" for i in range(30)])
    contract, row = Contract(infer(frame)), frame.head(1)
    record = row.to_dict("records")
    for data, bound in ((row, 0.001), (record, 0.01)):
        contract.apply(data)
        times = []
        for _ in range(20):
            started = time.perf_counter()
            contract.apply(data)
            times.append(time.perf_counter() - started)
        assert min(times) < bound


def test_a_signature_that_was_stored_refuses_as_well() -> None:
    """Categories and time zones survive the store, and so do the refusals."""
    signature = Signature.from_document(json.loads(canonical(infer(FRAME).as_document())))
    assert_frame_equal(FRAME, enforce(signature, FRAME[FRAME.columns[::-1]]))
    assert "'XXL', never seen" in refused(signature, FRAME.assign(size=["S", "XXL"]))

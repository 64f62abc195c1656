from __future__ import annotations

import datetime as dt
import decimal
import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from scipy import sparse

from nbregistry.capture.dataset import profile
from nbregistry.capture.parts import MOST_CELLS, sample_of
from nbregistry.domain.commits import canonical
from nbregistry.types import Document
from tests.capture.frames import MAKERS, frames

MOMENTS = pd.to_datetime(pd.Series(["2020-01-02", None, "2020-01-01"]))


def column(values: Any, **options: Any) -> Document:
    """Return the profile of one column."""
    found: Document = profile(pd.DataFrame({"x": pd.Series(values, **options)}))["columns"][0]
    canonical(found)
    return found


def test_numbers_are_as_pandas_has_them() -> None:
    """Range, mean, deviation, quantiles, histogram, missing and distinct values, column by column."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 5)), columns=list("abcde"))
    frame["n"] = rng.integers(-50, 50, 400)
    frame["small"] = rng.random(400).astype("float32")
    frame.loc[:9, "c"] = None
    found = profile(frame)
    canonical(found)
    assert (400, list(frame.columns)) == (found["rows"], [c["name"] for c in found["columns"]])
    for told in found["columns"]:
        values = frame[told["name"]].dropna()
        assert str(frame[told["name"]].dtype) == told["dtype"]
        assert (400 - len(values), values.nunique()) == (told["missing"], told["distinct"])
        expected = [values.min(), values.max(), values.mean(), values.std()]
        np.testing.assert_allclose(expected, [told["min"], told["max"], told["mean"], told["std"]], rtol=1e-5)
        np.testing.assert_allclose(values.quantile(found["quantiles_at"]), told["quantiles"], rtol=1e-5)
        counts, edges = np.histogram(values.astype(float), bins=10)
        assert counts.tolist() == told["histogram"]["counts"]
        np.testing.assert_allclose(edges, told["histogram"]["edges"], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0, 5.0], {"min": 5.0, "max": 5.0, "std": 0.0, "histogram": {"edges": [5.0, 5.0], "counts": [2]}}),
        ([7.5], {"min": 7.5, "mean": 7.5, "std": None, "quantiles": [7.5] * 5}),
        ([np.nan, None], {"missing": 2}),
        ([1.0, np.inf, -np.inf, np.nan], {"missing": 1, "infinite": 2, "min": 1.0, "max": 1.0}),
        ([1e308, -1e308], {"min": -1e308, "max": 1e308, "std": None, "histogram": None}),
        ([2**63 - 1, 2**62], {"min": str(2**62), "max": str(2**63 - 1)}),
        (np.array([2**64 - 1], dtype="uint64"), {"max": str(2**64 - 1)}),
        (pd.array([2**53, None], dtype="Int64"), {"missing": 1, "max": 2**53}),
        ([], {"missing": 0}),
        ([True, False, True], {"missing": 0, "distinct": 2, "top": [[True, 2], [False, 1]]}),
        (pd.array([True, None], dtype="boolean"), {"missing": 1, "top": [[True, 1]]}),
        ([decimal.Decimal("1.5"), decimal.Decimal("2.5")], {"min": 1.5, "mean": 2.0}),
        ([1, 2.5, None, "x", "x"], {"missing": 1, "distinct": 3, "top": [["x", 2], [1, 1], [2.5, 1]]}),
        (["a", "b", "a", None], {"missing": 1, "distinct": 2, "top": [["a", 2], ["b", 1]]}),
        (pd.Categorical(["b", "a", "b", None], list("abc")), {"missing": 1, "top": [["b", 2], ["a", 1]]}),
        (pd.Categorical([None]), {"missing": 1, "distinct": 0, "top": []}),
        (MOMENTS, {"missing": 1, "min": "2020-01-01T00:00:00.000000", "max": "2020-01-02T00:00:00.000000"}),
        (pd.to_datetime(["2020-07-01"]).as_unit("s").tz_localize("Europe/Paris"), {"min": "2020-06-30T22:00:00+00:00"}),
        (pd.to_timedelta(["1 day", None]), {"missing": 1, "min": 86400.0, "unit": "s"}),
        (pd.arrays.SparseArray([0, 0, 3]), {"min": 0, "max": 3, "distinct": 2}),
        ([dt.date(2020, 1, 1)] * 2, {"top": [["2020-01-01", 2]]}),
        ([b"\xff\x00"] * 2, {"top": [["b'\\xff\\x00'", 2]]}),
        ([[1, 2], [1, 2]], {"distinct": 1, "top": [["[1, 2]", 2]]}),
        (["\ud800" * 2] * 2, {"top": [["\\ud800\\ud800", 2]]}),
        ([10**5000] * 2, {"missing": 0}),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)  # fmt: skip
def test_odd_columns(values: Any, expected: Document) -> None:
    """Constant, empty, infinite, huge, mixed and unhashable values all have a profile that is plain JSON."""
    dtype = (
        {}
        if hasattr(values, "dtype") or not values or not isinstance(values[0], (str, list, bytes, dt.date))
        else {"dtype": object}
    )
    found = column(values, **dtype)
    assert expected == {key: found[key] for key in expected}


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_every_dtype_has_a_profile(kind: str) -> None:
    """Missing values are counted alike for every dtype."""
    made = MAKERS[kind]([1, 2, 3, 1], [False, True, False, False])
    series = pd.Series(made, dtype=made.dtype)
    found = column(series)
    assert int(np.asarray(series.isna()).sum()) == found["missing"]
    assert str(made.dtype) == found["dtype"]


@given(frames())
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_any_frame_has_a_profile(frame: pd.DataFrame) -> None:
    """Any labels, dtypes and index: plain JSON, the same each time."""
    found = profile(frame, frame.iloc[:, 0] if frame.shape[1] else None)
    assert frame.shape == (found["rows"], len(found["columns"]))
    assert canonical(found) == canonical(profile(frame.copy(), frame.iloc[:, 0] if frame.shape[1] else None))


def test_values_that_tell_of_one_person_are_not_kept() -> None:
    """Of names, texts and identifiers only lengths are kept, also as categories, in few rows and in many."""
    names = [f"person-{i}@example.org" for i in range(200)]
    for values in (names, names[:3], pd.Categorical(names), [*names[:150], *["same"] * 50]):
        found = profile(pd.DataFrame({"who": values}))
        assert "person-" not in json.dumps(found)
        assert {"min", "max", "mean"} == set(found["columns"][0]["lengths"])
    cities = column(["Porto"] * 60 + ["Lisboa"] * 40)
    assert [["Porto", 60], ["Lisboa", 40]] == cities["top"]


def test_frequent_values_are_short_and_no_secrets() -> None:
    """At most ten, each of at most 64 characters; a token among them is blacked out."""
    values = ["x" * 1000] * 30 + ["https://me:hunter2@host/"] * 20 + [f"v{i}" for i in range(12) for _ in range(5)]
    found = column(values)
    assert 10 == len(found["top"])
    assert max(len(value) for value, _ in found["top"]) == 64
    assert ["https://me:[redacted password]@host/", 20] in found["top"]


def test_a_target_of_classes_is_counted() -> None:
    """Classes written as numbers have their counts; measured targets have quantiles; several targets their columns."""
    X = pd.DataFrame({"a": [1.0, 2, 3]})
    found = profile(X, pd.Series([1, 0, 1], name="churned"))["target"]
    assert ("churned", [[1, 2], [0, 1]]) == (found["name"], found["top"])
    assert [["yes", 2], ["no", 1]] == profile(X, ["yes", "no", "yes"])["target"]["top"]
    assert [[1.0, 2]] == profile(X, [1.0, None, 1.0])["target"]["top"]
    assert "top" not in profile(np.zeros((100, 1)), np.linspace(0, 1, 100))["target"]
    assert ["0", "1"] == [c["name"] for c in profile(X, np.zeros((3, 2)))["target"]["columns"]]
    assert profile(X)["target"] is None


@pytest.mark.parametrize(
    ("data", "rows", "names"),
    [
        (np.zeros((4, 2)), 4, ["0", "1"]),
        (np.zeros(4), 4, [""]),
        (np.zeros((4, 2, 2)), 4, [""]),
        (np.zeros(3, dtype=[("a", "f8"), ("b", "i4")]), 3, ["a", "b"]),
        (np.array(["2020-01-01", "NaT"], dtype="M8[D]"), 2, [""]),
        (np.array([["a", 1]], dtype=object), 1, ["0", "1"]),
        (sparse.csr_matrix((4, 3)), 4, ["0", "1", "2"]),
        (sparse.coo_array((4, 3)), 4, ["0", "1", "2"]),
        ([[1, 2], [3, 4]], 2, ["0", "1"]),
        ([1, 2, None], 3, [""]),
        (["a", "b"], 2, [""]),
        ([{"a": 1}, {"b": "x"}], 2, ["a", "b"]),
        ({"a": [1, 2], "b": np.zeros((2, 2))}, 2, ["a", "b"]),
        ([], 0, [""]),
        (pd.Series([1], name="s"), 1, ["s"]),
        (pd.DataFrame(), 0, []),
        (pd.DataFrame(index=[1, 2]), 2, []),
        ("text", 0, []),
        (object(), 0, []),
        (np.array(5.0), 0, [""]),
    ],
)
def test_every_container_has_a_profile(data: Any, rows: int, names: list[str]) -> None:
    """Arrays, sparse matrices, lists, dictionaries and things unknown."""
    found = profile(data, names=None)
    canonical(found)
    assert (rows, names) == (found["rows"], [c["name"] for c in found["columns"]])
    assert 64 == len(found["fingerprint"])


def test_names_can_be_given() -> None:
    """Columns of an array take the names given, if there are as many."""
    assert ["age", "x"] == [c["name"] for c in profile(np.zeros((2, 2)), names=["age", "x"])["columns"]]
    assert ["0", "1"] == [c["name"] for c in profile(np.zeros((2, 2)), names=["age"])["columns"]]


def test_wide_data_are_described_in_part() -> None:
    """Two hundred columns are described, and how many there are is said."""
    for wide in (pd.DataFrame(np.zeros((3, 1_000))), np.zeros((3, 1_000)), sparse.csr_matrix((3, 1_000))):
        found = profile(wide)
        assert (200, 1_000) == (len(found["columns"]), found["columns_total"])
    assert "columns_total" not in profile(np.zeros((3, 200)))


def test_large_data_are_sampled_and_it_is_said() -> None:
    """Above the limit a sample stands for the whole; the sample is spread over all rows and always the same."""
    rows = 50_000
    frame = pd.DataFrame({"a": np.arange(rows), "b": np.arange(rows) % 7, "c": ["x", "y"] * (rows // 2)})
    found = profile(frame)
    assert (rows, True, MOST_CELLS // 3) == (found["rows"], found["sampled"], found["sample_rows"])
    assert found["columns"][0]["min"] < 10
    assert found["columns"][0]["max"] > rows - 10
    assert {"x", "y"} == {value for value, _ in found["columns"][2]["top"]}
    assert found == profile(frame.copy())
    assert "sampled" not in profile(frame.head(1_000))
    for big in (
        np.zeros((rows, 3)),
        sparse.csr_matrix((rows, 3)),
        [[0.0, 1.0, 2.0]] * rows,
        frame["a"],
        {"a": [1] * 200_000},
    ):
        assert "a" == big.name or profile(big)["sampled"] if isinstance(big, pd.Series) else profile(big)["sampled"]


def test_a_sample_cannot_align_with_a_period() -> None:
    """Rows are taken at irregular places, one out of each stretch, in order and without repeats."""
    chosen = sample_of(1_000_000, 30)
    assert chosen is not None
    steps = np.diff(chosen)
    assert len(set(steps.tolist())) > 100
    assert steps.min() > 0
    assert (0 <= chosen[0], chosen[-1] < 1_000_000) == (True, True)
    assert sample_of(1_000, 100) is None


def test_the_fingerprint_knows_the_data() -> None:
    """Equal data have one fingerprint; another value, dtype, name, order or number of rows another."""
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": ["x", "y", "z"], "c": pd.Categorical(["u", "v", "u"])})
    same = [frame, frame.copy(), frame.set_axis([7, 8, 9])]
    others = [
        frame.assign(a=[1.0, 2.0, 3.0]),
        frame.assign(a=[1.0, 2.5, np.nan]),
        frame.assign(a=frame["a"].astype("float32")),
        frame.assign(b=["x", "y", "zz"]),
        frame.assign(b=["x", "yz", ""]),
        frame.assign(c=pd.Categorical(["v", "u", "v"])),
        frame.assign(c=pd.Categorical(["u", "v", "u"], ["v", "u"])),
        frame.rename(columns={"a": "A"}),
        frame[["b", "a", "c"]],
        frame.iloc[::-1],
        frame.head(2),
    ]
    assert 1 == len({profile(f)["fingerprint"] for f in same})
    prints = [profile(f)["fingerprint"] for f in (frame, *others)]
    assert len(prints) == len(set(prints))


def test_equal_numbers_of_other_bits_are_equal() -> None:
    """Two kinds of NaN and of zero, and another layout or byte order in memory, are the same data."""
    odd_nan = np.array([0x7FF8000000000001], dtype="u8").view("f8")[0]
    values = np.array([[0.0, 1.0], [np.nan, 2.0]])
    other = np.array([[-0.0, 1.0], [odd_nan, 2.0]])
    assert profile(values)["fingerprint"] == profile(other)["fingerprint"]
    assert profile(values)["fingerprint"] == profile(np.asfortranarray(values))["fingerprint"]
    prints = set()
    for fill in range(50):
        wide = np.full(7, 1.5, dtype=np.longdouble)
        dirt = [np.full(wide.nbytes, fill, dtype="u1") for _ in range(20)]  # what new arrays find in memory
        del dirt
        prints.add(profile(wide)["fingerprint"])
    assert 1 == len(prints)


def test_a_target_of_any_width_is_plain() -> None:
    """Classes of a type that JSON does not know are counted as numbers that it does."""
    for dtype in ("longdouble", "float16", "uint64", "int8"):
        found = profile(np.zeros((2, 1)), np.array([1, 1], dtype=dtype))
        assert [[1, 2]] == json.loads(canonical(found))["target"]["top"]


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    """Neither the seed of hashes nor addresses of objects reach the fingerprint."""
    code = """
import pandas as pd
from nbregistry.capture.dataset import profile
class Thing: pass
print(profile(pd.DataFrame({"a": ["x", "y"], "o": [Thing(), {"k"}]}))["fingerprint"])
"""
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert 1 == len(runs)
    assert 65 == len(runs.pop())


def test_profiling_is_quick() -> None:
    """An ordinary frame costs about a millisecond, a million rows of thirty columns about ten (wide bounds)."""
    rng = np.random.default_rng(0)
    small, big = pd.DataFrame(rng.random((455, 30))), pd.DataFrame(rng.random((1_000_000, 30)))
    for frame, bound in ((small, 0.015), (big, 0.3)):
        profile(frame)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            profile(frame)
            times.append(time.perf_counter() - started)
        assert min(times) < bound

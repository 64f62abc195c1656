"""Frames of every pandas dtype, made by hypothesis and by hand, for the tests of signature and example."""

from __future__ import annotations

import datetime as dt
import decimal
import importlib
import importlib.util
import zoneinfo
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

array: Any = pd.array  # its overloads know no mixed lists
intervals: Any = pd.arrays.IntervalArray
ARROW = importlib.util.find_spec("pyarrow") is not None
ZONES: tuple[Any, ...] = (
    "UTC",
    dt.UTC,
    zoneinfo.ZoneInfo("Europe/Paris"),
    zoneinfo.ZoneInfo("America/New_York"),
    dt.timezone(dt.timedelta(hours=5, minutes=30)),
    dt.timezone(dt.timedelta(seconds=-3723)),
)
NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
PLAIN = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64")
WIDE = ("longdouble", "complex64", "complex128")

Maker = Callable[["list[int]", "list[bool]"], Any]
"""Makes an array out of small integers and of which are missing."""


def _masked(dtype: str) -> Maker:
    return lambda values, gone: array([None if g else v % 100 for v, g in zip(values, gone, strict=True)], dtype=dtype)


def _plain(dtype: str) -> Maker:
    def make(values: list[int], gone: list[bool]) -> Any:
        made = np.array([v % 100 for v in values]).astype(dtype)
        if made.dtype.kind in "fc":
            made[np.array(gone, dtype=bool)] = np.nan
        return made

    return make


def _text(dtype: Any, *more: str) -> Maker:
    words = ("a", "", "b c", "\u00e9\u4e16\U0001f600", "\x00", "<b>", "NaN", *more)
    return lambda values, gone: array(
        [None if g else words[v % len(words)] for v, g in zip(values, gone, strict=True)], dtype=dtype
    )


def _categories(categories: Any, *, ordered: bool) -> Maker:
    def make(values: list[int], gone: list[bool]) -> Any:
        codes = [-1 if g else v % len(categories) for v, g in zip(values, gone, strict=True)]
        return pd.Categorical.from_codes(codes, categories=categories, ordered=ordered)

    return make


def _moments(unit: str, zone: Any = None) -> Maker:
    def make(values: list[int], gone: list[bool]) -> Any:
        seconds = np.array([v * 1_000_003 for v in values], dtype="M8[s]")
        seconds[np.array(gone, dtype=bool)] = np.datetime64("NaT")
        found = pd.Series(seconds.astype(f"M8[{unit}]"))
        return found.array if zone is None else found.dt.tz_localize("UTC").dt.tz_convert(zone).array

    return make


def _durations(unit: str) -> Maker:
    def make(values: list[int], gone: list[bool]) -> Any:
        found = np.array(values, dtype=f"m8[{unit}]")
        found[np.array(gone, dtype=bool)] = np.timedelta64("NaT")
        return array(found)

    return make


def _periods(freq: str) -> Maker:
    def make(values: list[int], gone: list[bool]) -> Any:
        found = [pd.NaT if g else pd.Period(ordinal=v % 500, freq=freq) for v, g in zip(values, gone, strict=True)]
        return array(found, dtype=pd.PeriodDtype(freq))

    return make


def _intervals(closed: Any) -> Maker:
    def make(values: list[int], gone: list[bool]) -> Any:
        found = [
            np.nan if g else pd.Interval(float(v), float(v + 1), closed) for v, g in zip(values, gone, strict=True)
        ]
        return intervals(found, dtype=pd.IntervalDtype("float64", closed))

    return make


def _sparse(dtype: str, fill: Any) -> Maker:
    return lambda values, gone: pd.arrays.SparseArray(
        np.array([v % 3 for v in values]).astype(dtype), fill_value=fill, dtype=pd.SparseDtype(dtype, fill)
    )


def _objects(*pool: Any) -> Maker:
    def make(values: list[int], gone: list[bool]) -> Any:
        found = np.empty(len(values), dtype=object)
        found[:] = [None if g else pool[v % len(pool)] for v, g in zip(values, gone, strict=True)]
        return found

    return make


def _arrow() -> dict[str, Maker]:
    if not ARROW:
        return {}
    pa = importlib.import_module("pyarrow")

    def of(kind: Any, *pool: Any) -> Maker:
        return lambda values, gone: array(
            [None if g else pool[v % len(pool)] for v, g in zip(values, gone, strict=True)], dtype=pd.ArrowDtype(kind)
        )

    return {
        "arrow int64": of(pa.int64(), 1, 2),
        "arrow string": of(pa.string(), "a", ""),
        "arrow decimal": of(pa.decimal128(10, 2), decimal.Decimal("1.10")),
        "arrow date": of(pa.date32(), dt.date(2020, 1, 1)),
        "arrow timestamp": of(pa.timestamp("us", "Europe/Paris"), dt.datetime(2020, 7, 1)),
        "arrow list": of(pa.list_(pa.int64()), [1, 2], []),
        "string[pyarrow]": _text("string[pyarrow]"),
    }


MAKERS: dict[str, Maker] = {
    **{dtype: _masked(dtype) for dtype in NULLABLE},
    **{dtype: _plain(dtype) for dtype in (*PLAIN, *WIDE)},
    "bool": lambda values, gone: np.array([v % 2 == 0 for v in values], dtype=bool),
    "boolean": lambda values, gone: array(
        [None if g else v % 2 == 0 for v, g in zip(values, gone, strict=True)], dtype="boolean"
    ),
    "str": _text("str"),
    "string": _text("string"),
    "python string": _text(pd.StringDtype("python"), "\ud800"),
    "category": _categories(["x", "y", "z"], ordered=False),
    "ordered category": _categories(["low", "mid", "high"], ordered=True),
    "category of int": _categories([3, 1, 2], ordered=True),
    "category of float": _categories([0.5, np.inf, -1.0], ordered=False),
    "category of bool": _categories([True, False], ordered=False),
    "category of object": _categories(pd.Index(["a", 1, (2, "b")], dtype=object, tupleize_cols=False), ordered=False),
    "category of moment": _categories(pd.date_range("2020", periods=3, tz="Europe/Paris"), ordered=True),
    "category of interval": _categories(pd.interval_range(0, 3), ordered=True),
    "category of period": _categories(pd.period_range("2020", periods=3, freq="Q-NOV"), ordered=False),
    "category of lone surrogate": _categories(pd.Index(["\ud800", "b"], dtype=object), ordered=False),
    **{f"datetime64[{unit}]": _moments(unit) for unit in ("s", "ms", "us", "ns")},
    **{f"datetime64[us, {zone}]": _moments("us", zone) for zone in ZONES},
    **{f"datetime64[{unit}, Paris]": _moments(unit, ZONES[2]) for unit in ("s", "ns")},
    **{f"timedelta64[{unit}]": _durations(unit) for unit in ("s", "ms", "us", "ns")},
    **{f"period[{freq}]": _periods(freq) for freq in ("D", "M", "W-MON", "Q-NOV", "2h")},
    **{f"interval {closed}": _intervals(closed) for closed in ("left", "right", "both", "neither")},
    "Sparse[int64]": _sparse("int64", 0),
    "Sparse[int64, 2]": _sparse("int64", 2),
    "Sparse[float64]": _sparse("float64", np.nan),
    "Sparse[bool]": _sparse("bool", False),
    "object of text": _objects("a", "b"),
    "object of bytes": _objects(b"\x00", b"\xff", b""),
    "object of decimal": _objects(decimal.Decimal("1.10"), decimal.Decimal("NaN")),
    "object of date": _objects(dt.date(2020, 1, 1), dt.date(1, 1, 1)),
    "object of lists": _objects([1, 2], [], {"a": [None]}),
    "object of many": _objects(1, "a", 2.5, True, (1, 2), float("nan"), pd.NA, pd.NaT, np.int8(3), 10**40),
    "all missing": lambda values, gone: np.array([None] * len(values), dtype=object),
    "all NaN": lambda values, gone: np.full(len(values), np.nan),
    "all NaT": lambda values, gone: array(np.full(len(values), "NaT", dtype="M8[ns]")),
    **_arrow(),
}
"""Everything that a column of a frame can be."""

LABELS: tuple[Any, ...] = (
    "a", "b", "", "0", "a b", "\u00e9", "\ud800", 0, 1, -1, 2**70, 1.5, float("inf"), True, None, b"x", (1, "a"), (),
    pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-01", tz="Europe/Paris"), dt.date(2020, 1, 1), np.int64(7),
    pd.Interval(0, 1), pd.Period("2020-01", freq="M"), decimal.Decimal("1.5"), np.nan,
)  # fmt: skip
"""Everything that may name a column."""


def indexes(rows: int) -> list[pd.Index]:
    """Return an index of each kind."""
    return [
        pd.RangeIndex(rows),
        pd.RangeIndex(5, 5 + 2 * rows, 2, name="step"),
        pd.Index([f"r{i % 2}" for i in range(rows)], name="repeats"),
        pd.Index(range(rows), dtype="int8"),
        pd.date_range("2020-03-29", periods=rows, freq="h", tz="Europe/Paris", name="when"),
        pd.timedelta_range("1h", periods=rows, freq="30min"),
        pd.period_range("2020", periods=rows, freq="M"),
        pd.CategoricalIndex([["x", "y"][i % 2] for i in range(rows)], categories=["y", "x"]),
        pd.MultiIndex.from_arrays([list(range(rows)), [f"k{i}" for i in range(rows)]], names=["n", None]),
    ]


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a frame: any dtypes, labels, index, rows and missing values."""
    rows = draw(st.integers(0, 5))
    kinds = draw(st.lists(st.sampled_from(sorted(MAKERS)), max_size=6))
    held = {}
    for place, kind in enumerate(kinds):
        values = draw(st.lists(st.integers(0, 10_000), min_size=rows, max_size=rows))
        gone = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        held[place] = pd.Series(made := MAKERS[kind](values, gone), dtype=made.dtype)
    frame = pd.DataFrame(held, index=pd.RangeIndex(rows))
    frame.columns = draw(labels(len(kinds)))
    index = draw(st.sampled_from(indexes(rows)))
    return frame.set_axis(index, axis=0)


@st.composite
def labels(draw: st.DrawFn, count: int) -> pd.Index:
    """Draw a column index: mixed labels, text, numbers, moments or several levels."""
    kind = draw(st.sampled_from(["mixed", "text", "range", "moments", "levels"]))
    if kind == "range":
        return pd.RangeIndex(count)
    if kind == "text":
        return pd.Index([f"c{i}" for i in range(count)], name=draw(st.sampled_from([None, "features", 3])))
    if kind == "moments":
        return pd.date_range("2020", periods=count, name="day")
    if kind == "levels":
        return pd.MultiIndex.from_arrays([["g"] * count, list(range(count))], names=["group", "n"])
    places = draw(st.lists(st.integers(0, len(LABELS) - 1), min_size=count, max_size=count))
    return pd.Index([LABELS[p] for p in places], dtype=object, tupleize_cols=False)

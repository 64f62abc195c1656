from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.capture.mismatch import Mismatch
from nbregistry.capture.numbers import fit, missing_in, rows_of

DTYPES = [
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex128",
]


@given(
    st.sampled_from(DTYPES),
    st.sampled_from(DTYPES),
    st.lists(
        st.integers(-(2**63), 2**64 - 1) | st.sampled_from([0, 1, 127, 128, 2**24 + 1, 2**53 + 1, 2**63 - 1]),
        max_size=3,
    ),
    st.booleans(),
)
def test_an_integer_is_never_changed(source: str, target: str, values: list[int], typed: bool) -> None:
    """Whatever is accepted equals what came, unless a dtype without the precision was asked for by NumPy's own rule."""
    with np.errstate(all="ignore"):
        given_ = np.array(values, dtype=object).astype(float if source[0] in "fc" else object)
        try:
            came = given_.astype(source)
        except OverflowError:
            return
    try:
        found = fit(came, np.dtype(target), typed=typed)
    except Mismatch:
        return
    assert np.dtype(target) == found.dtype
    if source[0] in "iu" and not np.can_cast(source, target, "safe"):
        assert [int(v) for v in came] == [int(v.real) for v in found.tolist()]


@pytest.mark.parametrize(("source", "target"), list(itertools.product(DTYPES, DTYPES)))
def test_typed_numbers_are_only_widened(source: str, target: str) -> None:
    """A dtype is accepted for another where no value of it could change, and integers as floats that hold them."""
    widened = np.can_cast(source, target, "safe") or (source[0] in "iu" and target[0] in "fc")
    try:
        found = fit(np.ones(2, dtype=source), np.dtype(target))
    except Mismatch:
        assert not widened
    else:
        assert widened
        assert ([1, 1], target) == (found.real.tolist(), str(found.dtype))


@pytest.mark.parametrize(
    ("values", "target", "typed"),
    [
        ([True], "int64", True), ([1], "bool", True), ([1.5], "int64", False), ([float("nan")], "int64", False),
        ([300], "int8", False), ([-1], "uint8", False), ([2.0**63], "int64", False), ([2.0**64], "uint64", False),
        ([-(2.0**63) * 1.1], "int64", False), ([2**53 + 1], "float32", True), ([70_000], "float16", True),
        ([1e300], "float32", False), (["a"], "float64", True),
        ([1j], "float64", False), (np.array(["2020"], dtype="M8[Y]"), "int64", True),
    ],
)  # fmt: skip
def test_what_would_change_is_refused(values: Any, target: str, typed: bool) -> None:
    """Overflow, fractions, booleans, text and moments."""
    with pytest.raises(Mismatch):
        fit(np.asarray(values), np.dtype(target), typed=typed)


def test_missing_values_of_every_kind() -> None:
    """None and NaN among objects, NaN, NaT; none among integers and text."""
    assert [True, True, False] == missing_in(np.array([None, float("nan"), "a"], dtype=object)).tolist()
    assert [True, False] == missing_in(np.array([np.nan, 1])).tolist()
    assert [True] == missing_in(np.array(["NaT"], dtype="m8[s]")).tolist()
    for values in ([1], ["a"], [True]):
        assert [False] == missing_in(np.array(values)).tolist()


def test_missing_values_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pandas is not loaded None and NaN are told all the same."""
    monkeypatch.delitem(__import__("sys").modules, "pandas")
    assert [[True, True], [False, False]] == missing_in(
        np.array([[None, float("nan")], ["a", 1]], dtype=object)
    ).tolist()


def test_rows_are_told_shortly() -> None:
    """One, a few, and the first of many."""
    mask = np.zeros((9, 2), dtype=bool)
    mask[4] = True
    assert "row 4" == rows_of(mask)
    mask[:, 1] = True
    assert "rows 0, 1, 2 ..." == rows_of(mask)

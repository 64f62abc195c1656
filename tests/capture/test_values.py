from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import json
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.capture.values import Unstorable, decode, encode, encode_or_text, text_of
from nbregistry.domain.commits import canonical

VALUES = [
    None, True, 0, -5, 2**53, -(10**40), 1.5, -0.0, float("inf"), "", "a", "\x00", "\ud800", "\u00e9", b"", b"\xff",
    1 + 2j, complex("nan"), dt.date(1, 1, 1), dt.datetime(2020, 1, 1, 12, fold=1),
    dt.datetime(2020, 7, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"), fold=1), dt.time(1, 2, 3, 4),
    dt.time(1, tzinfo=dt.timezone(dt.timedelta(hours=-3))), dt.timedelta(days=-1, microseconds=5),
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=7), (), (1, ("a", None)), [1, [2.5]], {1, 2},
    frozenset({"a"}), {"a": 1, 2: [3], (1, 2): {"$int": "0x1"}}, np.float32(1.1), np.int64(7), np.bool_(True),
    np.str_("x"), np.bytes_(b"x"), np.datetime64("2020-01-01", "D"), np.timedelta64(5, "h"), np.complex64(1j),
    pd.Timestamp("2020-01-01"), pd.Timestamp("1677-09-21T00:12:43.145224193"),
    pd.Timestamp("2020-10-25 00:30", tz="UTC").tz_convert("Europe/Paris"), pd.Timedelta("1 day 3ns"),
    pd.Period("2020Q1", freq="Q-NOV"), pd.Interval(0, 1.5, "both"),
    pd.Interval(pd.Timestamp("2020"), pd.Timestamp("2021")),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda v: f"{type(v).__name__} {text_of(v, 30)!a}")
def test_a_value_comes_back(value: Any) -> None:
    """Equal, and of the same type, after JSON."""
    found = decode(json.loads(canonical(encode(value))))
    assert type(value) is type(found)
    assert repr(value) == repr(found)


@pytest.mark.parametrize("value", [float("nan"), np.float32("nan"), pd.NaT, pd.NA, decimal.Decimal("NaN")], ids=repr)
def test_a_missing_value_comes_back(value: Any) -> None:
    """What does not equal itself is still of its type."""
    found = decode(json.loads(canonical(encode(value))))
    assert (type(value), str(value)) == (type(found), str(found))


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
))  # fmt: skip
def test_any_nesting_comes_back(value: Any) -> None:
    """Lists, tuples and dictionaries of anything, also dictionaries that look like our own marks."""
    assert value == decode(json.loads(canonical(encode(value))))


def test_members_of_an_enum_are_what_they_equal() -> None:
    """A label of `StrEnum` or `IntEnum` is stored as the text or number it is."""
    colour = enum.StrEnum("colour", ["RED"])
    number = enum.IntEnum("number", ["ONE"])
    assert ["red", 1] == [encode(colour["RED"]), encode(number["ONE"])]


def test_what_has_no_form_is_refused() -> None:
    """An unknown type, a nameless time zone and a list inside itself."""
    endless: list[Any] = []
    endless.append(endless)

    class Zone(dt.tzinfo):
        def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
            return dt.timedelta(0)

        dst = utcoffset

        def tzname(self, _: dt.datetime | None) -> None:
            return None

    for value in (object(), len, endless, dt.datetime(2020, 1, 1, tzinfo=Zone()), np.zeros(2)):
        with pytest.raises(Unstorable):
            encode(value)
        form, whole = encode_or_text(value)
        assert whole is False
        assert ["$text"] == list(form)


@pytest.mark.parametrize(
    "found",
    [[1], {}, {"$int": "x"}, {"$int": 5}, {"$a": 1, "$b": 2}, {"$period": [1, "no such"]}, {"$tuple": 5}],
    ids=str,
)
def test_what_nobody_encoded_is_refused(found: Any) -> None:
    """Decoding constructs what it knows and nothing else."""
    with pytest.raises(ValueError, match=r".+"):
        decode(found)


def test_text_is_short_and_harmless() -> None:
    """No address, no lone surrogate, no more than was asked for, whatever `str` does."""

    class Rude:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert "<object object>" == text_of(object())
    assert "<Rude>" == text_of(Rude())
    assert 64 == len(text_of("x" * 10_000_000))
    assert "\\ud800" == text_of("\ud800")
    assert "<int>" == text_of(10**5_000)
    assert len(text_of(list(range(10**6)))) <= 64

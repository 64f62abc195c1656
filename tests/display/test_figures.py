"""Numbers, sizes and times as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from nbregistry.display.figures import ago, change, figure, figures, short, size, stamp, together
from nbregistry.display.marks import value_text

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ([0.93, 0.9312], ["0.9300", "0.9312"]),
        ([0.5, 1.0], ["0.5", "1.0"]),
        ([1.0, 2.0], ["1", "2"]),
        ([12345.678, None], ["12,346", ""]),
        ([-0.25], ["-0.25"]),
        ([0.99997, 0.5], ["0.99997", "0.50000"]),
        ([0.999971234], ["0.99997"]),
        ([1e-7, 3e12], ["1.000e-07", "3.000e+12"]),
        ([math.nan, math.inf, -math.inf], ["nan", "∞", "-∞"]),
        ([7043, 10**400], ["7,043", "100000000000000000000000… (+377 characters)"]),
        ([True, "n/a", [1]], ["True", "n/a", "[1]"]),
        ([10**10_000], ["a number too long to sho… (+1 characters)"]),
        ([], []),
    ],
)
def test_figures(column: list[object], shown: list[str]) -> None:
    """A column has four significant digits and one number of decimals; what is no number stays what it is."""
    assert shown == figures(column)


def test_figure_alone() -> None:
    """One number needs no company."""
    assert "0.9312" == figure(0.93123456)


@pytest.mark.parametrize(
    ("value", "before", "shown"),
    [
        (0.9312, 0.91, "+0.021"),
        (0.91, 0.9312, "-0.021"),
        (0.93121, 0.93120, "+1.0e-05"),
        (0.5, 0.5, "±0"),
        (7043.0, 5000, "+2,043"),
        (math.inf, 0.0, "+∞"),
        (math.nan, 0.5, ""),
        (math.inf, math.inf, ""),
        (0.5, None, ""),
        (True, 0.5, ""),
        (10**400, 0.5, ""),
        ("x", 0.5, ""),
    ],
)
def test_change(value: object, before: object, shown: str) -> None:
    """A difference has a sign and two digits that count; where there is none to state, nothing is said."""
    assert shown == change(value, before)


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (18_432, "18.4 kB"), (999_950, "1 MB"), (5 * 10**8, "500 MB"), (10**16, "1e+04 TB")],
)
def test_size(count: int, shown: str) -> None:
    """Bytes in decimal units, three digits."""
    assert shown == size(count)


@pytest.mark.parametrize(
    ("back", "shown"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=47), "1 d ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=30), "30 d ago"),
        (timedelta(days=31), "2026-10-21"),
        (timedelta(hours=-3), "2026-11-21 15:00"),
    ],
)
def test_ago(back: timedelta, shown: str) -> None:
    """The largest unit; beyond a month the date; in the future, by somebody's wrong clock, the moment."""
    assert shown == ago(NOW - back, NOW)


def test_stamp_is_in_utc() -> None:
    """A moment of another zone is shown in UTC."""
    assert "2026-11-21 12:00:00" == stamp(datetime.fromisoformat("2026-11-21T14:00:00+02:00"), seconds=True)


def test_short_keeps_the_kind() -> None:
    """A fingerprint stays recognisable."""
    assert "ed25519:ab12cd34ef56" == short("ed25519:ab12cd34ef56ab12")
    assert "ab12cd34ef56" == short("ab12cd34ef5600")


def test_together() -> None:
    """A few words, and a count of the others."""
    assert "a, b, c and 2 more" == together("abcde")
    assert "a, b" == together("ab")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "text"),
        (0.93123456, "0.9312"),
        (7043, "7,043"),
        (True, "true"),
        (None, "null"),
        ({"auc": 0.9, "n": 7043}, "auc=0.9, n=7,043"),
        (["a", 1, [2, {}]], "a, 1, [2, {}]"),
        ("ab12" * 16, "ab12ab12ab12"),
        ("x" * 100, "x" * 60 + "…"),
        ({"a\x1b": "\u202e"}, "a␛=⟨U+202E⟩"),
    ],
)
def test_values_of_changes_are_short_text(value: object, shown: str) -> None:
    """What stands before and after in an audit reads as a person would write it."""
    assert shown == value_text(value)


def test_a_value_that_contains_itself_does_not_hang() -> None:
    """Whatever cannot be written as JSON is told by its type."""
    circle: list[object] = []
    circle.append(circle)
    assert "list" == value_text(circle)

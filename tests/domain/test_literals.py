"""Numbers, sizes, times and releases as people write them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.domain.commits import timestamp
from nbregistry.domain.literals import Literal, amount, number, period, release

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def read(text: str, now: datetime = NOW) -> tuple[str, str]:
    start, end, _ = period(Literal(text, True, 0), now)
    return start, end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("-2", -2),
        ("+3", 3),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("-1E+2", -100.0),
        ("inf", float("inf")),
    ],
)
def test_numbers(text: str, expected: float) -> None:
    """Numbers are read as they are usually written; whole ones stay whole."""
    found = number(text)
    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize("text", ["", "abc", "1a", "1_000", "0x10", "1e", "--1", "1.2.3", "٣", "infinite"])
def test_what_is_no_number(text: str) -> None:
    """Nothing else is a number."""
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("10", 10), ("1kB", 1000), ("2 MB", 2_000_000), ("1KiB", 1024), ("1.5gb", 1.5e9)]
)
def test_sizes(text: str, expected: float) -> None:
    """Sizes take decimal and binary units."""
    assert expected == amount(text)


PERIODS = {
    "2026-11-20": ("2026-11-20T00:00:00.000000Z", "2026-11-21T00:00:00.000000Z"),
    "2026-11-20T09:30": ("2026-11-20T09:30:00.000000Z", "2026-11-20T09:31:00.000000Z"),
    "2026-11-20 09:30:15": ("2026-11-20T09:30:15.000000Z", "2026-11-20T09:30:16.000000Z"),
    "2026-11-20T09:30:15.25z": ("2026-11-20T09:30:15.250000Z", "2026-11-20T09:30:15.250001Z"),
    "2026-11-20T09:30+02:00": ("2026-11-20T07:30:00.000000Z", "2026-11-20T07:31:00.000000Z"),
    "0001-01-01": ("0001-01-01T00:00:00.000000Z", "0001-01-02T00:00:00.000000Z"),
    "9999-12-31": ("9999-12-31T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"),
    "today": ("2026-11-21T00:00:00.000000Z", "2026-11-22T00:00:00.000000Z"),
    "yesterday": ("2026-11-20T00:00:00.000000Z", "2026-11-21T00:00:00.000000Z"),
    "7d": ("2026-11-14T12:30:00.000000Z", "2026-11-14T12:30:00.000000Z"),
    "90M": ("2026-11-21T11:00:00.000000Z", "2026-11-21T11:00:00.000000Z"),
    "30s": ("2026-11-21T12:29:30.000000Z", "2026-11-21T12:29:30.000000Z"),
    "1000": ("1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:01.001000Z"),
    "-1": ("1969-12-31T23:59:59.999000Z", "1970-01-01T00:00:00.000000Z"),
}


@pytest.mark.parametrize("text", PERIODS)
def test_times(text: str) -> None:
    """A time written less precisely means the whole of its day, minute or second."""
    assert PERIODS[text] == read(text)


def test_days_and_times_without_a_zone_are_the_readers() -> None:
    """The zone of now is that of what names none, and not of what names one."""
    now = NOW.astimezone(timezone(timedelta(hours=-3)))
    assert ("2026-11-20T03:00:00.000000Z", "2026-11-21T03:00:00.000000Z") == read("2026-11-20", now)
    assert ("2026-11-21T03:00:00.000000Z", "2026-11-22T03:00:00.000000Z") == read("today", now)
    assert ("2026-11-20T12:30:00.000000Z", "2026-11-20T12:31:00.000000Z") == read("2026-11-20T09:30", now)
    assert ("2026-11-20T09:30:00.000000Z", "2026-11-20T09:31:00.000000Z") == read("2026-11-20T09:30Z", now)


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_stored_times_lie_in_what_they_are_written_as(moment: datetime) -> None:
    """A time as stored is inside of its own day, and inside of itself written out."""
    stored = timestamp(moment)
    for text in (stored, stored[:10], stored[:16]):
        start, end = read(text)
        assert start <= stored < end or end.startswith("9999-12-31T23:59:59.999999")


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """Whatever is written for a time, the answer is a period or a ValueError that quotes it."""
    try:
        start, end = read(text)
    except ValueError as error:
        assert repr(text.strip()[:40]) in str(error)
    else:
        assert start <= end


# As PEP 440 orders them: its own example, and some of what packages really have.
RELEASES = [
    "0.9", "1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2",
    "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0.post456.dev34", "1.0.post456",
    "1.1.dev1", "1.4.2", "1.10", "2024.3", "1!0.1",
]  # fmt: skip


def test_releases_are_ordered_as_pep_440_says() -> None:
    """Development, pre-, final and post-releases, by numbers and not by text; epochs before all."""
    for earlier, later in itertools.pairwise(RELEASES):
        before, after = release(earlier), release(later)
        assert before is not None
        assert after is not None
        assert before < after, (earlier, later)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.4", "1.4.0"),
        ("v1.0", "1"),
        ("1.0alpha1", "1.0a1"),
        ("1.0-1", "1.0.post1"),
        ("1.0RC", "1.0rc0"),
        ("2.5+cu121", "2.5"),
    ],
)
def test_same_releases(one: str, other: str) -> None:
    """Ways of writing the same release are equal; a local part, such as the CUDA build, does not count."""
    assert release(one) == release(other)


@pytest.mark.parametrize("text", ["", "abc", "1.4.*", "1..2", "1.0foo", "unknown", "1" * 200])
def test_what_is_no_release(text: str) -> None:
    """Nothing else is a release."""
    assert release(text) is None

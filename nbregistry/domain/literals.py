"""What is written in a filter to compare with: numbers, amounts, times and releases, read from text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias

_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)\Z", re.IGNORECASE | re.ASCII)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b\Z", re.IGNORECASE | re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?([.,]\d{1,9})?)?\s?(Z|[+-]\d\d:?\d\d)?\Z", re.IGNORECASE | re.ASCII
)
_AGO = re.compile(r"(\d{1,7})([smhdw])\Z", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPANS = {"day": timedelta(days=1), "minute": timedelta(minutes=1), "second": timedelta(seconds=1)}
_RELEASE = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre_number>\d*))?"
    r"(?:-(?P<bare_post>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?\Z",
    re.IGNORECASE | re.ASCII,
)
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_FINAL = 3


@dataclass(frozen=True, slots=True)
class Literal:
    """One value as written.

    Attributes
    ----------
    quoted : bool
        Whether it stood in quotes; a bare word may be a number, ``true`` or ``false``.
    column : int
        Where it begins in the filter.
    """

    text: str
    quoted: bool
    column: int


def number(text: str) -> int | float | None:
    """Read a number, ``nan`` and ``inf`` included; None when the text is not one."""
    text = text.strip()
    if not _NUMBER.match(text):
        return None
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def amount(text: str) -> int | float | None:
    """Read a size in bytes: ``1000``, ``10 MB``, ``4KiB``."""
    found = _AMOUNT.match(text.strip())
    if found is None:
        return number(text)
    power = " kmgt".index(found[2].lower() or " ")
    return float(found[1]) * float((1024 if found[3] else 1000) ** power)


class Period(NamedTuple):
    """From one moment to just before another, as stored times; ``point`` when it is a moment and not a stretch."""

    start: str
    end: str
    point: bool = False


def period(literal: Literal, now: datetime) -> Period:
    """Read a time; what is written less precisely means the whole of that day, minute or second.

    A date, a date and time, milliseconds since 1970, ``7d`` (also s, m, h, w: that long ago), ``today``,
    ``yesterday`` or ``now``. Days and times without a zone are those of the zone of ``now``.
    """
    text = literal.text.strip()
    try:
        found = _period(text, now)
    except (OverflowError, OSError):
        raise ValueError(f"{text[:40]!r} is further away than a calendar reaches") from None
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is no date or time: {error}") from None
    if found is None:
        raise ValueError(
            f"{text[:40]!r} is no date or time: write '2026-11-20', '2026-11-20T09:30', 'today', '7d' (that long ago)"
            " or milliseconds since 1970"
        )
    return found


def _period(text: str, now: datetime) -> Period | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    folded = text.casefold()
    if folded == "now":
        return _stretch(now)
    if folded in {"today", "yesterday"}:
        return _day(midnight - timedelta(days=folded == "yesterday"))
    if ago := _AGO.match(folded):
        return _stretch(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
    if found := _TIME.match(text):
        return _written(found, now)
    milliseconds = number(text)
    if milliseconds is None:
        return None
    if not abs(milliseconds) <= 1e15:  # this way round it holds for nan too
        raise OverflowError
    epoch = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return _stretch(epoch, timedelta(milliseconds=1))


def _written(found: re.Match[str], now: datetime) -> Period:
    date, clock, seconds, fraction, zone = found.groups()
    if clock is None and (zone or fraction):
        raise ValueError("a time zone needs a time of day")
    # fromisoformat reads what is left: it knows how long each month is.
    read = datetime.fromisoformat(
        f"{date}T{clock or '00:00'}{seconds or ''}{(fraction or '')[:7]}{(zone or '').upper()}"
    )
    moment = read if read.tzinfo else read.replace(tzinfo=now.tzinfo)
    if clock is None:
        return _day(moment)
    if fraction:
        return _stretch(moment, timedelta(microseconds=1))
    return _stretch(moment, _SPANS["second" if seconds else "minute"])


def _day(midnight: datetime) -> Period:
    # The next midnight of the same wall clock: where clocks change, a day is not 24 hours.
    return Period(_stamp(midnight), _after(midnight, _SPANS["day"]))


def _stretch(moment: datetime, span: timedelta | None = None) -> Period:
    start = _stamp(moment)
    return Period(start, start, point=True) if span is None else Period(start, _after(moment.astimezone(UTC), span))


def _after(moment: datetime, span: timedelta) -> str:
    try:
        return _stamp(moment + span)
    except OverflowError:  # '9999-12-31' is how some write "for ever"
        return _stamp(datetime.max.replace(tzinfo=UTC))


def _stamp(moment: datetime) -> str:
    # Not strftime, which writes the years before 1000 with fewer digits: text order would not be time order.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


ReleaseKey: TypeAlias = "tuple[int, tuple[int, ...], tuple[int, int], int, tuple[int, int]]"


def release(text: str) -> ReleaseKey | None:
    """Return what orders releases as PEP 440 does, the local part (``+cu121``) left out; None when it is not one."""
    found = _RELEASE.match(text.strip()) if len(text) <= 128 else None
    if found is None:
        return None
    numbers = [int(n) for n in found["release"].split(".")]
    while numbers and numbers[-1] == 0:  # 1.4 and 1.4.0 are the same release
        numbers.pop()
    post = found["bare_post"] or (found["post_number"] or "0" if found["post"] else None)
    dev = (0, int(found["dev_number"] or 0)) if found["dev"] else (1, 0)
    if found["pre"]:
        phase = (_PHASES[found["pre"].lower()], int(found["pre_number"] or 0))
    else:
        phase = (-1, 0) if found["dev"] and post is None else (_FINAL, 0)
    return int(found["epoch"] or 0), tuple(numbers), phase, -1 if post is None else int(post), dev

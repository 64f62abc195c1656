"""Numbers, sizes and times as people read them; the exact value is always one hover away."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from nbregistry.display.visible import inline

_DIGITS = 4  # significant digits: tells 0.9312 from 0.9318, and nobody reads the fifth in a table
_MOST_DECIMALS = 6


def figure(value: object) -> str:
    """Format one number; anything else as text."""
    return figures([value])[0]


def figures(values: Sequence[object]) -> list[str]:
    """Format a column of numbers with as many decimals for all as its values need, so that the points align."""
    decimals = max((_decimals(v) for v in values if isinstance(v, float) and _fixed(v)), default=0)
    return [_one(v, decimals) for v in values]


def change(value: object, before: object) -> str:
    """Format the signed difference of two numbers, with two digits that count; empty when there is none to state."""
    if not (is_number(value) and is_number(before)):
        return ""
    try:
        difference = float(value) - float(before)  # type: ignore[arg-type]  # both were found to be numbers
    except OverflowError:
        return ""
    if math.isnan(difference):
        return ""
    if difference == 0:
        return "±0"
    return f"{'+' if difference > 0 else '-'}{_short(abs(difference))}"


def size(count: int) -> str:
    """Format bytes in decimal units."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{count} B" if unit == "B" else f"{amount:.3g} {unit}"


def stamp(moment: datetime, *, seconds: bool = False) -> str:
    """Format a moment in UTC, without saying so: whoever shows it does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def ago(moment: datetime, now: datetime) -> str:
    """Format how long ago, in the largest unit; beyond a month the date says more."""
    seconds = (now - moment).total_seconds()
    if seconds < -60:
        return stamp(moment)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return stamp(moment)[:10] if unit == "d" and count > 30 else f"{count} {unit} ago"
    return "just now"


def short(digest: str, length: int = 12) -> str:
    """Shorten a digest or a fingerprint (``ed25519:ab12...``), keeping what kind it is."""
    kind, colon, rest = digest.rpartition(":")
    return f"{kind}{colon}{rest[:length]}"


def together(words: Iterable[str], most: int = 3) -> str:
    """Join words, counting those beyond ``most``."""
    found = list(words)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def is_number(value: object) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fixed(value: float) -> bool:
    """Whether a number reads well without an exponent."""
    return math.isfinite(value) and (value == 0 or 1e-4 <= abs(value) < 1e9)


def _decimals(value: float) -> int:
    """Decimals that show ``_DIGITS`` significant digits, less trailing zeros."""
    if value == 0:
        return 0
    wanted = min(max(_DIGITS - 1 - math.floor(math.log10(abs(value))), 0), _MOST_DECIMALS)
    if not value.is_integer():
        # An accuracy of 0.99997 is not 1: show the digit that says so.
        while wanted < _MOST_DECIMALS and float(f"{value:.{wanted}f}").is_integer() and abs(value) < 1000:
            wanted += 1
    return len(f"{value:.{wanted}f}".partition(".")[2].rstrip("0"))


def _one(value: object, decimals: int) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            return {"inf": "∞", "-inf": "-∞"}.get(repr(value), "nan")
        return f"{value:,.{decimals}f}" if _fixed(value) else f"{value:.{_DIGITS - 1}e}"
    if is_number(value) and isinstance(value, int) and abs(value) < 10**15:
        return f"{value:,}"
    return "" if value is None else inline(value, 24)


def _short(amount: float) -> str:
    if not _fixed(amount):
        return "∞" if math.isinf(amount) else f"{amount:.1e}"
    decimals = max(2 - 1 - math.floor(math.log10(amount)), 0)
    return f"{amount:,.{decimals}f}" if decimals <= _MOST_DECIMALS else f"{amount:.1e}"

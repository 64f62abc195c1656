"""Text as it may be shown: what a terminal or a reader's eye would not see becomes visible, and widths are counted.

Names, notes and tags come from anybody. A control character can rewrite a terminal, a bidirectional override can make
``gpj.exe`` read as ``exe.jpg``, and a zero-width space can make two names look the same. None of them gets through:
controls become their Unicode pictures (``␛``), other invisible characters their code point (``⟨U+202E⟩``).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LIMIT = 200
"""Characters of one field that are shown where space is shared."""

MOST = 1_000
"""Characters of one field that are shown anywhere; long text is for prose."""

# Letters and marks that draw nothing, which neither isprintable() nor the category Cf gives away.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_JOINERS = frozenset("\u200c\u200d")
_PROSE_MARKS = frozenset("\u200e\u200f\u061c\u00ad")
_OURS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 :+.,_/-]{0,199}\Z")
_MOST_MARKS = 4  # Vietnamese and pointed Hebrew need three on one letter; towers of dozens cover the lines around


def inline(text: object, limit: int = LIMIT) -> str:
    """Return one line of at most ``limit`` characters (and a count of what was left out), with everything visible."""
    whole = text if isinstance(text, str) else _text_of(text)
    cut = whole[:limit]
    shown = cut if cut.isprintable() and cut.isascii() else _visible(cut, keep=frozenset())
    return shown if len(whole) <= limit else f"{shown}… (+{len(whole) - limit:,} characters)"


def ours(text: str) -> bool:
    """Whether text is of a form that we make ourselves (digests, exact numbers), so that an attribute may hold it."""
    return _OURS.match(text) is not None


def first_line(text: str, limit: int = 80) -> str:
    """Return the first line that says something, for a table's cell."""
    for line in text[: 4 * limit].splitlines():
        if line.strip():
            rest = "…" if len(line.strip()) > limit or text.strip() != line.strip() else ""
            return inline(line.strip()[:limit]) + rest
    return ""


def prose(text: str) -> str:
    """Return text of many lines; joiners and direction marks stay, as honest Persian and Hebrew need them."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _visible(plain, keep=_JOINERS | _PROSE_MARKS | {"\n", "\t"})


def width(text: str) -> int:
    """Count the columns that a terminal gives to visible text: two for East Asian wide characters, none for marks."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def clip(text: str, room: int) -> str:
    """Return text of at most ``room`` columns, ending in an ellipsis where something was cut."""
    if width(text) <= room:
        return text
    taken, used = [], 0
    for char in text:
        used += _columns(char)
        if used > room - 1:
            break
        taken.append(char)
    return "".join(taken) + "…" if room > 0 else ""


def pad(text: str, room: int, *, right: bool = False) -> str:
    """Return text filled with spaces to ``room`` columns; numbers go to the right."""
    gap = " " * max(0, room - width(text))
    return gap + text if right else text + gap


@lru_cache(maxsize=4096)
def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me") or char in _JOINERS or char in _PROSE_MARKS:
        return 0
    if "\u1160" <= char <= "\u11ff":  # vowels and finals that join the wide syllable before them
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _text_of(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # an int of more than 4,300 digits refuses to become text
        return "a number too long to show"


def _visible(text: str, *, keep: frozenset[str]) -> str:
    shown: list[str] = []
    marks = 0
    for place, char in enumerate(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category == "Mn" else 0
        if char in keep or (char in _JOINERS and _joins(text, place)):
            shown.append(char)
        elif category == "Cc":
            shown.append(_picture(char))
        elif category in ("Cf", "Cs", "Co", "Zl", "Zp") or char in _BLANK or _smuggles(char) or marks > _MOST_MARKS:
            shown.append(f"⟨U+{ord(char):04X}⟩")
        elif category == "Zs":
            shown.append(" ")
        else:
            shown.append(char)
    return "".join(shown)


def _picture(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _smuggles(char: str) -> bool:
    """Variation selectors carry hidden bytes; the two that choose text or emoji style are harmless and common."""
    return "\ufe00" <= char <= "\ufe0d" or "\U000e0100" <= char <= "\U000e01ef"


def _joins(text: str, place: int) -> bool:
    """Whether a joiner does its work: between the parts of an emoji, or between letters of a script that joins them."""
    if not 0 < place < len(text) - 1:
        return False
    sides = text[place - 1], text[place + 1]
    return all(_joinable(c) for c in sides)


def _joinable(char: str) -> bool:
    if char == "\ufe0f" or unicodedata.category(char) in ("So", "Sk"):
        return True
    return unicodedata.bidirectional(char) == "AL" or "\u0900" <= char <= "\u0dff"

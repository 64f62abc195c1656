"""Making visible, and counting columns."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.display.visible import clip, first_line, inline, pad, prose, width

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("churn", "churn"),
        ("a\x1b[2J", "a␛[2J"),
        ("a\r\n200 OK", "a␍␊200 OK"),
        ("a\x00b\x7f", "a␀b␡"),
        ("a\x9b", "a⟨U+009B⟩"),
        ("\u202egpj.exe", "⟨U+202E⟩gpj.exe"),
        ("ad\u200bmin", "ad⟨U+200B⟩min"),
        ("ad\u200dmin", "ad⟨U+200D⟩min"),
        ("\ud800", "⟨U+D800⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\u3164\u2800", "⟨U+3164⟩⟨U+2800⟩"),
        ("a\u00a0b\u3000c", "a b c"),
        ("\ufe01", "⟨U+FE01⟩"),
        ("José 東京 e\u0301", "José 東京 e\u0301"),
        ("👩\u200d💻 ❤\ufe0f", "👩\u200d💻 ❤\ufe0f"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        (12, "12"),
    ],
)
def test_inline(typed: object, shown: str) -> None:
    """Controls become pictures, the invisible its code point; honest text of any script stays as it is."""
    assert shown == inline(typed)


def test_inline_is_cut_and_counted() -> None:
    """Long text is cut, and how much is missing is said."""
    assert "x" * 200 + "… (+99,800 characters)" == inline("x" * 100_000)


def test_numbers_too_long_for_text_do_not_raise() -> None:
    """An int of 10,000 digits, which Python refuses to print, is told of."""
    assert "a number too long to show" == inline(10**10_000)


def test_towers_of_marks_are_cut_down() -> None:
    """A letter keeps a few combining marks; the rest, which would cover the lines around, is spelled out."""
    assert "a" + "\u0336" * 4 + "⟨U+0336⟩" * 2 == inline("a" + "\u0336" * 6)


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_invisible_passes(text: str) -> None:
    """Whatever is typed, one line comes out, without controls or format characters but joiners that join."""
    shown = inline(text)
    assert set() == {unicodedata.category(c) for c in shown if c not in "\u200c\u200d"} & FORBIDDEN
    assert len(shown.splitlines()) <= 1


@given(st.text(st.characters(exclude_categories=())))
def test_prose_keeps_lines_and_nothing_else(text: str) -> None:
    """Text of many lines keeps its lines, tabs, joiners and direction marks."""
    kept = "\n\t\u200c\u200d\u200e\u200f\u061c\u00ad"
    assert set() == {unicodedata.category(c) for c in prose(text) if c not in kept} & FORBIDDEN


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("churn", 5),
        ("東京", 4),
        ("e\u0301", 1),
        ("ｱ", 1),
        ("한국", 4),
        ("👍", 2),
        ("—→▲", 3),
        ("\u0645\u06cc\u200c\u062e", 3),
        ("", 0),
    ],
)
def test_width(text: str, columns: int) -> None:
    """Columns as terminals count them."""
    assert columns == width(text)


def test_width_agrees_with_wcwidth() -> None:
    """Letters, digits, signs and ideographs are as wide as the library says that terminals follow."""
    wcwidth = pytest.importorskip("wcwidth")
    letters = [
        chr(c) for c in range(0x20, 0xD7A4) if unicodedata.category(chr(c)) in ("Lu", "Ll", "Lo", "Nd", "Po", "Sm")
    ]
    differing = [c for c in letters if width(inline(c)) != wcwidth.wcwidth(c) and inline(c) == c]
    assert len(differing) <= len(letters) // 500, differing[:20]


@given(st.text(), st.integers(1, 30))
def test_clip_and_pad_fill_exactly(text: str, room: int) -> None:
    """Cut and filled, any text takes exactly the columns given."""
    assert room == width(pad(clip(inline(text), room), room))
    assert room == width(pad(clip(inline(text), room), room, right=True))


def test_first_line() -> None:
    """The first line that says something, with a sign that there is more."""
    assert "first…" == first_line("\n  \n first \nsecond")
    assert "only" == first_line("only\n")
    assert "" == first_line(" \n")
    assert "x" * 80 + "…" == first_line("x" * 10**6)

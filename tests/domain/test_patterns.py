"""LIKE and RLIKE: what Python's own expressions say, in time that no pattern and no text can stretch."""

from __future__ import annotations

import gc
import random
import re
import time
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbregistry.domain.patterns import MAX_SUBJECT, _State, like, rlike


def as_regex(pattern: str) -> re.Pattern[str]:
    """Translate LIKE the plain way, as a second opinion."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return re.compile(
        "".join({"%": ".*", "_": "."}.get(p, re.escape(p[-1])) for p in parts) + r"\Z",
        re.DOTALL,
    )


LIKE_CASES = [
    ("", "", True),
    ("", "a", False),
    ("%", "", True),
    ("%%", "any\nthing", True),
    ("a%a", "a", False),
    ("a%a", "aa", True),
    ("%ab%ba%", "aba", False),
    ("%ab%ba%", "abba", True),
    ("_", "\n", True),
    ("a_c%e", "abcde", True),
    ("%a_", "xaab", True),
    (r"100\%", "100%", True),
    (r"100\%", "1000", False),
    (r"a\_b", "axb", False),
    ("a\\", "a\\", True),
    ("x.y", "xzy", False),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), LIKE_CASES)
def test_like(pattern: str, text: str, expected: bool) -> None:
    """Percent is any text, underscore one character, a backslash takes both at their word."""
    assert expected is like(pattern)(text)


@given(st.text("ab%_\\\n", max_size=8), st.text("ab%_\\\n", max_size=8))
def test_like_agrees_with_a_plain_translation(pattern: str, text: str) -> None:
    """Every way in which LIKE is compiled means the same."""
    assert (as_regex(pattern).match(text) is not None) is like(pattern)(text)


def test_ilike_folds_case() -> None:
    """ILIKE takes no notice of case, beyond ASCII too."""
    assert like("STRASSE%", fold=True)("straße 1")
    assert not like("STRASSE%")("strasse 1")


PIECES = st.sampled_from([
    "a", "b", "c", "A", ".", "[ab]", "[^a]", "[a-c1]", "[\\d-]", "[]a]", "\\w", "\\W", "\\d", "\\s", "\\b", "\\B",
    "\\A", "\\Z", "^", "$", "(", "(?:", "(?P<n>", ")", "|", "*", "+", "?", "*?", "{2}", "{1,2}", "{,2}", "{2,}", "{",
    "}", "-", " ", "\\.", "\\x61", "\\n",
])  # fmt: skip


def python_reads(pattern: str) -> re.Pattern[str] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(pattern)
        except re.error:
            return None


@given(
    st.sampled_from(["", "(?i)", "(?s)", "(?is)"]),
    st.lists(PIECES, min_size=1, max_size=8).map("".join),
    st.lists(st.text("abcA1 -.{", min_size=1, max_size=9), min_size=8, max_size=8),
)
@example("(?i)", "[^a]", ["A"])
@example("", r"\bab\b", ["ab", "cab", "ab c"])
def test_rlike_agrees_with_python(flags: str, pattern: str, texts: list[str]) -> None:
    """What RLIKE accepts means what it means in Python's ``re``, and it accepts nothing that ``re`` does not."""
    try:
        mine = rlike(flags + pattern)
    except ValueError:
        return
    theirs = python_reads(flags + pattern)
    assert theirs is not None
    assert [theirs.search(text) is not None for text in texts] == [mine(text) for text in texts]


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*$", ".*a.*b.*c", "(a|b|ab)*c", "(.*)(.*)(.*)(.*)x", "(x?){60}y", "^(([a-z])+.)+[A-Z]([a-z])+$"],
)
def test_no_pattern_takes_its_time(pattern: str) -> None:
    """Patterns that keep a backtracking matcher busy for years are answered at once."""
    matches = rlike(pattern)
    started = time.perf_counter()
    for text in ("a" * 9_999 + "!", "ab" * 5_000, "x" * 10_000):
        matches(text)
    assert time.perf_counter() - started < 5


def test_memory_of_a_pattern_is_bounded() -> None:
    """A pattern with more states than are remembered forgets, and still answers rightly."""
    matches = rlike("(a|b)*a(a|b){13}c")
    text = "".join(random.Random(0).choices("ab", k=9_000))
    assert not matches(text)
    gc.collect()
    assert sum(isinstance(one, _State) for one in gc.get_objects()) < 2_500
    assert matches(text + "a" + "b" * 13 + "c")


def test_long_texts_are_read_to_their_limit() -> None:
    """A text is searched up to the limit, and not after it."""
    assert rlike("b")("a" * (MAX_SUBJECT - 1) + "b")
    assert not rlike("b")("a" * MAX_SUBJECT + "b")


REFUSED = {
    "(": "never closes",
    "[a": "never closes",
    "[]": "never closes",
    ")": "never opened",
    "*a": "nothing before it to repeat",
    "a**": "two quantifiers",
    "a*+": "possessive",
    "^*": "repeats a place",
    "a{3,2}": "smaller number comes first",
    "[b-a]": "range",
    "[a-\\d]": "range",
    "a\\": "ends in a backslash",
    "(a)\\1": "no back-references",
    "\\q": "no such escape",
    "(?=a)": "no look-around",
    "(?<!a)b": "no look-around",
    "(?x)a": "no look-around",
    "a{1000}": "too large",
    "((a{50}){50}){50}": "too large",
    "(" * 40 + ")" * 40: "nested more than",
    "a" * 1001: "1000",
}


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda p: p[:20])
def test_refused_patterns_say_why(pattern: str) -> None:
    """What is broken, too large or cannot be matched in linear time is refused in words."""
    with pytest.raises(ValueError, match=re.escape(REFUSED[pattern])):
        rlike(pattern)


def test_repeating_nothing_takes_no_time() -> None:
    """An empty group repeated a thousand million times compiles at once."""
    started = time.perf_counter()
    assert rlike("(((){999999999}){999999999}){999999999}x")("x")
    assert time.perf_counter() - started < 1

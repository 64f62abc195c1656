"""Lines as people type them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.errors import InvalidInput
from nbregistry.verbs.words import from_shell, silenced, split

LINES = {
    "churn clf": ["churn", "clf"],
    "  churn \t clf \n": ["churn", "clf"],
    'churn --note "first try"': ["churn", "--note", "first try"],
    "churn --note 'first try'": ["churn", "--note", "first try"],
    "--note it's fine": ["--note", "it's", "fine"],
    "--note 'won't do'": ["--note", "won't do"],
    '--note "won\'t do"': ["--note", "won't do"],
    '--note "say \\"hi\\" twice"': ["--note", 'say "hi" twice'],
    "--note 'tis": ["--note", "'tis"],
    "dogs' and cats": ["dogs'", "and", "cats"],
    '--note="two words" x': ["--note=two words", "x"],
    "k='two words' x": ["k=two words", "x"],
    "\u201ctwo words\u201d x": ["two words", "x"],
    "it\u2019s fine": ["it\u2019s", "fine"],
    'models["rf"] X[:5]': ['models["rf"]', "X[:5]"],
    'df.drop(columns="y")': ['df.drop(columns="y")'],
    "C:\\models\\new": ["C:\\models\\new"],
    '"C:\\new models\\"': ["C:\\new models\\"],
    '5" wide': ['5"', "wide"],
    '""': [""],
    "": [],
}


@pytest.mark.parametrize("line", LINES)
def test_split(line: str) -> None:
    """Quotation marks count where a quotation can begin and end; elsewhere they are letters."""
    assert LINES[line] == [w.text for w in split(line)]


def test_unclosed_quotation_is_pointed_at() -> None:
    """A double quotation mark that is never closed is an error with its column, not a guess."""
    with pytest.raises(InvalidInput, match="column 14 is never closed"):
        split('churn --note "first try')


@given(st.text(max_size=60))
def test_split_never_fails_otherwise(line: str) -> None:
    """Any line is split, in order and inside its bounds, or refused in words."""
    try:
        words = split(line)
    except InvalidInput:
        assert any(mark in line for mark in '"\u201c')
        return
    assert [w.raw for w in words] == [line[w.start : w.end] for w in words]
    assert all(a.end <= b.start for a, b in pairwise(words))
    assert "".join(line.split()) == "".join("".join(w.raw.split()) for w in words)


@given(st.lists(st.text(alphabet="abc '-=", min_size=1, max_size=8).filter(lambda t: "\\" not in t), max_size=5))
def test_quoted_words_come_back(texts: list[str]) -> None:
    """Whatever holds no double quotation mark comes back from between two of them, marked as quoted."""
    words = split(" ".join(f'"{t}"' for t in texts))
    assert texts == [w.text for w in words]
    assert all(w.quoted and not w.option for w in words)


def test_shell_words_keep_their_options() -> None:
    """A shell has unquoted already: a word with a space is a text, unless it is an option with its value."""
    note, text, plain = from_shell(["--note=two words", "-- see the chart", "--dry-run"])
    assert (True, False, True) == (note.option, text.option, plain.option)
    assert note.value_quoted


@pytest.mark.parametrize(
    ("line", "expected"), [("churn;", ("churn", True)), ("churn ; ", ("churn ", True)), ("a;b", ("a;b", False))]
)
def test_trailing_semicolon_silences(line: str, expected: tuple[str, bool]) -> None:
    """Only a semicolon at the very end asks for silence."""
    assert expected == silenced(line)

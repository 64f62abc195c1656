"""The line that says what was picked in a panel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.magics.filling import filled
from nbregistry.verbs import table
from nbregistry.verbs.grammar import Place, Values
from nbregistry.verbs.lines import Wanted, line, written
from nbregistry.verbs.parsing import parse
from nbregistry.verbs.words import silenced, split


def read(text: str) -> Values:
    """Return what a line is read as, filled in as the magic does with a namespace that has every name."""
    rest, quiet = silenced(text.removeprefix("%register "))
    assert not quiet
    return parse(table.find("register", Place.LINE), filled(split(rest), {"auc": 0.5, "x": "X"}), Place.LINE)


def test_a_whole_line() -> None:
    """Everything that was picked stands in the line, as one would have typed it."""
    wanted = Wanted(
        "churn", 'models["rf"]', ("X", "y[:5]"), ("auc", "f1=0.8"), "it's fine", ("team=risk", 'why="two words"'),
        "Staging", "best", "skops",
    )  # fmt: skip
    told, left = line(wanted)
    assert (
        'churn models["rf"] --data X y[:5] --metric auc f1=0.8 --tag team=risk why="two words" --stage Staging '
        '--alias best --format skops --note "it\'s fine"'
    ) == told.removeprefix("%register ")
    assert () == left
    assert ("%register churn clf", ()) == line(Wanted("churn", "clf"))


@pytest.mark.parametrize(
    "note",
    [
        "plain",
        "{auc} of $x",
        'with "marks" inside',
        "ends with;",
        "--note",
        "-h",
        "a\\b",
        "it's $5",
        "x=1",
        "é 東京",
        "{",
        "'",
    ],
)
def test_a_note_comes_out_as_it_is(note: str) -> None:
    """Braces, dollars, quotation marks, options and semicolons in a note are its text."""
    told, left = line(Wanted("churn", "clf", note=note))
    assert () == left
    assert note == read(told)["note"]


@given(st.text(alphabet=st.sampled_from("ab \"'{}$\\;=-\u2014\u201c\u201d\u2018\u2019.\n"), max_size=14))
def test_any_note_is_kept_or_left_out_aloud(note: str) -> None:
    """Whatever a note holds, the line gives it back, or says that it does not hold it."""
    told, left = line(Wanted("churn", "clf", note=note))
    expected = " ".join(note.split()) or None
    assert (None if left else expected) == read(told)["note"]
    assert left in ((), ("the note",))


def test_what_cannot_be_written() -> None:
    """A word that no quotation marks keep whole is not written at all."""
    assert written("a\" b' c \" d' e $x") is None
    assert ("the note",) == line(Wanted("churn", "clf", note="a\" b' c \" d' e $x"))[1]

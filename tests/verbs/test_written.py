"""A line that says what was done reads back as what was done, or is not offered."""

from __future__ import annotations

import ast

import pytest

from nbregistry.verbs.words import split
from nbregistry.verbs.written import call, magic
from tests.display.corpus import EVERYTHING


def test_lines_look_as_typed() -> None:
    """Words stand bare, sentences in quotation marks, what is None is left out."""
    expected = '%promote churn/3 Production --expect churn/1 --because "AUC +2 pt"'
    assert expected == magic("promote", "churn/3", "Production", expect="churn/1", because="AUC +2 pt")
    assert "%rollback churn Production --because slow" == magic("rollback", "churn", "Production", because="slow")
    assert "registry.promote('churn/3', 'Production', because='why')" == call(
        "promote", "churn/3", "Production", because="why", expect=None
    )


@pytest.mark.parametrize("text", ["it's fine", 'he said "no" twice', "--because", 'ends in "', "a \\ b", "-1", ""])
def test_quotations_are_kept(text: str) -> None:
    """Marks, dashes and backslashes survive the way into the line and out of it."""
    line = magic("promote", "churn/3", "Production", because=text)
    if line is None:
        pytest.fail("it can be said in one line")
    words = split(line)
    assert text == words[-1].text
    assert not words[-1].option or text != "--because"


@pytest.mark.parametrize("text", ["two\nlines", "{secret}", "$HOME", "a\r\nb"])
def test_what_would_become_something_else_is_not_offered(text: str) -> None:
    """What IPython would fill in, and what does not fit in a line, is said in Python alone."""
    assert magic("promote", "churn/3", "Production", because=text) is None


def test_hostile_text_stays_text() -> None:
    """Whatever a reason holds, the Python line is one call with that reason, and the magic reads back."""
    for text in EVERYTHING:
        tree = ast.parse(call("promote", "churn/3", "Production", because=text), mode="eval").body
        assert isinstance(tree, ast.Call)
        assert text == ast.literal_eval(tree.keywords[0].value)
        line = magic("promote", "churn/3", "Production", because=text)
        assert line is None or text == split(line)[-1].text

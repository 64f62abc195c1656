"""A line that says what was done reads back as what was done, or is not offered."""

from __future__ import annotations

import ast

import pytest

from nbregistry.magics.filling import filled
from nbregistry.verbs import table
from nbregistry.verbs.grammar import Place, Values
from nbregistry.verbs.parsing import parse
from nbregistry.verbs.words import silenced, split
from nbregistry.verbs.written import call, magic
from tests.display.corpus import EVERYTHING


def read(line: str) -> Values:
    """Return what a line is read as, filled in as the magic does."""
    rest, quiet = silenced(line.removeprefix("%promote "))
    assert not quiet
    return parse(table.find("promote", Place.LINE), filled(split(rest), {"secret": 7}), Place.LINE)


def test_lines_look_as_typed() -> None:
    """Words stand bare, sentences in quotation marks, what is None is left out."""
    expected = '%promote churn/3 Production --expect churn/1 --because "AUC +2 pt"'
    assert expected == magic("promote", "churn/3", "Production", expect="churn/1", because="AUC +2 pt")
    assert "%rollback churn Production --because slow" == magic("rollback", "churn", "Production", because="slow")
    assert "registry.promote('churn/3', 'Production', because='why')" == call(
        "promote", "churn/3", "Production", because="why", expect=None
    )


@pytest.mark.parametrize(
    "text",
    ["it's fine", 'he said "no" twice', "--because", 'ends in "', "a \\ b", "-1", "{secret}", "it costs $secret", "a;",
     "-h"],
)  # fmt: skip
def test_a_reason_comes_out_as_it_went_in(text: str) -> None:
    """Marks, dashes, braces and backslashes survive the way into the line and out of it."""
    line = magic("promote", "churn/3", "Production", expect="none", because=text)
    assert line is not None
    values = read(line)
    assert ("churn/3", "Production", "none", text) == (
        values["ref"], values["stage"], values["expect"], values["because"]
    )  # fmt: skip


@pytest.mark.parametrize("text", ["two\nlines", "a\r\nb", "ends\n"])
def test_what_takes_more_than_a_line_is_not_offered(text: str) -> None:
    """It is said in Python alone."""
    assert magic("promote", "churn/3", "Production", because=text) is None


def test_hostile_text_stays_text() -> None:
    """Whatever a reason holds, the Python line is one call with that reason, and the magic reads back."""
    for text in EVERYTHING:
        tree = ast.parse(call("promote", "churn/3", "Production", because=text), mode="eval").body
        assert isinstance(tree, ast.Call)
        assert text == ast.literal_eval(tree.keywords[0].value)
        line = magic("promote", "churn/3", "Production", because=text)
        assert line is None or text == read(line)["because"]

"""Help, written from the table."""

from __future__ import annotations

import pytest

from nbregistry.verbs import table
from nbregistry.verbs.grammar import Place
from nbregistry.verbs.help import of_place, of_verb
from nbregistry.verbs.parsing import parse, usage
from nbregistry.verbs.words import from_shell, split


@pytest.mark.parametrize("place", Place, ids=lambda place: place.name)
def test_help_names_every_argument(place: Place) -> None:
    """Usage, summary and each argument with its meaning, in lines that fit a terminal."""
    for verb in table.at(place).values():
        told = of_verb(verb, place)
        flat = " ".join(told.split())
        assert told.startswith(verb.said(place))
        assert verb.summary in flat
        assert all(argument.help in flat for argument in verb.at(place)), verb.word
        assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize("place", Place, ids=lambda place: place.name)
def test_examples_can_be_typed(place: Place) -> None:
    """Each example is in the help, and parses where the help shows it."""
    for verb in table.at(place).values():
        if verb.example:
            assert f"  {verb.said(place)} {verb.example}" in of_verb(verb, place)
            words = split(verb.example)
            parse(verb, from_shell(w.text for w in words) if place is Place.SHELL else words, place)


def test_what_a_place_lacks_is_not_told() -> None:
    """--data is not in a shell's help, --out not in a notebook's."""
    compare, load = table.at(Place.SHELL)["compare"], table.at(Place.SHELL)["load"]
    assert "--data" not in of_verb(compare, Place.SHELL)
    assert "--data" in of_verb(compare, Place.LINE)
    assert "--out" not in of_verb(load, Place.LINE)
    annotate = table.at(Place.SHELL)["annotate"]
    assert "cell" not in of_verb(annotate, Place.SHELL)
    assert "the cell is the text" in of_verb(annotate, Place.LINE)
    assert "%load_model REF" in usage(load, Place.LINE)


def test_overview_has_a_line_for_each() -> None:
    """The overview says each verb as it is written there."""
    lines = of_place(table.at(Place.WORD), Place.WORD)
    assert [f"  %nbregistry {word} " in line for word, line in zip(table.at(Place.WORD), lines, strict=True)] == [
        True
    ] * len(lines)

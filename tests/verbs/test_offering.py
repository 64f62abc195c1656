"""What TAB offers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.errors import InvalidInput
from nbregistry.verbs import table
from nbregistry.verbs.grammar import Place
from nbregistry.verbs.offering import LIMIT, Glimpse, Nothing, Question, Standing, offers
from nbregistry.verbs.words import split
from tests.verbs.test_namespace import Ridge, Scaler


class Catalogue:
    """Models of a registry that is not there."""

    def __init__(self, models: dict[str, Standing]) -> None:
        self.models = models

    def names(self) -> Sequence[str]:
        return list(self.models)

    def standing(self, name: str) -> Standing:
        return self.models.get(name, Standing())

    def glimpses(self, versions: Iterable[tuple[str, int]]) -> list[Glimpse]:
        return [Glimpse() for _ in versions]


CATALOGUE = Catalogue({
    "churn": Standing(12, {"champion": 9, "challenger": 12}, {"Production": 9}, ("team",)),
    "churn-eu": Standing(1),
    "fraud": Standing(2),
})  # fmt: skip
NAMESPACE = {
    "clf": Ridge().fit(), "fresh": Ridge(), "scaler": Scaler().fit(), "X": [[1.0]], "auc": 0.9, "scores": {"f1": 0.5},
    "name": "text", "_hidden": Ridge(), "flag": True,
}  # fmt: skip


def offered(line: str, place: Place = Place.LINE) -> list[str]:
    """Return what is offered behind a line that begins with a verb."""
    word, _, rest = line.partition(" ")
    words = split(rest)
    fragment = words.pop().raw if words and not rest[-1].isspace() else ""
    return offers(Question(table.at(place)[word], place, words, fragment), CATALOGUE, NAMESPACE)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("versions ", ["churn", "churn-eu", "fraud"]),
        ("versions CH", ["churn", "churn-eu"]),
        ("versions churn/", []),
        ("promote churn-", ["churn-eu"]),
        ("promote churn@", ["churn@champion", "churn@challenger"]),
        ("promote churn@cham", ["churn@champion"]),
        ("promote churn/Prod", ["churn/Production"]),
        ("promote churn/1", ["churn/12", "churn/11", "churn/10", "churn/1"]),
        ("promote fraud", ["fraud", "fraud/2", "fraud/1"]),
        ("promote models:/fra", ["models:/fraud"]),
        ("promote models:/fraud/", ["models:/fraud/2", "models:/fraud/1"]),
        ("promote churn/3 ", ["Production", "Staging", "Archived", "None"]),
        ("promote churn/3 pro", ["Production"]),
        ("promote churn/3 production ", ["--because", "--expect", "--dry-run", "--panel"]),
        ("promote churn/3 production --dry-run ", ["--because", "--expect", "--panel"]),
        ("promote churn/3 production --e", ["--expect"]),
        ("promote churn/3 production --expect frau", ["fraud"]),
        ("promote churn/3 production --expect=frau", ["--expect=fraud"]),
        ("promote churn/3 production --because ", []),
        ("annotate churn/3 text --kind ", ["note", "warning", "decision", "incident"]),
        ("annotate churn/3 --kind=d", ["--kind=decision"]),
        ("register churn ", ["clf", "scaler", "fresh"]),
        ("register churn clf --data ", ["X"]),
        ("register churn clf --metric ", ["auc", "scores"]),
        ("register churn clf --metric f1=a", ["f1=auc"]),
        ("register churn clf --stage s", ["Staging"]),
        ("register churn clf --format sk", ["skops"]),
        ("search met", ["metrics."]),
        ("tag churn/3 --remove ", ["team"]),
        ("nbrversions", []),
    ],
)  # fmt: skip
def test_offers(line: str, expected: list[str]) -> None:
    """Names, references, stages, aliases, options, choices and variables, each where it fits."""
    if line == "nbrversions":
        assert expected == offers(Question(table.at(Place.LINE)["models"], Place.LINE, split("x y"), ""), CATALOGUE, {})
        return
    found = offered(line)
    assert expected == found[: len(expected)] if line.startswith("register churn ") else expected == found


def test_aliases_of_the_model_named_before() -> None:
    """The verb unalias offers the aliases that the model has."""
    assert ["champion", "challenger"] == offered("unalias churn ", Place.WORD)
    assert [] == offered("unalias fraud ", Place.WORD)


def test_options_come_after_what_is_needed() -> None:
    """As long as something is needed, TAB offers only that; a dash brings the options."""
    assert ["churn", "churn-eu", "fraud"] == offered("register ")
    assert ["--data", "--metric"] == offered("register churn --")[:2]
    assert "--help" in offered("register churn --h")


def test_a_line_that_is_wrong_offers_nothing() -> None:
    """Behind a word that fits nowhere there is nothing to offer."""
    assert [] == offered("models x y ")


def test_no_registry_offers_no_names() -> None:
    """Without a registry there are still stages and options."""
    question = Question(table.at(Place.LINE)["promote"], Place.LINE, split("churn/3"), "")
    assert [] == offers(Question(question.verb, Place.LINE, [], ""), Nothing(), {})
    assert "Production" in offers(question, Nothing(), {})


def test_big_registries_answer_in_time() -> None:
    """2,000 models and a namespace of 2,000 variables: under 20 ms, and no more than a front end shows."""
    many = Catalogue({f"model-{i}": Standing(100_000) for i in range(2_000)})
    names: dict[str, Any] = {f"v{i}": Ridge().fit() for i in range(2_000)}
    verb = table.at(Place.LINE)["register"]
    questions = [Question(verb, Place.LINE, [], ""), Question(verb, Place.LINE, split("churn"), "v")]
    questions.append(Question(table.at(Place.LINE)["show"], Place.LINE, [], "model-7/"))
    best = []
    for question in questions:
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            found = offers(question, many, names)
            seconds.append(time.perf_counter() - start)
            assert 0 < len(found) <= LIMIT
        best.append(min(seconds))
    assert max(best) < 0.02, best


@given(st.sampled_from(sorted(table.at(Place.LINE))), st.text(max_size=40))
def test_offers_never_fails(word: str, rest: str) -> None:
    """Whatever stands on the line, TAB has an answer."""
    try:
        found = offered(f"{word} {rest}")
    except InvalidInput as fault:  # from the splitting, which the caller guards
        assert "never closed" in str(fault)
        return
    assert all(isinstance(text, str) for text in found)

"""What stands beside the words that TAB offers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from nbregistry.domain.commits import Actor, Commit
from nbregistry.storage.tiny import View
from nbregistry.verbs import table
from nbregistry.verbs.beside import beside
from nbregistry.verbs.catalogue import Known
from nbregistry.verbs.grammar import Offer, Place
from nbregistry.verbs.offering import Catalogue, Nothing, Question, kinds
from nbregistry.verbs.words import split
from tests.verbs.test_namespace import Ridge, Scaler


class Unfitted(Ridge):
    def __sklearn_is_fitted__(self) -> bool:
        return False


NAMESPACE = {
    "clf": Ridge().fit(), "fresh": Unfitted(), "scaler": Scaler().fit(),
    "X": [[1.0]], "auc": 0.93125, "scores": {"f1": 1.0},
}  # fmt: skip
BLANK: dict[str, Any] = {"stage": "None", "aliases": [], "status": "READY", "tags": {"team": "risk"}, "metrics": {}}


def version(name: str, number: int, **told: Any) -> dict[str, Any]:
    return {**BLANK, "name": name, "number": number, **told}


def known(*versions: dict[str, Any]) -> Known:
    """Return the catalogue of a registry with these versions."""
    view = View()
    names = list(dict.fromkeys(v["name"] for v in versions))
    put: dict[str, dict[int, Any]] = {
        "models": {place: {"name": name} for place, name in enumerate(names, 1)},
        "versions": dict(enumerate(versions, 1)),
    }
    view.apply(Commit("register", "churn/1", Actor("ana"), "2026-11-01T12:00:00.000000Z", put=put, seq=0))
    return Known(view)


CATALOGUE = known(
    version("churn", 1, stage="Archived", metrics={"auc": 0.9, "f1": 0.5}),
    version("churn", 2, metrics={"f1": 0.61}),
    version("churn", 3, stage="Production", aliases=["champion"], metrics={"auc": 0.9312, "f1": 0.6}),
    version("churn", 4, stage="Staging", metrics={"f1": 0.7, "auc": "nan"}),
    version("churn", 5, status="FAILED"),
    version("churn", 6, deleted_at="2026-11-02T12:00:00.000000Z", metrics={"auc": 0.5}),
    version("fraud", 1, metrics={"rows": 1_200_000}),
    version("plain", 1),
)


def told(line: str, catalogue: Catalogue = CATALOGUE, place: Place = Place.LINE) -> dict[str, str]:
    """Return each word offered behind a line that begins with a verb, and what stands beside it."""
    verb, _, rest = line.partition(" ")
    words = split(rest)
    fragment = words.pop().raw if words and not rest[-1].isspace() else ""
    question = Question(table.at(place)[verb], place, words, fragment)
    return beside(kinds(question, catalogue, NAMESPACE), question, catalogue, NAMESPACE)


def test_versions_tell_their_stage_and_metric() -> None:
    """The versions of a model show one metric with the same decimals; what cannot be used says why."""
    expected = {
        "churn/Production": "version 3 · auc 0.9312",
        "churn/Staging": "version 4 · auc nan",
        "churn/6": "in the trash · auc 0.5000",
        "churn/5": "failed",
        "churn/4": "Staging · auc nan",
        "churn/3": "Production · auc 0.9312",
        "churn/2": "no stage · f1 0.61",
        "churn/1": "Archived · auc 0.9000",
    }
    assert expected == told("show churn/")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("show churn@", {"churn@champion": "version 3 · Production · auc 0.9312"}),
        ("show models:/churn@", {"models:/churn@champion": "version 3 · Production · auc 0.9312"}),
        ("promote churn/1 Staging --expect=churn@", {"--expect=churn@champion": "version 3 · Production · auc 0.9312"}),
        (
            "versions ",
            {
                "churn": "Production 3 · auc 0.9312 · 4 versions",
                "fraud": "latest 1 · rows 1,200,000 · 1 version",
                "plain": "latest 1 · 1 version",
            },
        ),
        ("show plain/", {"plain/1": "no stage"}),
        (
            "promote churn/1 ",
            {
                "Production": "held by version 3",
                "Staging": "held by version 4",
                "Archived": "stage",
                "None": "stage",
            },
        ),
        ("promote churn/1 staging --dr", {"--dry-run": "option"}),
        ("tag churn/1 --remove te", {"team": "tag"}),
        ("search met", {"metrics.": "field"}),
        ("annotate churn --kind d", {"decision": "choice"}),
        ("register churn --metric s", {"scores": "dict"}),
        ("register churn --metric auc=a", {"auc=auc": "0.9313"}),
        ("register churn clf --data X", {"X": "list"}),
        ("register churn f", {"fresh": "Unfitted · not fitted"}),
        ("register churn cl", {"clf": "Ridge"}),
    ],
)
def test_beside(line: str, expected: Mapping[str, str]) -> None:
    """Aliases, names, stages, options, choices and variables each tell what one would look up before choosing."""
    assert expected == told(line)


def test_aliases_tell_where_they_point() -> None:
    """Beside an alias stands the version that carries it."""
    assert {"champion": "version 3"} == told("unalias churn ch", place=Place.WORD)


def test_what_is_not_known_has_words_beside_it_too() -> None:
    """Without a registry stages and options are told, and nothing fails."""
    assert {"Production": "stage"} == told("promote churn/1 Prod", Nothing())


def test_nothing_hidden_gets_beside_a_word() -> None:
    """A metric's name is cut, and what it hides becomes visible."""
    hostile = known(version("churn", 1, metrics={"\x1b[2J\u202e<img src=x>" + "x" * 500: 0.5}))
    (text,) = told("show churn/", hostile).values()
    assert "no stage · ␛[2J⟨U+202E⟩<img src=x>xxxxxxxx… 0.5" == text


def test_a_class_that_lies_of_itself_is_taken_by_its_type() -> None:
    """Code of the user's classes is not run for a word beside a name."""

    class Trap(list[float]):
        @property  # type: ignore[misc]  # what a liar does
        def __class__(self) -> Any:
            raise RuntimeError("looked at")

    question = Question(table.at(Place.LINE)["register"], Place.LINE, split("churn clf --data"), "t")
    assert {"trap": "Trap"} == beside({"trap": Offer.DATA}, question, CATALOGUE, {"trap": Trap()})


def test_big_registries_answer_in_time() -> None:
    """1,000 models of 100 versions each: names and versions are told within 20 ms."""
    metrics = {"auc": 0.93, "f1": 0.5}
    many = known(*(version(f"m-{m}", n, metrics=metrics) for m in range(1_000) for n in range(1, 101)))
    best = []
    for line in ("show m-", "show m-7/", "show m-999"):
        seconds = []
        for _ in range(10):
            start = time.perf_counter()
            assert all("auc 0.93" in text for text in told(line, many).values())
            seconds.append(time.perf_counter() - start)
        best.append(min(seconds))
    assert max(best) < 0.02, best

"""What the view finds without looking at documents; the order inside a commit never matters."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.storage.index import Index, Lookup, entry


def version(number: int, **fields: Any) -> dict[str, Any]:
    return {"name": "m", "number": number, "stage": "None", "aliases": [], "status": "READY", **fields}


def put(index: Index, table: str, docs: dict[int, dict[str, Any]]) -> Index:
    for id_, doc in docs.items():
        index.put(table, id_, entry(table, doc))
    return index


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_handing_over_in_any_order(order: tuple[int, ...]) -> None:
    """A stage and an alias change hands in one commit; whichever document comes first, the new holder has them."""
    index = put(
        Index(), "versions", {1: version(1, stage="Production", aliases=["best"]), 2: version(2), 3: version(3)}
    )
    after = {1: version(1, stage="Archived"), 2: version(2, stage="Production", aliases=["best"]), 3: version(3)}
    put(index, "versions", {id_: after[id_] for id_ in order})
    assert {("m", "Production"): 2} == index.holder
    assert ({"best": 2}, {2}, {2}) == (index.alias["m"], index.aliased["best"], index.stage["Production"])
    assert {1} == index.stage["Archived"]


@pytest.mark.parametrize("order", [[1, 9], [9, 1]])
def test_renaming_in_any_order(order: list[int]) -> None:
    """A model moves on and another document takes its old name in the same commit; both are found."""
    index = put(Index(), "models", {1: {"name": "churn"}})
    after = {1: {"name": "attrition"}, 9: {"name": "churn"}}
    put(index, "models", {id_: after[id_] for id_ in order})
    assert {"attrition": 1, "churn": 9} == index.model


def test_conditions() -> None:
    """Trashed and purged versions hold nothing and are not ready; their numbers stay taken."""
    index = put(Index(), "versions", {n: version(n, stage="Staging", aliases=[f"a{n}"]) for n in (1, 2, 3, 4)})
    put(index, "versions", {
        2: version(2, stage="Staging", aliases=["a2"], deleted_at="t"), 3: version(3, purged_at="t"),
        4: version(4, status="FAILED"),
    })  # fmt: skip
    assert ([1], {1: 1, 2: 2, 3: 3, 4: 4}) == (index.ready["m"], index.numbers["m"])
    assert {"a1": 1} == index.alias["m"]
    assert {1} == index.stage["Staging"]


def test_asking_keeps_nothing() -> None:
    """Asking for what is not there answers with something empty, and the index stays as small as it was."""
    index = put(Index(), "versions", {1: version(1)})
    before = {name: dict(found) if isinstance(found, dict) else found for name, found in vars(index).items()}
    assert ({}, [], set(), [], {}) == (
        index.numbers["x"], index.ready["x"], index.stage["x"], index.thread["x", 1], index.alias["x"],
    )  # fmt: skip
    assert before == vars(index)
    assert [] == Lookup[str, list[int]](list)["x"]


STEP = st.tuples(
    st.integers(1, 6),
    st.sampled_from(["None", "Staging", "Production", "Archived"]),
    st.sets(st.sampled_from(["a", "b"]), max_size=2),
    st.sampled_from([{}, {"deleted_at": "t"}, {"purged_at": "t"}, {"status": "FAILED"}]),
)


@given(st.lists(STEP, max_size=30))
def test_changing_is_like_beginning_anew(steps: list[tuple[int, str, set[str], dict[str, str]]]) -> None:
    """After any changes that keep stages and aliases single, the index is what the last documents alone give."""
    docs: dict[int, dict[str, Any]] = {}
    index = Index()
    for number, stage, aliases, more in steps:
        changed = {number: version(number, stage=stage, aliases=sorted(aliases), **more)}
        for other, doc in docs.items():
            free = "Archived" if doc["stage"] == stage in ("Staging", "Production") else doc["stage"]
            kept = [a for a in doc["aliases"] if a not in aliases]
            if other != number and (free, kept) != (doc["stage"], doc["aliases"]):
                changed[other] = {**doc, "stage": free, "aliases": kept}
        docs |= changed
        put(index, "versions", changed)
    assert put(Index(), "versions", docs).state() == index.state()

"""Orders: total, missing last, and cursors that survive what happens between two pages."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.domain.order import Order, parse_order
from nbregistry.errors import InvalidFilter, InvalidInput


def version(name: str, number: int, **others: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"metrics": {}, "tags": {}, "params": {}, "aliases": [], "stage": "None"}
    return {"ref": f"{name}/{number}", "name": name, "number": number, **empty, **others}


DOCS = [
    version("b", 2, metrics={"auc": 0.9}, tags={"k": 10}, stage="Production", created_at="2026-11-02"),
    version("a", 10, metrics={"auc": "nan"}, tags={"k": "x"}, aliases=["z", "m"], created_at="2026-11-01"),
    version("a", 9, metrics={"auc": 0.9}, tags={"k": True}, aliases=["a"], created_at="2026-11-03"),
    version("c", 1, tags={"k": 9.5}, description="text", created_at="2026-11-04"),
    version("b", 1, metrics={"auc": "inf"}, tags={"k": None}, created_at="2026-11-05"),
]
PACKAGES = {"b/2": "1.10", "a/10": "1.9", "a/9": "1.9rc1", "c/1": "weird"}


def details(doc: Any, file: str) -> dict[str, Any]:
    assert "environment" == file
    return {"packages": {"torch": PACKAGES[doc["ref"]]}} if doc["ref"] in PACKAGES else {}


CASES = {
    "": ["a/9", "a/10", "b/1", "b/2", "c/1"],
    "metrics.auc": ["a/9", "b/2", "b/1", "a/10", "c/1"],
    "metrics.auc DESC": ["b/1", "a/9", "b/2", "a/10", "c/1"],
    "metric.auc desc, number": ["b/1", "b/2", "a/9", "a/10", "c/1"],
    "name DESC": ["c/1", "b/1", "b/2", "a/9", "a/10"],
    "name ASC, version DESC": ["a/10", "a/9", "b/2", "b/1", "c/1"],
    "creation_timestamp DESC": ["b/1", "c/1", "a/9", "b/2", "a/10"],
    "tags.k": ["c/1", "b/2", "a/9", "a/10", "b/1"],
    "tags.`k` DESC": ["a/10", "a/9", "b/2", "c/1", "b/1"],
    "description": ["c/1", "a/9", "a/10", "b/1", "b/2"],
    "stage DESC": ["b/2", "a/9", "a/10", "b/1", "c/1"],
    "alias": ["a/9", "a/10", "b/1", "b/2", "c/1"],
    "packages.torch": ["a/9", "a/10", "b/2", "c/1", "b/1"],
    "packages.torch DESC": ["c/1", "b/2", "a/10", "a/9", "b/1"],
}


@pytest.mark.parametrize("text", CASES)
def test_order(text: str) -> None:
    """Every kind of field orders in both directions, what is missing last, ties by name and number."""
    order = parse_order(text, details=details)
    assert CASES[text] == [doc["ref"] for doc in sorted(DOCS, key=order.key)]


def test_order_in_parts() -> None:
    """A list of parts, as MLflow has it, is the same as one text."""
    one, parts = parse_order("metrics.auc DESC, name"), parse_order(["metrics.auc DESC", "name ASC", ""])
    assert one == parts
    assert "metrics.auc DESC, name ASC" == parts.text


ERRORS = {
    "naem": (0, "did you mean 'name'?"),
    "name DSC": (5, "ASC, DESC, ',' or the end is expected, not 'DSC'"),
    "name,": (5, "A field is expected"),
    "name, , number": (6, "A field is expected"),
    "name; number": (0, "No field 'name;'"),
    "text": (0, "no order"),
    "'name'": (0, "The field comes first"),
    "name, metrics": (6, "needs a key"),
    ", ".join(["name"] * 17): (0, "at most 16 fields"),
}


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: text[:20])
def test_order_error_points_at_the_column(text: str) -> None:
    """An order that cannot be read says what is wrong and where."""
    column, hint = ERRORS[text]
    with pytest.raises(InvalidFilter) as caught:
        parse_order(text)
    assert column == caught.value.column
    assert hint in str(caught.value)


@pytest.mark.parametrize("value", [None, 3, [None], ["name", 3]])
def test_only_text_is_an_order(value: Any) -> None:
    """What is not text is refused."""
    with pytest.raises(InvalidFilter, match="An order is text"):
        parse_order(value)


def walk(order: Order, docs: list[dict[str, Any]], limit: int) -> list[str]:
    seen, token = [], None
    while True:
        page, token = order.page(docs, limit=limit, after=token)
        seen += [doc["ref"] for doc in page]
        if token is None:
            return seen


@pytest.mark.parametrize("text", CASES)
@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_are_the_whole_in_order(text: str, limit: int) -> None:
    """Page after page gives each document once, in order; the last page has no cursor."""
    assert CASES[text] == walk(parse_order(text, details=details), DOCS, limit)


def test_cursor_survives_inserts_and_deletes() -> None:
    """What others insert or delete between two pages makes nothing appear twice or be left out."""
    order = parse_order("metrics.auc DESC")
    docs = [version("m", n, metrics={"auc": n / 100}) for n in range(1, 31)]
    page, token = order.page(docs, limit=10)
    assert [f"m/{n}" for n in range(30, 20, -1)] == [doc["ref"] for doc in page]
    changed = [doc for doc in docs if doc["number"] not in {21, 25, 15}]
    changed += [version("m", 31, metrics={"auc": 0.99}), version("m", 32, metrics={"auc": 0.205})]
    changed += [version("m", 33), version("m", 34, metrics={"auc": 0.21})]
    random.Random(0).shuffle(changed)
    following, token = order.page(changed, limit=100, after=token)
    assert token is None
    rest = ["m/34", "m/32", *[f"m/{n}" for n in range(20, 0, -1) if n != 15], "m/33"]
    assert rest == [doc["ref"] for doc in following]


def test_cursor_serves_its_own_search_only() -> None:
    """A cursor of another filter or order is refused; blanks around a filter do not count."""
    token = parse_order("name", filter_text="stage = prod").cursor(DOCS[0])
    assert callable(parse_order(" name  asc ", filter_text=" stage = prod ").after(token))
    for other in (
        parse_order("name DESC", filter_text="stage = prod"),
        parse_order("name"),
        parse_order("name, number"),
    ):
        with pytest.raises(InvalidInput, match="belongs to another search"):
            other.after(token)


def test_cursor_is_short_and_fit_for_a_url() -> None:
    """A long or odd text in the key makes no long or odd token, and the place is still found."""
    order = parse_order("description DESC, tags.k")
    doc = version("m", 1, description="\ud800\x00é" * 10_000, tags={"k": 10**300})
    token = order.cursor(doc)
    assert len(token) < 5_000
    assert token.isascii()
    assert not set(token) & set("+/=&?#% ")
    assert not order.after(token)(doc)
    assert order.after(token)({**doc, "number": 2})


def forged(order: Order, *values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([order.digest, *values]).encode()).decode()


def test_hostile_cursors_are_refused() -> None:
    """No token makes anything but InvalidInput: wrong alphabet, shape, types, sizes, nesting."""
    order = parse_order("metrics.auc DESC")
    good = order.cursor(DOCS[0])
    tokens = [
        "", "x", "!!!!", "é", good[:-3], good + "AAAA", "A" * 100_000, "\ud800",
        base64.urlsafe_b64encode(b"[" * 30_000).decode(),
        base64.urlsafe_b64encode(b"1" * 10_000).decode(), base64.urlsafe_b64encode(b'{"a":1}').decode(),
        forged(order), forged(order, 0.5), forged(order, 0.5, "a"), forged(order, 0.5, "a", 1, 1),
        forged(order, "abc", "a", 1), forged(order, [1], "a", 1), forged(order, {}, "a", 1),
        forged(order, 0.5, 1, 1), forged(order, 0.5, "a", "1"), forged(order, 0.5, "a", True),
        forged(order, 0.5, "a", None),
    ]  # fmt: skip
    for token in tokens:
        with pytest.raises(InvalidInput):
            order.after(token)
    careless: Any
    for careless in (None, 3, b"x"):
        with pytest.raises(InvalidInput):
            order.after(careless)
    for value in (float("nan"), float("inf"), "nan", "1e999", 10**400, True, None):
        after = order.after(forged(order, value, "a", 1))
        assert {True, False} >= {after(doc) for doc in DOCS}


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_refused(token: str) -> None:
    """Whatever is sent as a cursor, the answer is a test or InvalidInput."""
    with pytest.raises(InvalidInput):
        parse_order("name").after(token)


def test_page_wants_a_limit() -> None:
    """A page of nothing would never end."""
    with pytest.raises(InvalidInput):
        parse_order("name").page(DOCS, limit=0)


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.text("aB1", max_size=2))
METRICS = st.one_of(st.floats(-2, 2), st.integers(-2, 2), st.sampled_from(["nan", "inf", "-inf"]))


@given(
    st.lists(st.tuples(VALUES, METRICS), max_size=12),
    st.sampled_from(["tags.k", "tags.k DESC, metrics.m", "metrics.m DESC, tags.k DESC", "name, metrics.m"]),
    st.integers(1, 5),
)
def test_any_values_are_totally_ordered(values: list[tuple[Any, Any]], text: str, limit: int) -> None:
    """Whatever tags and metrics hold, the order is total and pages by cursor give exactly the sorted whole."""
    docs = [version("ab"[n % 2], n, tags={"k": k}, metrics={"m": m}) for n, (k, m) in enumerate(values)]
    order = parse_order(text)
    expected = [doc["ref"] for doc in sorted(docs, key=order.key)]
    assert expected == walk(order, docs[::-1], limit)

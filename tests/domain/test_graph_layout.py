"""Where ids lie: by weight, independent of each other, and moved only where they must."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbregistry.domain import graph as g
from nbregistry.domain.graph_layout import UNITS, Layout, Line, laid, relaid, shares, spot

IDS = [f"user-{i}" for i in range(1_000_000)]


def counts(layout: Layout, salt: str, ids: list[str]) -> dict[str, int]:
    line = Line(layout, salt)
    found: dict[str, int] = {}
    for id_ in ids:
        arm = line.arm(id_)
        found[arm] = found.get(arm, 0) + 1
    return found


def moved(before: Layout, after: Layout) -> int:
    """Return how many units changed hands."""
    edges, at = {0}, 0
    for layout in (before, after):
        at = 0
        for piece in layout:
            at += piece.units
            edges.add(at)
    marks = sorted(edges)

    def owner(layout: Layout, unit: int) -> str:
        end = 0
        for piece in layout:
            end += piece.units
            if unit < end:
                return piece.arm
        raise AssertionError(unit)

    return sum(b - a for a, b in itertools.pairwise(marks) if owner(before, a) != owner(after, a))


@pytest.mark.parametrize("weights", [{"a": 0.99, "b": 0.01}, {"a": 0.5, "b": 0.3, "c": 0.2}], ids=str)
def test_a_million_ids_follow_the_weights(weights: dict[str, float]) -> None:
    """The counts of a million ids are what chance gives for these weights (chi squared, p > 0.001)."""
    found = counts(laid(weights), "churn-ab", IDS)
    expected = [weight * len(IDS) for weight in weights.values()]
    assert stats.chisquare([found[a] for a in weights], expected).pvalue > 0.001


def test_none_and_all_are_exact() -> None:
    """Of a million ids weight 0 gets none and weight 1 gets all."""
    assert {"b": len(IDS)} == counts(laid({"a": 0.0, "b": 1.0}), "x", IDS)
    assert {"a": len(IDS)} == counts(laid({"a": 1.0, "b": 0.0}), "x", IDS)


def test_two_splits_are_independent() -> None:
    """Where an id lies in one split says nothing of where it lies in another."""
    first, second = Line(laid({"a": 0.5, "b": 0.5}), "one"), Line(laid({"a": 0.5, "b": 0.5}), "two")
    table = np.zeros((2, 2))
    for id_ in IDS[:100_000]:
        table["ab".index(first.arm(id_)), "ab".index(second.arm(id_))] += 1
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_only_ids_that_must_move_do() -> None:
    """When c takes from a, every id of b stays, a loses ids to c only, and as many as the weights say."""
    before = laid({"a": 0.5, "b": 0.3, "c": 0.2})
    after = relaid(before, {"a": 0.4, "b": 0.3, "c": 0.3})
    old, new = Line(before, "s"), Line(after, "s")
    changes = {(old.arm(i), new.arm(i)) for i in IDS[:200_000]}
    assert {("a", "a"), ("b", "b"), ("c", "c"), ("a", "c")} == changes
    assert UNITS // 10 == moved(before, after)


weights_of = st.lists(st.integers(0, 20), min_size=2, max_size=6).filter(any)


@given(st.lists(weights_of, min_size=2, max_size=6))
def test_any_series_of_changes_moves_the_least(series: list[list[int]]) -> None:
    """Through any series of weights, arms added and removed, what moves is what shrinking arms give up, no more."""
    layout: Layout = ()
    before: dict[str, int] = {}
    for raw in series:
        weights = {f"arm{i}": w / sum(raw) for i, w in enumerate(raw)}
        made = relaid(layout, weights) if layout else laid(weights)
        now = shares(weights)
        assert UNITS == sum(piece.units for piece in made)
        assert {a: u for a, u in now.items() if u} == {
            a: sum(p.units for p in made if p.arm == a) for a in {p.arm for p in made}
        }
        if layout:
            least = sum(max(0, units - now.get(arm, 0)) for arm, units in before.items())
            assert least == moved(layout, made)
        layout, before = made, now


def test_line_and_spot_agree() -> None:
    """The line that is asked for each request places ids where the definition says."""
    layout = laid({"a": 0.3, "b": 0.7})
    line = Line(layout, "salt")
    for _ in range(1000):
        id_ = str(random.random())
        assert ("a" if spot("salt", id_) < layout[0].units else "b") == line.arm(id_)


def test_a_graph_follows_the_one_before() -> None:
    """Registered anew with other weights, a graph keeps ids where they are; another salt lays them anew."""
    before = g.Graph(g.split({"a": ("x/1", 0.5), "b": ("x/2", 0.3), "c": ("x/3", 0.2)}), "ab")
    after = g.Graph(g.split({"a": ("x/1", 0.4), "b": ("x/2", 0.3), "c": ("x/3", 0.3)}), "ab")
    root = after.following(before).root
    assert isinstance(root, g.Split)
    assert UNITS // 10 == moved(laid({"a": 0.5, "b": 0.3, "c": 0.2}), root.layout)
    other = g.Graph(g.split({"a": ("x/1", 0.4), "b": ("x/2", 0.3), "c": ("x/3", 0.3)}, salt="new"), "ab")
    assert other == other.following(before)
    assert before == before.following(before)

"""%register of a graph that was written in a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbregistry.domain.graph import Graph
from nbregistry.registry import Registry

Run = Callable[[str], Any]


def test_a_graph_is_registered_by_the_verb_that_registers_models(run: Run) -> None:
    """Named explicitly, a graph becomes a version of pinned parts; the cell that wrote it is its source."""
    run("%%register churn clf\nclf = Ridge(1.0).fit([1.0])")
    run("from nbregistry import graph as g\nab = g.split({'a': ('churn', 0.9), 'b': ('churn/1', 0.1)})")
    version = run("%register churn-ab ab --note 'spring test'")
    assert ("churn-ab/1", "graph") == (version.ref, version.flavor)
    found = Registry().load("churn-ab")
    assert isinstance(found, Graph)
    assert ("churn/1",) == found.refs()
    assert any("g.split" in cell["code"] for cell in version.details("source")["cells"])


def test_a_graph_beside_a_model_does_not_make_register_ask(run: Run) -> None:
    """A graph among the variables is no fitted model: `%register churn` still finds the one that is."""
    run("from nbregistry import graph as g\nclf = Ridge(1.0).fit([1.0])\nab = g.split({'a': 'churn', 'b': 'churn'})")
    assert "churn/1" == run("%register churn").ref


def test_a_missing_part_is_told_in_the_cell(run: Run, refusal: Callable[[str], str]) -> None:
    """The message names the part that is not there."""
    run("from nbregistry import graph as g\nab = g.split({'a': 'churn/1', 'b': 'churn/2'})")
    assert "The graph names churn/1, which is not there" in refusal("%register churn-ab ab")


def test_a_model_in_a_graph_is_told_to_be_registered(run: Run) -> None:
    """Whoever puts the model itself into a graph reads what to do."""
    with pytest.raises(Exception, match=r"register it, as in r\.register"):
        run("from nbregistry import graph as g\ng.split({'a': Ridge(1.0), 'b': 'churn/2'})")

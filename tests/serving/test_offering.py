"""Graphs that are served from a notebook: handed over, changed while they answer, remembered over restarts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nbregistry import Registry, errors
from nbregistry.domain import graph as g
from nbregistry.serving.offering import read_graph, write_graph
from nbregistry.serving.process import Server, running
from tests.serving.conftest import ROWS
from tests.serving.waiting import until


def add_one(outputs):
    return outputs + 1


def test_graph_with_functions_survives_its_file(tmp_path: Path) -> None:
    """A graph with a function of the notebook is read back as it was, with the function."""
    graph = g.Graph(g.chain("sum/1", after=add_one), "plus")
    entry, data = write_graph(graph)
    file = tmp_path / entry.replace(":", "-")
    file.write_bytes(data)
    assert str(graph) == str(read_graph(file))
    call = read_graph(file).functions()["add_one"].call
    assert call is not None
    assert 3 == call(2)


def test_graph_is_served_and_changed_in_place(stock: Registry, serve: Callable[..., Server]) -> None:
    """A graph answers in every worker; handed over again with other weights it takes its own place, at one address."""
    first = serve(g.Graph(g.split({"a": ("sum/1", 1.0), "b": ("sum/2", 0.0)}), "ab"), workers=2)
    assert ("ab",) == first.refs
    assert [3.0, 7.0] == first.predict(ROWS).tolist()
    second = serve(g.Graph(g.split({"a": ("sum/1", 0.0), "b": ("sum/2", 1.0)}), "ab"), workers=2)
    assert first == second
    until(lambda: [30.0, 70.0] == first.predict(ROWS).tolist())
    assert [first] == running(stock.settings.home)


def test_function_of_the_notebook_runs_in_the_server(serve: Callable[..., Server]) -> None:
    """What is written in a cell goes along with the graph."""
    prefix = 100.0

    def lifted(outputs):
        return outputs + prefix

    server = serve(g.Graph(g.chain("sum/1", after=lifted), "lifted"))
    assert [103.0, 107.0] == server.predict(ROWS).tolist()


def test_registered_graph_is_served_by_its_reference(stock: Registry, serve: Callable[..., Server]) -> None:
    """A graph that is a version is followed like any other; the newest one answers."""
    stock.register(g.chain("sum/1", after=add_one), "plus")
    server = serve("plus")
    assert [4.0, 8.0] == server.predict(ROWS).tolist()
    stock.register(g.chain("sum/2", after=add_one), "plus")
    until(lambda: [31.0, 71.0] == server.predict(ROWS).tolist())


def test_graph_of_what_is_not_there_starts_nothing(stock: Registry) -> None:
    """A graph that names an unknown model is refused by the caller."""
    with pytest.raises(errors.NotFound):
        stock.serve(g.Graph(g.split({"a": "sum/1", "b": "sum/9"}), "ab"))
    assert [] == running(stock.settings.home)
